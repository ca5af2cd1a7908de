-- Working under a lease: start_content, claim_asset_jobs, start_assets, report_progress, release_job, expire_stuck_jobs.
--
-- Lock order everywhere: the story's row, without which nobody writes its jobs, then the claim turn, then the user's
-- row. Claiming takes stories with SKIP LOCKED and waits for none; it says `more` when it passed something over.

create function private.work_of(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'storyId', s.id, 'userId', s.creator_user_id, 'title', s.title, 'content', s.content, 'storyType', s.story_type,
    'themes', to_jsonb(s.themes), 'request', s.request, 'view', private.story_view(s.id),
    'art', (select j.checkpoint -> 'art' from public.asset_generation_jobs j
      where j.story_id = s.id and j.asset_type = 'cover'),
    'characters', (select coalesce(jsonb_agg(to_jsonb(c) order by array_position(s.character_ids, c.id)), '[]'::jsonb)
      from public.characters c where c.id = any (s.character_ids)))
  from public.stories s where s.id = p_story_id
$$;

create function private.is_stale(p_job public.asset_generation_jobs, p_lease_token uuid) returns text
  language sql immutable set search_path = '' as $$
  select case
    when p_job.id is null then 'NO_SUCH_JOB'
    when p_job.status = 'cancelled' then 'CANCELLED'
    when p_job.status <> 'generating' then 'NOT_GENERATING'
    when p_job.lease_token is distinct from p_lease_token then 'LEASE_LOST'
  end
$$;
comment on function private.is_stale is 'Why a writer with this token may not write, or null when its lease is the one in force.';

-- Grants the text job of a story to one invocation: with the lease of a claim, or by claiming it here. A second
-- delivery of the same event is not granted, for the first one owns the lease by then.
create function public.start_content(p_story_id uuid, p_owner text, p_lease_token uuid default null,
  p_lease_seconds integer default 60, p_max_in_flight integer default 1000) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs;
  v_stale text;
begin
  perform from public.stories where id = p_story_id for update;
  if not found then return jsonb_build_object('granted', false, 'reason', 'NO_SUCH_STORY'); end if;
  select * into v_job from public.asset_generation_jobs where story_id = p_story_id and asset_type = 'content' for update;

  if p_lease_token is null and v_job.status = 'queued' and (v_job.attempt = 0 or v_job.available_at <= now()) then
    perform private.take_claim_turn();
    if private.jobs_in_flight() >= p_max_in_flight then
      update public.asset_generation_jobs set available_at = now() where id = v_job.id;
      return jsonb_build_object('granted', false, 'reason', 'AT_CAPACITY');
    end if;
    perform private.lease_jobs(array[v_job.id], p_owner, p_lease_seconds);
    perform private.write_story(p_story_id, '{}'::jsonb);
  elsif v_job.status = 'generating' and v_job.lease_owner = p_owner then
    null; -- The first answer was lost on its way; give it again.
  else
    v_stale := coalesce(private.is_stale(v_job, p_lease_token), case when v_job.lease_owner is not null then 'LEASE_LOST' end);
    if v_stale is not null then return jsonb_build_object('granted', false, 'reason', v_stale); end if;
    update public.asset_generation_jobs
    set lease_owner = p_owner, lease_expires_at = now() + make_interval(secs => p_lease_seconds) where id = v_job.id;
  end if;
  return jsonb_build_object('granted', true, 'job', private.leased_jobs(array[v_job.id]) -> 0,
    'story', private.work_of(p_story_id));
end $$;

-- Claims up to p_limit jobs, never above p_max_in_flight in all. Users take turns, those with the fewest jobs in flight
-- first; within a user and a turn the smallest claim_order wins, which is priority first and age in the end.
create function private.choose_jobs(p_limit integer) returns uuid[]
  language sql stable set search_path = '' as $$
  with recursive waiting_users as (
    (select user_id from public.asset_generation_jobs where status = 'queued' and inputs_settled order by user_id limit 1)
    union all
    select (select j.user_id from public.asset_generation_jobs j
      where j.status = 'queued' and j.inputs_settled and j.user_id > w.user_id order by j.user_id limit 1)
    from waiting_users w where w.user_id is not null
  ),
  in_flight as (
    select user_id, count(*) as jobs from public.asset_generation_jobs where status = 'generating' group by user_id
  ),
  candidates as (
    select c.id, c.claim_order,
      coalesce(f.jobs, 0) + row_number() over (partition by w.user_id order by c.claim_order) as turn
    from waiting_users w
    cross join lateral (
      select j.id, j.claim_order from public.asset_generation_jobs j
      where j.user_id = w.user_id and j.status = 'queued' and j.inputs_settled and j.available_at <= now()
      order by j.claim_order limit p_limit) c
    left join in_flight f on f.user_id = w.user_id
    where w.user_id is not null
  )
  select coalesce(array_agg(id), '{}') from (select id from candidates order by turn, claim_order limit p_limit) as chosen
