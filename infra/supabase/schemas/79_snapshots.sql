-- Snapshots and what they are for: claim_snapshots, complete_snapshots, recover_story.

-- Everything that a story's status, history and files are told from, in one statement. `schema` says how it is to be read.
create function private.story_snapshot(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'schema', 1,
    'storyId', s.id,
    'version', s.version,
    'takenAt', now(),
    'story', to_jsonb(s),
    'characters', (select h.characters from public.story_characters h where h.story_id = s.id),
    'jobs', (select jsonb_agg(j.job order by j.job ->> 'asset_type') from (
      select to_jsonb(j) as job from public.asset_generation_jobs j where j.story_id = s.id
      union all
      select to_jsonb(h) from public.asset_generation_history h where h.story_id = s.id) as j),
    'versions', (select coalesce(jsonb_agg(to_jsonb(v) order by v.asset_type, v.version), '[]'::jsonb)
      from public.asset_versions v where v.story_id = s.id),
    'notices', (select coalesce(jsonb_agg(n.notice order by n.notice -> 'id'), '[]'::jsonb) from (
      select to_jsonb(o) as notice from public.notification_outbox o where o.story_id = s.id
      union all
      select to_jsonb(h) from public.notification_history h where h.story_id = s.id) as n),
    'credits', (select coalesce(jsonb_agg(c.id order by c.id), '[]'::jsonb) from public.credit_ledger c where c.story_id = s.id),
    'calls', (select coalesce(jsonb_agg(jsonb_build_object('id', u.id, 'jobId', u.job_id) order by u.id), '[]'::jsonb)
      from public.usage_ledger u where u.story_id = s.id))
  from public.stories s where s.id = p_story_id
$$;

create function public.claim_snapshots(p_limit integer default 5, p_lease_seconds integer default 60) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_token uuid := gen_random_uuid();
  v_ids uuid[];
begin
  -- What is made again is wanted again when it is settled.
  delete from private.snapshot_queue q using public.stories s
  where q.available_at <= now() and s.id = q.story_id and s.asset_generation_status ->> 'overall' = 'generating';
  v_ids := array(select story_id from private.snapshot_queue where available_at <= now()
    order by available_at, story_id limit p_limit for update skip locked);
  update private.snapshot_queue
  set lease_token = v_token, attempts = attempts + 1, available_at = now() + make_interval(secs => p_lease_seconds)
  where story_id = any (v_ids);
  return jsonb_build_object(
    'leaseToken', v_token,
    'snapshots', (select coalesce(jsonb_agg(private.story_snapshot(id)), '[]'::jsonb) from unnest(v_ids) as id),
    'more', private.has_snapshots());
end $$;
comment on function public.claim_snapshots is
  'Leases up to p_limit settled stories whose snapshot is to be written: {leaseToken, snapshots, more}.';

create function public.complete_snapshots(p_lease_token uuid, p_written uuid[], p_failed jsonb default '[]') returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_written bigint;
begin
  delete from private.snapshot_queue where lease_token = p_lease_token and story_id = any (p_written);
  get diagnostics v_written = row_count;
  update private.snapshot_queue q
  set
    lease_token = null,
    last_error = failed.told ->> 'error',
    available_at = now() + make_interval(secs => least(900, 2 ^ least(q.attempts, 10)))
  from jsonb_array_elements(p_failed) as failed (told)
  where q.lease_token = p_lease_token and q.story_id = (failed.told ->> 'storyId')::uuid;
  return jsonb_build_object('written', v_written);
end $$;
comment on function public.complete_snapshots is
  'What was claimed is in the bucket, or failed with an error and is due again after a pause: {written}.';

