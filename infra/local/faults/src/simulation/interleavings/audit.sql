-- Watches every write of a run. The stories of the seed before are gone, so that each audit is of its own.
drop schema if exists audit cascade;
truncate public.stories cascade;
create schema audit;
create table audit.stories (n bigint generated always as identity, story_id uuid, version bigint, status jsonb,
  xid xid8 default pg_current_xact_id());
create table audit.requeued (story_id uuid, asset text, xid xid8 default pg_current_xact_id());
create table audit.completions (job_id uuid, lease_token uuid);
create table audit.read_by (lease_token uuid primary key, text_lease uuid);
create table audit.mixes (story_id uuid, asset text, shown jsonb);
create function audit.text_lease(p_story_id uuid) returns uuid language sql as $$
  select (v.result #>> '{content,lease}')::uuid
  from public.asset_generation_jobs c join public.asset_versions v
    on v.story_id = c.story_id and v.asset_type = 'content' and v.version = c.asset_version
  where c.story_id = p_story_id and c.asset_type = 'content'
$$;
create function audit.story() returns trigger language plpgsql security definer as $$
begin
  insert into audit.stories (story_id, version, status) values (new.id, new.version, new.asset_generation_status);
  insert into audit.mixes
  select new.id, shown.asset, shown.state from (
    select a.key as asset, a.value as state, coalesce(a.value #>> '{data,lease}', substring(a.value ->> 'url' from '[^/]+$')) as made_by
    from jsonb_each(new.asset_generation_status -> 'assets') as a
    union all
    select 'words', new.asset_generation_status #> '{assets,audio}', new.audio_words #>> '{0,txt}') as shown
  join audit.read_by r on r.lease_token::text = shown.made_by
  where shown.state ->> 'stale' is distinct from 'true' and r.text_lease::text is distinct from new.content ->> 'lease';
  insert into audit.mixes
  select new.id, 'words', new.audio_words from (select substring(new.asset_generation_status #>> '{assets,audio,url}' from '[^/]+$') as made_by) as audio
  where audio.made_by is distinct from new.audio_words #>> '{0,txt}';
  return null;
end $$;
create function audit.job() returns trigger language plpgsql security definer as $$
begin
  if old.status = 'generating' and new.status = 'ready' then
    insert into audit.completions values (new.id, old.lease_token);
  elsif old.status = 'queued' and new.status = 'generating' and new.asset_type <> 'content' then
    insert into audit.read_by values (new.lease_token, audit.text_lease(new.story_id));
  elsif old.status not in ('queued', 'generating') and new.status = 'queued' then
    insert into audit.requeued (story_id, asset) values (new.story_id, new.asset_type);
  end if;
  return null;
end $$;
create trigger audit_story after insert or update on public.stories for each row execute function audit.story();
create trigger audit_job after update on public.asset_generation_jobs for each row execute function audit.job();