$$;

create function public.claim_asset_jobs(p_limit integer default 10, p_lease_seconds integer default 60,
  p_max_in_flight integer default 1000) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_room bigint;
  v_ids uuid[];
  v_story uuid;
begin
  perform private.expire_leases(100);
  perform private.take_claim_turn();
  v_room := least(p_limit, p_max_in_flight - private.jobs_in_flight());
  if v_room > 0 then
    v_ids := array(
      select j.id from public.asset_generation_jobs j join public.stories s on s.id = j.story_id
      where j.id = any (private.choose_jobs(v_room::integer))
      for update of s skip locked);
    -- What happened to them before their stories were locked, and nothing after: whoever writes a job locks its story.
    v_ids := array(select id from public.asset_generation_jobs
      where id = any (v_ids) and status = 'queued' and inputs_settled and available_at <= now());
    perform private.lease_jobs(v_ids, null, p_lease_seconds);
    for v_story in select distinct story_id from public.asset_generation_jobs where id = any (v_ids) loop
      perform private.write_story(v_story, '{}'::jsonb);
    end loop;
  end if;
  return jsonb_build_object(
    'jobs', private.leased_jobs(coalesce(v_ids, '{}')),
    'more', v_room > 0 and p_max_in_flight > private.jobs_in_flight() and exists (
      select from public.asset_generation_jobs where status = 'queued' and inputs_settled and available_at <= now()),
    'nextInSeconds', (select extract(epoch from min(available_at) - now()) from public.asset_generation_jobs
      where status = 'queued' and inputs_settled and available_at > now()));
end $$;

-- An invocation takes up the jobs that were claimed for it and reads what it needs, in one round trip.
create function public.start_assets(p_story_id uuid, p_jobs jsonb, p_owner text, p_lease_seconds integer default 60)
  returns jsonb language plpgsql set search_path = '' as $$
declare
  v_ids uuid[];
begin
  perform from public.stories where id = p_story_id for update;
  with started as (
    update public.asset_generation_jobs j
    set lease_owner = p_owner, lease_expires_at = now() + make_interval(secs => p_lease_seconds)
    from jsonb_to_recordset(p_jobs) as w("jobId" uuid, "leaseToken" uuid)
    where j.id = w."jobId" and j.story_id = p_story_id and j.status = 'generating'
      and j.lease_token = w."leaseToken" and (j.lease_owner is null or j.lease_owner = p_owner)
    returning j.id)
  select coalesce(array_agg(id), '{}') into v_ids from started;
  return jsonb_build_object('jobs', private.leased_jobs(v_ids), 'story', private.work_of(p_story_id));
end $$;

-- Heartbeat of one invocation for all its jobs: extends the leases, merges metadata and checkpoints, raises progress.
-- Answers the jobs that are no longer the caller's, so that it stops paying for them.
create function public.report_progress(p_jobs jsonb, p_lease_seconds integer default 60) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_story uuid;
begin
  perform from public.stories
  where id in (select j.story_id from jsonb_to_recordset(p_jobs) as w("jobId" uuid)
    join public.asset_generation_jobs j on j.id = w."jobId")
  order by id for update;

  update public.asset_generation_jobs j
  set lease_expires_at = now() + make_interval(secs => p_lease_seconds),
      progress = greatest(j.progress, case when w."progress" is not null then least(w."progress", 99) end),
      metadata = j.metadata || coalesce(w."metadata", '{}'::jsonb),
      checkpoint = j.checkpoint || coalesce(w."checkpoint", '{}'::jsonb)
  from jsonb_to_recordset(p_jobs) as w("jobId" uuid, "leaseToken" uuid, "progress" smallint, "metadata" jsonb, "checkpoint" jsonb)
  where j.id = w."jobId" and j.status = 'generating' and j.lease_token = w."leaseToken";

  for v_story in
    select distinct j.story_id
    from jsonb_to_recordset(p_jobs) as w("jobId" uuid, "leaseToken" uuid, "progress" smallint, "metadata" jsonb)
    join public.asset_generation_jobs j on j.id = w."jobId" and j.status = 'generating' and j.lease_token = w."leaseToken"
    where w."progress" is not null or w."metadata" is not null
  loop
    perform private.write_story(v_story, '{}'::jsonb);
  end loop;
  perform private.record_usage(j, w."usage")
  from jsonb_to_recordset(p_jobs) as w("jobId" uuid, "usage" jsonb)
  join public.asset_generation_jobs j on j.id = w."jobId" where w."usage" is not null;

  return jsonb_build_object('lost', (
    select coalesce(jsonb_agg(jsonb_build_object('jobId', w."jobId", 'reason', private.is_stale(j, w."leaseToken"))), '[]'::jsonb)
    from jsonb_to_recordset(p_jobs) as w("jobId" uuid, "leaseToken" uuid)
    left join public.asset_generation_jobs j on j.id = w."jobId"
    where private.is_stale(j, w."leaseToken") is not null));
