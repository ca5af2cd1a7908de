-- The rules of the pipeline: which asset needs which, which state may follow which, when a retry is due, and how the
-- story's status follows from its jobs. shared/domain holds the same rules in Rust; a test compares both.

create function public.asset_inputs(p_asset_type text) returns text[]
  language sql immutable set search_path = '' as $$
  select case
    when p_asset_type = 'content' then '{}'::text[]
    when p_asset_type in ('cover', 'audio', 'activities') then '{content}'
    when p_asset_type like 'scene\__' then '{cover}'
    when p_asset_type = 'pdf' then '{content,cover,scene_1,scene_2,scene_3,scene_4}'
  end
$$;
comment on function public.asset_inputs is 'Assets that must be settled before this one may be claimed; content must be ready.';

create function public.next_job_status(p_status text, p_event text) returns text
  language sql immutable set search_path = '' as $$
  select case p_event
    when 'claim' then case when p_status = 'queued' then 'generating' end
    when 'complete' then case when p_status = 'generating' then 'ready' end
    when 'retry_later' then case when p_status = 'generating' then 'queued' end
    when 'release' then case when p_status = 'generating' then 'queued' end
    when 'give_up' then case when p_status = 'generating' then 'failed' end
    when 'cancel' then case when p_status in ('queued', 'generating') then 'cancelled' end
    when 'skip' then case when p_status = 'failed' then 'skipped' end
    when 'requeue' then case when p_status in ('ready', 'failed', 'cancelled', 'skipped') then 'queued' end
  end
$$;
comment on function public.next_job_status is 'The one transition table of jobs; null where the event is illegal in that state.';

create function private.guard_job_transition() returns trigger language plpgsql set search_path = '' as $$
begin
  if new.status <> old.status and not exists (
    select from unnest('{claim,complete,retry_later,release,give_up,cancel,skip,requeue}'::text[]) as event
    where public.next_job_status(old.status, event) = new.status)
  then
    raise exception 'job % may not go from % to %', old.id, old.status, new.status using errcode = 'check_violation';
  end if;
  if private.is_settled(new.status) then new.limited_since := null; end if;
  if (new.status, new.inputs_settled) <> (old.status, old.inputs_settled) then
    new.entered_in := pg_current_xact_id()::text::bigint;
  end if;
  new.updated_at := now();
  return new;
end $$;
create trigger jobs_guard_transition before update on public.asset_generation_jobs
  for each row execute function private.guard_job_transition();

create function public.max_retries(p_asset_type text) returns integer
  language sql immutable set search_path = '' as $$
  select case when p_asset_type in ('audio', 'pdf') then 2 else 3 end
$$;
comment on function public.max_retries is 'Retries after the first try: three, but two for audio and pdf (S1-222 to S1-225).';

create function public.retry_delay_seconds(p_asset_type text, p_retry_count integer) returns double precision
  language sql immutable set search_path = '' as $$
  select (case
    when p_asset_type in ('content', 'activities') then 2 ^ p_retry_count
    when p_asset_type = 'audio' then 5 * (p_retry_count + 1)
    else 0
  end)::double precision
$$;
comment on function public.retry_delay_seconds is
  'Pause before retry n (from 0): content and activities 1, 2, 4 s; audio 5, 10 s; pictures and pdf at once. A provider''s Retry-After wins.';

create function private.head_start(p_priority text) returns interval
  language sql immutable set search_path = '' as $$
  select case p_priority when 'urgent' then interval '0' when 'high' then interval '2 minutes' else interval '4 minutes' end
$$;
comment on function private.head_start is 'How much longer than an urgent job this one waits when both became claimable together.';

create function private.is_settled(p_status text) returns boolean
  language sql immutable set search_path = '' as $$
  select p_status in ('ready', 'failed', 'cancelled', 'skipped')
$$;

