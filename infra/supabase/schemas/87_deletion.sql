-- Taking away: rows go at once, files and what the CDN keeps of them by the deletion queue, and the ledgers keep sums.
--
-- Whoever removes a story's row (a user, the end of an account, somebody at the dashboard) passes the triggers here, so that
-- no file stays because of the way its story went.

create function private.before_story_deleted() returns trigger
  language plpgsql security definer set search_path = '' as $$
declare
  v_nobody uuid := gen_random_uuid();
begin
  perform private.queue_deletion(old.id, 'files', interval '0');
  perform private.queue_webhooks(old.creator_user_id, old.id, 'story.deleted', jsonb_build_object('deletedAt', now()));
  delete from private.deletion_queue where story_id = old.id and kind = 'orphans';
  perform private.forget_names_of_usage(null, old.id);
  -- Its credits still count for their user, as those of a story that nobody can name.
  update public.credit_ledger set story_id = v_nobody where story_id = old.id;
  -- Answers hold title and text. The keys stay: what made the story does not make another when it comes again.
  update public.idempotency_keys set response = '{"gone": true}'
  where user_id = old.creator_user_id and response #>> '{story,id}' = old.id::text;
  return old;
end $$;
create trigger stories_leave_no_files before delete on public.stories
  for each row execute function private.before_story_deleted();

create function private.before_user_deleted() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  perform private.note_deleted_user(old.id);
  insert into private.credit_sums (day, reason, entries, delta)
  select (created_at at time zone 'UTC')::date, reason, count(*), sum(delta)
  from public.credit_ledger where user_id = old.id group by 1, 2 order by 1, 2
  on conflict (day, reason) do update
  set entries = credit_sums.entries + excluded.entries, delta = credit_sums.delta + excluded.delta;
  perform private.forget_names_of_usage(old.id, null);
  return old;
end $$;
create trigger users_leave_sums before delete on public.users
  for each row execute function private.before_user_deleted();

-- The profile and everything of it. Stories before their user, in the order of their ids, as everybody locks them.
create function private.delete_profile(p_user_id uuid) returns void language plpgsql set search_path = '' as $$
begin
  perform private.note_deleted_user(p_user_id);
  perform from public.stories where creator_user_id = p_user_id order by id for update;
  delete from public.stories where creator_user_id = p_user_id;
  delete from public.users where id = p_user_id;
end $$;

create function private.on_auth_user_deleted() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  perform private.delete_profile(old.id);
  return old;
end $$;

create trigger storytailor_user_deleted after delete on auth.users
  for each row execute function private.on_auth_user_deleted();