end $$;

-- Money was spent whether or not the lease still holds, so usage is recorded in either case, once per call.
create function private.record_usage(p_job public.asset_generation_jobs, p_usage jsonb) returns void
  language sql set search_path = '' as $$
  insert into public.usage_ledger (call_key, user_id, story_id, job_id, asset_type, provider, model, kind, input_units,
    output_units, cost_usd)
  select u."callKey", p_job.user_id, p_job.story_id, p_job.id, p_job.asset_type, u.provider, u.model, u.kind,
    coalesce(u."inputUnits", 0), coalesce(u."outputUnits", 0), coalesce(u."costUsd", 0)
  from jsonb_to_recordset(coalesce(p_usage, '[]'::jsonb)) as u("callKey" text, provider text, model text, kind text,
    "inputUnits" bigint, "outputUnits" bigint, "costUsd" numeric)
  on conflict (call_key) do nothing
$$;

-- Hands a claimed job back untouched: it could not be invoked, or the invocation has no time left for it.
create function public.release_job(p_job_id uuid, p_lease_token uuid, p_delay_seconds double precision default 0)
  returns jsonb language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs;
  v_stale text;
begin
  perform from public.stories where id = (select story_id from public.asset_generation_jobs where id = p_job_id) for update;
  select * into v_job from public.asset_generation_jobs where id = p_job_id for update;
  v_stale := private.is_stale(v_job, p_lease_token);
  if v_stale is not null then return jsonb_build_object('accepted', false, 'reason', v_stale); end if;
  update public.asset_generation_jobs
  set status = 'queued', lease_token = null, lease_owner = null, lease_expires_at = null,
      available_at = now() + make_interval(secs => p_delay_seconds),
      claim_order = now() + make_interval(secs => p_delay_seconds) + private.head_start(priority)
  where id = p_job_id;
  return '{"accepted": true}'::jsonb || private.advance(v_job.story_id);
end $$;

-- Settles jobs whose worker stopped extending its lease: back to the queue while retries remain, else failed.
-- Takes only what nobody holds, in a bounded batch, one verdict per job.
create function private.expire_leases(p_limit integer) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs;
  v_requeued integer := 0;
  v_expired integer := 0;
begin
  for v_job in
    select j.* from public.asset_generation_jobs j join public.stories s on s.id = j.story_id
    where j.status = 'generating' and j.lease_expires_at < now()
    order by j.lease_expires_at limit p_limit for update of s skip locked
  loop
    -- A heartbeat may have come before the lock, or the text failed in this batch and cancelled what needs it.
    continue when not exists (select from public.asset_generation_jobs
      where id = v_job.id and status = 'generating' and lease_expires_at < now());
    if v_job.retry_count < public.max_retries(v_job.asset_type) then
      update public.asset_generation_jobs
      set status = 'queued', retry_count = retry_count + 1, progress = 0, lease_token = null, lease_owner = null, lease_expires_at = null,
          available_at = now(), claim_order = now() + private.head_start(priority)
      where id = v_job.id;
      v_requeued := v_requeued + 1;
    else
      update public.asset_generation_jobs
      set status = 'failed', lease_token = null, lease_owner = null, lease_expires_at = null, completed_at = now(),
          error_code = 'JOB_TIMEOUT', error_message = 'Job timeout'
      where id = v_job.id;
      v_expired := v_expired + 1;
    end if;
    perform private.advance(v_job.story_id);
  end loop;
  return jsonb_build_object('expired', v_expired, 'requeued', v_requeued);
end $$;

create function public.expire_stuck_jobs(p_limit integer default 100) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  -- A statement of its own, or the questions below would be answered as of before it.
  v_counts jsonb := private.expire_leases(p_limit);
begin
  return v_counts || jsonb_build_object(
    'more', exists (select from public.asset_generation_jobs where status = 'generating' and lease_expires_at < now()),
    'claimable', exists (select from public.asset_generation_jobs
      where status = 'queued' and inputs_settled and available_at <= now()));
end $$;
comment on function public.expire_stuck_jobs is
  'The last resort: {expired, requeued, more, claimable}; claim_asset_jobs does the same in passing.';