-- What the front end sees of one job. A content job that waits shows as generating, as POST /stories promises.
create function private.asset_state(p_job public.asset_generation_jobs) returns jsonb
  language sql stable set search_path = '' as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'status', case
      when p_job.status <> 'queued' then p_job.status
      when p_job.retry_count > 0 then 'retrying'
      when p_job.asset_type = 'content' then 'generating'
      else 'pending' end,
    'progress', case when p_job.status = 'ready' then 100 else p_job.progress end,
    'url', p_job.url,
    'startedAt', p_job.started_at,
    'completedAt', case when p_job.status = 'ready' then p_job.completed_at end,
    'error', case when p_job.status in ('failed', 'cancelled') then p_job.error_message end,
    'code', case when p_job.status in ('failed', 'cancelled') then p_job.error_code end,
    'isPlaceholder', case when p_job.is_placeholder then true end,
    'version', nullif(p_job.asset_version, 0),
    'data', p_job.result -> 'data',
    'metadata', nullif(p_job.metadata, '{}'::jsonb)))
$$;

create function public.overall_status(p_assets jsonb) returns text
  language sql immutable set search_path = '' as $$
  select case
    when p_assets #>> '{content,status}' in ('failed', 'cancelled') then 'failed'
    when bool_or(value ->> 'status' in ('pending', 'generating', 'retrying')) then 'generating'
    when bool_and(value ->> 'status' in ('ready', 'skipped')) then 'ready'
    else 'partial'
  end
  from jsonb_each(p_assets)
$$;
comment on function public.overall_status is 'Pure: the overall state of a story from the states of its assets.';

-- Jobs whose inputs are settled become claimable; jobs that can never have a text are cancelled with it.
create function private.settle_inputs(p_story_id uuid) returns void
  language plpgsql set search_path = '' as $$
begin
  update public.asset_generation_jobs j
  set status = 'cancelled', completed_at = now(), lease_expires_at = null,
      error_code = 'INPUT_FAILED', error_message = 'The story text could not be made'
  where j.story_id = p_story_id and j.asset_type <> 'content' and j.status in ('queued', 'generating')
    and exists (select from public.asset_generation_jobs c
      where c.story_id = p_story_id and c.asset_type = 'content' and c.status in ('failed', 'cancelled'));

  update public.asset_generation_jobs j
  set inputs_settled = true,
      claim_order = greatest(now(), j.available_at) + private.head_start(j.priority)
  where j.story_id = p_story_id and j.status = 'queued' and not j.inputs_settled
    -- Everything needs the text, a scene without a cover too.
    and not exists (select from public.asset_generation_jobs i
      where i.story_id = p_story_id and i.id <> j.id
        and (i.asset_type = 'content' or i.asset_type = any (public.asset_inputs(j.asset_type)))
        and case when i.asset_type = 'content' then i.status <> 'ready' else not private.is_settled(i.status) end);
end $$;

-- The caller holds the claim turn.
create function private.lease_jobs(p_job_ids uuid[], p_owner text, p_lease_seconds integer) returns setof uuid
  language plpgsql set search_path = '' as $$
begin
  perform private.take_calls(p_job_ids);
  return query update public.asset_generation_jobs
  set status = 'generating', lease_token = gen_random_uuid(), lease_owner = p_owner,
      lease_expires_at = now() + make_interval(secs => p_lease_seconds),
      attempt = attempt + 1, started_at = now(), error_code = null, error_message = null
  where id = any (p_job_ids)
  returning id;
end $$;

-- A snapshot that somebody holds keeps every dead row version, and an index scan visits each of them. So claims start at
-- a horizon: no job that waits (or is at work) entered before it. It is the oldest such job, or the oldest transaction
-- that still runs and may bring an older one; the holder of a snapshot who writes nothing does not count. Kept in
-- sequences, because those are written in place and leave nothing dead.
create sequence private.waiting_horizon as bigint minvalue 0 start 0;
create sequence private.working_horizon as bigint minvalue 0 start 0;
grant select, update on sequence private.waiting_horizon, private.working_horizon to service_role;

-- A horizon ahead of this very transaction is of another cluster, from a backup: everything is read then.
create function private.waiting_since() returns bigint language plpgsql stable set search_path = '' as $$
begin
  return (select case when last_value <= pg_current_xact_id()::text::bigint then last_value else 0 end
    from private.waiting_horizon);
end $$;
create function private.working_since() returns bigint language plpgsql stable set search_path = '' as $$
begin
  return (select case when last_value <= pg_current_xact_id()::text::bigint then last_value else 0 end
    from private.working_horizon);