create function public.delete_story(p_user_id uuid, p_story_id uuid, p_idempotency_key text default null,
  p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_replay jsonb;
  v_unfinished boolean := false;
begin
  perform private.refuse_deleted_user(p_user_id);
  perform private.refuse_while('read_only');
  select asset_generation_status ->> 'overall' = 'generating' into v_unfinished
  from public.stories where id = p_story_id and creator_user_id = p_user_id for update;
  if found then
    -- As a user cancels it: a story that has no text yet gives its credit back.
    if exists (select from public.asset_generation_jobs
      where story_id = p_story_id and status in ('queued', 'generating')) then
      perform public.cancel_assets(p_user_id, p_story_id);
    end if;
    perform private.lock_user(p_user_id);
  end if;
  v_replay := private.find_idempotent_response(p_user_id, 'delete_story', p_idempotency_key, p_request_hash);
  if v_replay is not null then return v_replay; end if;
  delete from public.stories where id = p_story_id and creator_user_id = p_user_id;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  return private.save_idempotent_response(p_user_id, 'delete_story', p_idempotency_key, p_request_hash,
    jsonb_build_object('unfinished', v_unfinished, 'told', exists (select from private.webhook_deliveries d
      join private.webhook_endpoints e on e.id = d.endpoint_id
      where e.user_id = p_user_id and d.story_id = p_story_id and d.status = 'pending')));
end $$;
comment on function public.delete_story is
  'Takes a story away with all its rows, and queues the deletion of its files: {told, unfinished, replayed}; told = webhooks say '
  'so, unfinished = it was still being made. Refuses with PT404 STORY_NOT_FOUND.';

-- Up to p_limit stories a call, so that no transaction grows with an account; to be called until it is done, which
-- claim_deletions does when the caller does not. From the first call on nothing is made for this user any more.
create function public.delete_user(p_user_id uuid, p_limit integer default 100) returns jsonb
  language plpgsql security definer set search_path = '' as $$
declare
  v_stories uuid[];
begin
  -- What was begun is ended.
  if not exists (select from private.deleted_users where user_digest = private.user_digest(p_user_id)) then
    perform private.refuse_while('read_only');
  end if;
  perform private.note_deleted_user(p_user_id);
  update private.deleted_users set unfinished_user_id = p_user_id where user_digest = private.user_digest(p_user_id);
  v_stories := array(select id from public.stories where creator_user_id = p_user_id order by id limit p_limit for update);
  delete from public.stories where id = any (v_stories);
  if exists (select from public.stories where creator_user_id = p_user_id) then return '{"done": false}'::jsonb; end if;
  -- Waits for a profile that is being made just now, or it would outlive this.
  insert into public.users (id) values (p_user_id) on conflict (id) do nothing;
  perform from public.users where id = p_user_id for update;
  -- A story that came meanwhile is the next call's: nobody locks a story after its user.
  if exists (select from public.stories where creator_user_id = p_user_id) then return '{"done": false}'::jsonb; end if;
  delete from auth.users where id = p_user_id;
  delete from public.users where id = p_user_id;
  update private.deleted_users set unfinished_user_id = null where user_digest = private.user_digest(p_user_id);
  return '{"done": true}'::jsonb;
end $$;
comment on function public.delete_user is
  'Takes a user away, the sign-in included, with all stories: {done}. Safe to repeat; access tokens that are still valid are '
  'refused with PT401 TOKEN_INVALID from then on.';

-- Every address of a file that a row of the story names, in any version.
create function private.named_files(p_story_id uuid) returns text[] language sql stable set search_path = '' as $$
  select array(
    select url from public.asset_generation_jobs where story_id = p_story_id and url is not null
    union
    select url from public.asset_generation_history where story_id = p_story_id and url is not null
    union
    select url from public.asset_versions where story_id = p_story_id and url is not null
    union
    select asset.value ->> 'url' from public.stories s, jsonb_each(s.asset_generation_status -> 'assets') as asset
    where s.id = p_story_id and asset.value ? 'url')
$$;

-- Each call names itself, so that one whose answer was lost is answered again.
create function public.claim_deletions(p_owner text, p_limit integer default 100, p_lease_seconds integer default 60)
  returns jsonb language plpgsql set search_path = '' as $$
declare
  v_ids bigint[] := array(select id from private.deletion_queue where lease_owner = p_owner);
  v_unfinished uuid;
begin
  select unfinished_user_id into v_unfinished from private.deleted_users
  where unfinished_user_id is not null order by deleted_at limit 1;
  if v_unfinished is not null then perform public.delete_user(v_unfinished); end if;
  if cardinality(v_ids) = 0 then
    v_ids := array(select id from private.deletion_queue where available_at <= now()
      order by available_at, id limit p_limit for update skip locked);
    update private.deletion_queue
    set
      lease_token = gen_random_uuid(),
      lease_owner = p_owner,
      claimed_at = now(),
      available_at = now() + make_interval(secs => p_lease_seconds),
      attempts = attempts + 1
    where id = any (v_ids);
  end if;
  return jsonb_build_object('deletions', (
    select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
        'deletionId', id,
        'storyId', story_id,
        'characterId', character_id,
        'kind', kind,
        'leaseToken', lease_token,
        'attempts', attempts,
        'named', case when kind = 'orphans' then private.named_files(story_id) end,
        'endedAttempts', case when kind = 'orphans' then ended_attempts end,
        'kept', (select to_jsonb(reference_images) from public.characters c where c.id = character_id)))
        order by id), '[]'::jsonb)
    from private.deletion_queue where id = any (v_ids)),
    'more', private.has_deletions());
end $$;
comment on function public.claim_deletions is
  'Leases up to p_limit deletions that are due: {deletions: [{deletionId, storyId or characterId, kind, leaseToken, '
  'attempts}], more}.';

-- What the CDN keeps is invalidated a few seconds after the files are gone, so that many stories share one request.
create function public.complete_deletion(p_deletion_id bigint, p_lease_token uuid, p_error text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_deletion private.deletion_queue;
begin
  select * into v_deletion from private.deletion_queue where id = p_deletion_id for update;
  -- The same call again, because its answer was lost.
  if not found then return '{"accepted": true}'::jsonb; end if;
  if v_deletion.lease_token is distinct from p_lease_token then return '{"accepted": false}'::jsonb; end if;
  if p_error is not null then
    update private.deletion_queue
    set
      lease_token = null,
      lease_owner = null,
      last_error = p_error,
      available_at = now() + make_interval(secs => least(60, 2 ^ least(attempts - 1, 6)))
    where id = p_deletion_id;
    return '{"accepted": true}'::jsonb;
  end if;
  if v_deletion.kind = 'files' and v_deletion.passes = 0 then
    perform private.queue_deletion(v_deletion.story_id, 'cdn', interval '5 seconds');
  end if;
  if v_deletion.kind in ('files', 'references')
    and v_deletion.claimed_at < v_deletion.wanted_since + private.late_writer_grace() then
    update private.deletion_queue
    set
      passes = passes + 1,
      attempts = 0,
      lease_token = null,
      lease_owner = null,
      last_error = null,
      available_at = wanted_since + private.late_writer_grace()
    where id = p_deletion_id;
  else
    delete from private.deletion_queue where id = p_deletion_id;
  end if;
  return '{"accepted": true}'::jsonb;
end $$;
comment on function public.complete_deletion is
  'What was claimed is done, or failed with p_error and is due again after a pause of at most a minute: {accepted}.';