-- What of a snapshot says how the story is. Its place on a shelf and what was told of it are not damage.
create function private.essence(p_snapshot jsonb) returns jsonb language sql immutable set search_path = '' as $$
  select (p_snapshot #- '{story,version}' #- '{story,updated_at}' #- '{story,library_id}')
    - '{version,takenAt,notices,credits,calls}'::text[]
$$;

-- Whether the rows know more than the snapshot: a change that is not in it yet, work that goes on, or a version it lacks.
create function private.is_newer_than(p_story_id uuid, p_snapshot jsonb) returns boolean
  language sql stable set search_path = '' as $$
  select exists (select from private.snapshot_queue where story_id = p_story_id)
    or exists (select from public.asset_generation_jobs where story_id = p_story_id and not private.is_settled(status))
    or exists (select from public.asset_versions v where v.story_id = p_story_id and not exists (
      select from jsonb_array_elements(p_snapshot -> 'versions') as known (version)
      where known.version ->> 'asset_type' = v.asset_type and known.version -> 'version' = to_jsonb(v.version)))
$$;

-- The rows beside the story's own, as the snapshot has them. The caller holds the story's lock.
create function private.put_back_rows(p_story_id uuid, p_snapshot jsonb) returns void
  language plpgsql set search_path = '' as $$
begin
  delete from public.asset_generation_jobs where story_id = p_story_id;
  delete from public.asset_generation_history where story_id = p_story_id;
  delete from public.asset_versions where story_id = p_story_id;
  insert into public.asset_generation_jobs (
    id, story_id, user_id, asset_type, status, priority,
    inputs_settled, available_at, claim_order, state_changed_xid, queued_by_input,
    lease_token, lease_owner, lease_expires_at, attempt, retry_count, limited_since,
    progress, url, result, is_placeholder, asset_version, versions_made, asked_by, shown, metadata, checkpoint, options, sources,
    error_code, error_message, last_error, started_at, completed_at, created_at, updated_at,
    attempt_errors)
  select
    id, story_id, user_id, asset_type, status, priority,
    inputs_settled, available_at, claim_order, state_changed_xid, queued_by_input,
    lease_token, lease_owner, lease_expires_at, attempt, retry_count, limited_since,
    progress, url, result, is_placeholder, asset_version, versions_made, asked_by, shown, metadata, checkpoint, options, sources,
    error_code, error_message, last_error, started_at, completed_at, created_at, updated_at,
    attempt_errors
  from jsonb_populate_recordset(null::public.asset_generation_jobs, p_snapshot -> 'jobs');
  insert into public.asset_versions (
    story_id, asset_type, version, text_version, url, result, options, asked_by, started_at, created_at)
  select story_id, asset_type, version, text_version, url, result, options, asked_by, started_at, created_at
  from jsonb_populate_recordset(null::public.asset_versions, p_snapshot -> 'versions');
  insert into public.story_characters (story_id, characters)
  select p_story_id, p_snapshot -> 'characters' where p_snapshot -> 'characters' <> 'null'::jsonb
  on conflict (story_id) do update set characters = excluded.characters;
  -- What was told of it is not told again.
  insert into public.notification_outbox (
    id, story_id, user_id, kind, created_at, available_at, attempts, lease_token, last_error, sent_at, message_id,
    dropped_at, dropped_because)
  overriding system value
  select
    id, story_id, user_id, kind, created_at, available_at, attempts, lease_token, last_error, sent_at, message_id,
    dropped_at, dropped_because
  from jsonb_populate_recordset(null::public.notification_outbox, p_snapshot -> 'notices')
  on conflict do nothing;
end $$;

-- Its credit and its paid calls bear its name again. A credit that is lost as well is taken anew, for a story has one.
create function private.put_back_names(p_story_id uuid, p_user_id uuid, p_snapshot jsonb) returns void
  language plpgsql set search_path = '' as $$
begin
  perform from public.users where id = p_user_id for update;
  update public.credit_ledger set story_id = p_story_id
  where user_id = p_user_id and id in (select id::bigint from jsonb_array_elements_text(p_snapshot -> 'credits') as id);
  if not exists (select from public.credit_ledger where story_id = p_story_id) then
    insert into public.credit_ledger (user_id, story_id, reason, delta) values (p_user_id, p_story_id, 'story_created', -1);
    update public.users set stories_used = stories_used + 1 where id = p_user_id;
  end if;
  update public.usage_ledger u set user_id = p_user_id, story_id = p_story_id, job_id = known.job
  from (select (call ->> 'id')::bigint as id, (call ->> 'jobId')::uuid as job
    from jsonb_array_elements(p_snapshot -> 'calls') as call) as known
  where u.id = known.id and u.story_id is null;
end $$;

create function public.recover_story(p_snapshot jsonb) returns jsonb language plpgsql set search_path = '' as $$
declare
  v_id uuid := (p_snapshot ->> 'storyId')::uuid;
  v_row public.stories := jsonb_populate_record(null::public.stories, p_snapshot -> 'story');
  v_was public.stories;
begin
  if p_snapshot -> 'schema' is distinct from '1'::jsonb or v_row.id is distinct from v_id then
    perform private.refuse(409, 'UNKNOWN_SNAPSHOT');
  end if;
  select * into v_was from public.stories where id = v_id for update;
  if not exists (select from public.users where id = v_row.creator_user_id) then
    perform private.refuse(404, 'STORY_NOT_RECOVERABLE');
  end if;
  if v_was.id is not null then
    if private.is_newer_than(v_id, p_snapshot) then perform private.refuse(409, 'STORY_IS_NEWER'); end if;
    if private.essence(private.story_snapshot(v_id)) = private.essence(p_snapshot) then
      return '{"outcome": "whole"}'::jsonb;
    end if;
  end if;
  -- Where its user put it since; else where it was, or where stories go that name no library.
  v_row.library_id := (select id from public.libraries where owner_user_id = v_row.creator_user_id
    order by id is not distinct from v_was.library_id desc, id = v_row.library_id desc, created_at limit 1);
  if v_was.id is null then
    v_row.version := v_row.version + 1;
    v_row.updated_at := now();
    insert into public.stories (
      id, library_id, creator_user_id, title, content, status, asset_generation_status,
      asset_generation_started_at, asset_generation_completed_at, hue_extracted_colors, audio_words, audio_blocks, character_ids,
      story_type, themes, request, version, created_at, updated_at)
    values (
      v_row.id, v_row.library_id, v_row.creator_user_id, v_row.title, v_row.content, v_row.status,
      v_row.asset_generation_status, v_row.asset_generation_started_at, v_row.asset_generation_completed_at,
      v_row.hue_extracted_colors, v_row.audio_words, v_row.audio_blocks, v_row.character_ids, v_row.story_type,
      v_row.themes, v_row.request, v_row.version, v_row.created_at, v_row.updated_at);
  else
    update public.stories
    set
      library_id = v_row.library_id,
      title = v_row.title,
      content = v_row.content,
      status = v_row.status,
      asset_generation_status = v_row.asset_generation_status,
      asset_generation_started_at = v_row.asset_generation_started_at,
      asset_generation_completed_at = v_row.asset_generation_completed_at,
      hue_extracted_colors = v_row.hue_extracted_colors,
      audio_words = v_row.audio_words,
      audio_blocks = v_row.audio_blocks,
      character_ids = v_row.character_ids,
      story_type = v_row.story_type,
      themes = v_row.themes,
      request = v_row.request
    where id = v_id;
  end if;
  perform private.put_back_rows(v_id, p_snapshot);
  perform private.put_back_names(v_id, v_row.creator_user_id, p_snapshot);
  -- Its files are wanted again.
  delete from private.deletion_queue where story_id = v_id;
  return '{"outcome": "recovered"}'::jsonb;
end $$;
comment on function public.recover_story is
  'Brings a lost or damaged story back as its snapshot has it: {outcome}, recovered or whole. Refuses with PT404 '
  'STORY_NOT_RECOVERABLE when its user is gone, PT409 STORY_IS_NEWER when the rows know more than the snapshot, PT409 '
  'UNKNOWN_SNAPSHOT.';