end $$;

-- To be called before the transaction moves a job: what it takes back must not lie below the horizon. Each horizon comes
-- out of one statement, or a job could slip in between the oldest job and the oldest transaction.
create function private.note_horizons() returns void language sql volatile set search_path = '' as $$
  select setval('private.waiting_horizon', least(
    (select min(entered_in) from public.asset_generation_jobs
      where status = 'queued' and inputs_settled and entered_in >= private.waiting_since()),
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint));
  select setval('private.working_horizon', least(
    (select min(entered_in) from public.asset_generation_jobs
      where status = 'generating' and entered_in >= private.working_since()),
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint));
$$;

-- Whether some job could be claimed now, of another story than this one. Computes with available_at, because its own
-- index would be read from the beginning.
create function private.others_can_be_claimed(p_not_now text[], p_story_id uuid) returns boolean
  language sql stable set search_path = '' as $$
  select exists (select from public.asset_generation_jobs
    where status = 'queued' and inputs_settled and entered_in >= private.waiting_since()
      and available_at + interval '0' <= now() and asset_type <> all (p_not_now) and story_id is distinct from p_story_id)
$$;

create function private.jobs_in_flight() returns bigint language sql stable set search_path = '' as $$
  select count(*) from public.asset_generation_jobs where status = 'generating' and entered_in >= private.working_since()
$$;

-- The claims that share one cap take turns; each holds this for the few milliseconds of its transaction.
create function private.take_claim_turn() returns void language sql set search_path = '' as $$
  select pg_advisory_xact_lock(hashtextextended('storytailor.claim', 0))
$$;

-- What failed twice may be what takes its process down: from then on it gets a process to itself, or the jobs beside it
-- would use up their retries with it. The worker's dispatch follows the same rule.
create function private.travels_alone(p_retry_count integer) returns boolean language sql immutable set search_path = '' as $$
  select p_retry_count >= 2
$$;

-- Leases the next jobs of one story to the invocation that just made them claimable, so that no dispatch stands
-- between a picture and the next. Only while there is room for everybody: under contention the worker decides fairly.
create function private.continue_story_here(p_story_id uuid, p_owner text, p_limit integer, p_lease_seconds integer,
  p_max_in_flight integer) returns uuid[]
  language plpgsql set search_path = '' as $$
declare
  v_ids uuid[];
  v_room jsonb;
begin
  if p_owner is null or p_limit <= 0 then return '{}'; end if;
  select array_agg(id) into v_ids from (
    select id from public.asset_generation_jobs
    where story_id = p_story_id and status = 'queued' and inputs_settled and available_at <= now()
      and not private.travels_alone(retry_count)
    order by claim_order limit p_limit for update) as next_jobs;
  if v_ids is null then return '{}'; end if;

  perform private.take_claim_turn();
  v_room := private.room_of_providers();
  v_ids := private.within_room(v_ids, v_room);
  if cardinality(v_ids) = 0 or private.jobs_in_flight() + cardinality(v_ids) > p_max_in_flight then return '{}'; end if;
  if private.others_can_be_claimed(private.assets_without_room(v_room), p_story_id) then return '{}'; end if;
  return array(select private.lease_jobs(v_ids, p_owner, p_lease_seconds));
end $$;

create function private.leased_jobs(p_job_ids uuid[]) returns jsonb
  language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object(
      'jobId', id, 'storyId', story_id, 'assetType', asset_type, 'leaseToken', lease_token, 'attempt', attempt,
      'retryCount', retry_count, 'assetVersion', asset_version, 'checkpoint', checkpoint, 'options', options)
      order by claim_order, asset_type), '[]'::jsonb)
  from public.asset_generation_jobs where id = any (p_job_ids)
$$;

-- Writes the story row once per event: the columns of p_patch, the status derived from the jobs, and what a final
-- state brings with it (completion time, notice, refund). The caller holds the story's row lock.
create function private.write_story(p_story_id uuid, p_patch jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_assets jsonb;
  v_overall text;
  v_text text;
  v_round integer;
  v_user uuid;
begin
  select jsonb_object_agg(j.asset_type, private.asset_state(j)) into v_assets
  from public.asset_generation_jobs j where j.story_id = p_story_id;
  v_overall := public.overall_status(v_assets);

  update public.stories s
  set title = coalesce(p_patch ->> 'title', s.title),
      content = coalesce(p_patch -> 'content', s.content),
      hue_extracted_colors = s.hue_extracted_colors || coalesce(p_patch -> 'hue', '{}'::jsonb),
      -- An empty list: this narration has no times, and those of the one before it are not its own.
      audio_words = case when p_patch ? 'audioWords' then nullif(p_patch -> 'audioWords', '[]'::jsonb) else s.audio_words end,
      audio_blocks = coalesce(p_patch -> 'audioBlocks', s.audio_blocks),
      status = case v_overall when 'generating' then 'generating' when 'failed' then 'failed' else 'ready' end,
      asset_generation_status = jsonb_build_object('overall', v_overall, 'assets', v_assets),
      asset_generation_completed_at = case when v_overall = 'generating' then null
        else coalesce(s.asset_generation_completed_at, now()) end
  where s.id = p_story_id
  returning s.creator_user_id into v_user;

  if v_overall <> 'generating' then
    insert into public.notification_outbox (story_id, user_id, kind, overall)
    values (p_story_id, v_user, case v_overall when 'failed' then 'failure' else 'completion' end, v_overall)
    on conflict (story_id, kind) do nothing;
  end if;

  select j.status into v_text from public.asset_generation_jobs j
  where j.story_id = p_story_id and j.asset_type = 'content';
  if v_text = 'failed' then
    select max(round) into v_round from public.credit_ledger where story_id = p_story_id and reason = 'story_created';
    insert into public.credit_ledger (user_id, story_id, reason, round, delta)
    values (v_user, p_story_id, 'text_failed', v_round, 1) on conflict (story_id, reason, round) do nothing;
    if found then
      update public.users set stories_used = stories_used - 1 where id = v_user;
    end if;
  end if;
  return jsonb_build_object('overall', v_overall);
end $$;

-- What any of the story's pictures found out and saved: the palette journey, and each scene's analysis by its number.
create function private.art_of(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'journey', (select j.checkpoint #> '{art,journey}' from public.asset_generation_jobs j
      where j.story_id = p_story_id and j.checkpoint #> '{art,journey}' <> 'null' limit 1),
    'scenes', (select coalesce(jsonb_object_agg(scene.key, scene.value), '{}'::jsonb)
      from public.asset_generation_jobs j, jsonb_each(j.checkpoint #> '{art,scenes}') as scene
      where j.story_id = p_story_id))
$$;

-- What a job needs to know of its siblings.
create function private.story_view(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object('assets', asset_generation_status -> 'assets', 'hue', hue_extracted_colors,
    'art', private.art_of(id))
  from public.stories where id = p_story_id
$$;

-- What every verb ends with: settle what follows, lease it to the caller where that is allowed, write the story once.
-- Answers how many jobs are claimable (the caller wakes the worker when there are any): those of the story, and one more
-- when a job of another waits for a place that is free now; and the jobs leased to the caller.
create function private.advance(p_story_id uuid, p_patch jsonb default '{}'::jsonb, p_continue jsonb default null)
  returns jsonb language plpgsql set search_path = '' as $$
declare
  v_ids uuid[] := '{}';
  v_claimable bigint;
  v_written jsonb;
begin
  perform private.settle_inputs(p_story_id);
  if p_continue is not null then
    v_ids := private.continue_story_here(p_story_id, p_continue ->> 'owner', (p_continue ->> 'limit')::integer,
      (p_continue ->> 'leaseSeconds')::integer, (p_continue ->> 'maxInFlight')::integer);
  end if;
  v_written := private.write_story(p_story_id, p_patch);
  select count(*) + private.places_others_wait_for() into v_claimable from public.asset_generation_jobs
  where story_id = p_story_id and status = 'queued' and inputs_settled;
  return v_written || jsonb_build_object('claimable', v_claimable, 'leased', private.leased_jobs(v_ids),
    'view', case when cardinality(v_ids) > 0 then private.story_view(p_story_id) end);
end $$;
