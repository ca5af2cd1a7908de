-- Working under a lease: start_content, claim_asset_jobs, start_assets, report_progress, release_job, expire_stuck_jobs.
--
-- Lock order everywhere: the story's row, without which nobody writes its jobs, then the claim turn, then the user's
-- row. Claiming takes stories with SKIP LOCKED and waits for none; it says `more` when it passed something over.

create function private.work_of(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'storyId', s.id, 'userId', s.creator_user_id, 'title', s.title, 'content', s.content, 'request', s.request, 'view', private.story_view(s.id),
    'characters', (select h.characters from public.story_characters h where h.story_id = s.id))
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

-- Who holds a lease: 'claim:<request id>/<nonce>' while the claim of a worker is only dispatched, '<request id>/<nonce>' once an
-- invocation has started the work. The nonce keeps a second delivery of the same event from being granted.
create function private.is_started(p_owner text) returns boolean language sql immutable set search_path = '' as $$
  select p_owner is not null and p_owner not like 'claim:%'
$$;

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
    if private.jobs_in_flight() >= p_max_in_flight
      or 'content' = any (private.assets_without_room(private.room_of_providers())) then
      update public.asset_generation_jobs set available_at = now() where id = v_job.id;
      return jsonb_build_object('granted', false, 'reason', 'AT_CAPACITY');
    end if;
    perform private.lease_jobs(array[v_job.id], p_owner, p_lease_seconds);
    perform private.write_story(p_story_id, '{}'::jsonb);
  elsif v_job.status = 'generating' and v_job.lease_owner = p_owner then
    null; -- The first answer was lost on its way; give it again.
  else
    v_stale := coalesce(private.is_stale(v_job, p_lease_token), case when private.is_started(v_job.lease_owner) then 'LEASE_LOST' end);
    if v_stale is not null then return jsonb_build_object('granted', false, 'reason', v_stale); end if;
    update public.asset_generation_jobs
    set lease_owner = p_owner, lease_expires_at = now() + make_interval(secs => p_lease_seconds) where id = v_job.id;
  end if;
  return jsonb_build_object('granted', true, 'job', private.leased_jobs(array[v_job.id]) -> 0,
    'story', private.work_of(p_story_id));
end $$;

-- Claims up to p_limit jobs, never above p_max_in_flight in all. Users take turns, those with the fewest jobs in flight
-- first; within a user and a turn the smallest claim_order wins, which is priority first and age in the end. Passes over
-- the assets in p_not_now, whose provider takes no calls at the moment. A short queue is read whole, from the horizon on; of
-- a long one only the first jobs of each user are.
create function private.choose_jobs(p_limit integer, p_not_now text[] default '{}') returns uuid[]
  language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
begin
  return (
  with recursive arrived as materialized (
    select id, user_id, claim_order, available_at, asset_type from public.asset_generation_jobs
    where status = 'queued' and inputs_settled and entered_in >= private.waiting_since() order by entered_in limit 201
  ),
  queue as (select count(*) <= 200 as is_short from arrived),
  waiting_users as (
    (select user_id from public.asset_generation_jobs
      where status = 'queued' and inputs_settled and not (select is_short from queue) order by user_id limit 1)
    union all
    select (select j.user_id from public.asset_generation_jobs j
      where j.status = 'queued' and j.inputs_settled and j.user_id > w.user_id order by j.user_id limit 1)
    from waiting_users w where w.user_id is not null
  ),
  in_flight as (
    select user_id, count(*) as jobs from public.asset_generation_jobs
    where status = 'generating' and entered_in >= private.working_since() group by user_id
  ),
  -- Nobody's second job goes before a user whose first one does not.
  next_users as (
    select w.user_id from waiting_users w
    cross join lateral (
      select j.claim_order from public.asset_generation_jobs j
      where j.user_id = w.user_id and j.status = 'queued' and j.inputs_settled and j.available_at <= now()
        and j.asset_type <> all (p_not_now)
      order by j.claim_order limit 1) first_job
    left join in_flight f on f.user_id = w.user_id
    where w.user_id is not null
    order by coalesce(f.jobs, 0), first_job.claim_order limit p_limit
  ),
  claimable as (
    select id, user_id, claim_order from arrived
    where (select is_short from queue) and available_at <= now() and asset_type <> all (p_not_now)
    union all
    select c.id, u.user_id, c.claim_order
    from next_users u
    cross join lateral (
      select j.id, j.claim_order from public.asset_generation_jobs j
      where j.user_id = u.user_id and j.status = 'queued' and j.inputs_settled and j.available_at <= now()
        and j.asset_type <> all (p_not_now)
      order by j.claim_order limit p_limit) c
  ),
  candidates as (
    select c.id, c.claim_order,
      coalesce(f.jobs, 0) + row_number() over (partition by c.user_id order by c.claim_order) as turn
    from claimable c left join in_flight f on f.user_id = c.user_id
  )
  select coalesce(array_agg(id order by turn, claim_order), '{}')
  from (select * from candidates order by turn, claim_order limit p_limit) as chosen
  );
end $$;

create function public.claim_asset_jobs(p_limit integer default 10, p_lease_seconds integer default 60,
  p_max_in_flight integer default 1000, p_owner text default null, p_wait_seconds double precision default 60)
  returns jsonb language plpgsql set search_path = '' as $$
declare
  v_room bigint;
  v_providers jsonb;
  v_ids uuid[];
  v_story uuid;
begin
  perform private.note_horizons();
  perform private.expire_leases(100);
  perform private.take_claim_turn();
  v_providers := private.room_of_providers();
  -- The same call again, because its answer was lost: what it claimed is still leased to it.
  v_ids := array(select id from public.asset_generation_jobs where status = 'generating' and lease_owner = p_owner
    and entered_in >= private.working_since());
  v_room := least(p_limit, p_max_in_flight - private.jobs_in_flight());
  if cardinality(v_ids) = 0 and v_room > 0 then
    v_ids := private.within_room(
      private.choose_jobs(v_room::integer, private.assets_without_room(v_providers)), v_providers);
    v_ids := array(
      select j.id from public.asset_generation_jobs j join public.stories s on s.id = j.story_id
      where j.id = any (v_ids)
      for update of s skip locked);
    -- What happened to them before their stories were locked, and nothing after: whoever writes a job locks its story.
    v_ids := array(select id from public.asset_generation_jobs
      where id = any (v_ids) and status = 'queued' and inputs_settled and available_at <= now());
    perform private.lease_jobs(v_ids, p_owner, p_lease_seconds);
    for v_story in select distinct story_id from public.asset_generation_jobs where id = any (v_ids) loop
      perform private.write_story(v_story, '{}'::jsonb);
    end loop;
    if v_providers is not null then v_providers := private.room_of_providers(); end if;
  end if;
  return jsonb_build_object(
    'jobs', private.leased_jobs(coalesce(v_ids, '{}')),
    'more', v_room > 0 and p_max_in_flight > private.jobs_in_flight()
      and private.others_can_be_claimed(private.assets_without_room(v_providers), null),
    -- A pause that ends, a lease that missed its heartbeats (each restores it in full) and will end, or a provider that
    -- takes calls again, which one caller at a time is told.
    'nextInSeconds', extract(epoch from least(
      private.opening_to_wait_for(v_providers, p_owner, p_wait_seconds),
      (select min(available_at) from public.asset_generation_jobs
        where status = 'queued' and inputs_settled and available_at > now()),
      (select min(lease_expires_at) from public.asset_generation_jobs
        where status = 'generating' and entered_in >= private.working_since()
          and lease_expires_at < now() + make_interval(secs => p_lease_seconds * 0.5))) - now()));
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
      and j.lease_token = w."leaseToken" and (not private.is_started(j.lease_owner) or j.lease_owner = p_owner)
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
  perform private.record_usage(j, w."usage", private.is_stale(j, w."leaseToken"))
  from jsonb_to_recordset(p_jobs) as w("jobId" uuid, "leaseToken" uuid, "usage" jsonb)
  join public.asset_generation_jobs j on j.id = w."jobId" where w."usage" is not null;

  return jsonb_build_object('lost', (
    select coalesce(jsonb_agg(jsonb_build_object('jobId', w."jobId", 'reason', private.is_stale(j, w."leaseToken"))), '[]'::jsonb)
    from jsonb_to_recordset(p_jobs) as w("jobId" uuid, "leaseToken" uuid)
    left join public.asset_generation_jobs j on j.id = w."jobId"
    where private.is_stale(j, w."leaseToken") is not null));
end $$;

-- Money was spent whether or not the lease still holds, so usage is recorded in either case, once per call.
create function private.record_usage(p_job public.asset_generation_jobs, p_usage jsonb, p_stale text) returns void
  language sql set search_path = '' as $$
  insert into public.usage_ledger (call_key, user_id, story_id, job_id, asset_type, provider, model, kind, input_units,
    output_units, cost_usd, result_refused)
  select u."callKey", p_job.user_id, p_job.story_id, p_job.id, p_job.asset_type, u.provider, u.model, u.kind,
    coalesce(u."inputUnits", 0), coalesce(u."outputUnits", 0), coalesce(u."costUsd", 0), p_stale is not null
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

-- The verdict on a job whose worker is gone: back to the queue while retries remain, else failed. The caller holds the
-- story's lock. Answers whether it goes on.
create function private.take_from_the_dead(p_job public.asset_generation_jobs) returns boolean
  language plpgsql set search_path = '' as $$
declare
  v_goes_on boolean := p_job.retry_count < public.max_retries(p_job.asset_type);
  v_patch jsonb := '{}'::jsonb;
begin
  if v_goes_on then
    update public.asset_generation_jobs
    set status = 'queued', retry_count = retry_count + 1, progress = 0, lease_token = null, lease_owner = null, lease_expires_at = null,
        available_at = now(), claim_order = now() + private.head_start(priority)
    where id = p_job.id;
  else
    v_patch := private.end_without_version(p_job, 'failed', 'JOB_TIMEOUT', 'Job timeout');
    update public.asset_generation_jobs set lease_token = null where id = p_job.id;
  end if;
  perform private.advance(p_job.story_id, v_patch);
  return v_goes_on;
end $$;

-- Settles jobs whose worker stopped extending its lease. Takes only what nobody holds, in a bounded batch, one verdict
-- per job.
create function private.expire_leases(p_limit integer) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs;
  v_requeued integer := 0;
  v_expired integer := 0;
begin
  for v_job in
    select j.* from public.asset_generation_jobs j join public.stories s on s.id = j.story_id
    where j.status = 'generating' and j.entered_in >= private.working_since() and j.lease_expires_at < now()
    order by j.lease_expires_at limit p_limit for update of s skip locked
  loop
    -- A heartbeat may have come before the lock, or the text failed in this batch and cancelled what needs it.
    continue when not exists (select from public.asset_generation_jobs
      where id = v_job.id and status = 'generating' and lease_expires_at < now());
    if private.take_from_the_dead(v_job) then v_requeued := v_requeued + 1; else v_expired := v_expired + 1; end if;
  end loop;
  return jsonb_build_object('expired', v_expired, 'requeued', v_requeued);
end $$;

-- What a dead invocation held: leases it owned, claims it had not handed over, and the claims its event named that it
-- never got to start. A token that another invocation started is not among them.
create function private.held_by_the_dead(p_dead_request text, p_tokens uuid[])
  returns setof public.asset_generation_jobs language sql stable set search_path = '' as $$
  select * from public.asset_generation_jobs
  where status = 'generating' and (starts_with(lease_owner, p_dead_request || '/')
    or lease_owner = 'claim:' || p_dead_request or starts_with(lease_owner, 'claim:' || p_dead_request || '/')
    or (lease_token = any (p_tokens) and not private.is_started(lease_owner)))
$$;

-- Ends those leases now. A claim whose work never began cost no attempt: it goes back after a pause, so that a function
-- that cannot start does not spin; but not for ever.
create function private.end_leases_of(p_limit integer, p_dead_request text, p_tokens uuid[]) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs;
  v_requeued integer := 0;
  v_expired integer := 0;
begin
  perform from public.stories
  where id in (select story_id from private.held_by_the_dead(p_dead_request, p_tokens)) order by id for update;
  for v_job in
    select * from private.held_by_the_dead(p_dead_request, p_tokens) order by lease_expires_at limit p_limit
  loop
    -- A text that failed in this batch has cancelled what needs it.
    continue when not exists (select from public.asset_generation_jobs where id = v_job.id and status = 'generating');
    if not private.is_started(v_job.lease_owner) and v_job.attempt < 20 then
      perform public.release_job(v_job.id, v_job.lease_token, 5);
      v_requeued := v_requeued + 1;
    elsif private.take_from_the_dead(v_job) then
      v_requeued := v_requeued + 1;
    else
      v_expired := v_expired + 1;
    end if;
  end loop;
  return jsonb_build_object('expired', v_expired, 'requeued', v_requeued);
end $$;

create function public.expire_stuck_jobs(p_limit integer default 100, p_dead_request text default null,
  p_lease_tokens uuid[] default '{}', p_new_story uuid default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  -- A statement of its own, or the questions below would be answered as of before it.
  v_counts jsonb := case when p_dead_request is null then private.expire_leases(p_limit)
    else private.end_leases_of(p_limit, p_dead_request, p_lease_tokens) end;
begin
  if p_dead_request is not null then perform private.leave_watch('claim:' || p_dead_request); end if;
  if p_new_story is not null then
    -- The grace its own invocation had is over. Once only: whoever claims it now counts an attempt.
    perform from public.stories where id = p_new_story for update;
    update public.asset_generation_jobs set available_at = now()
    where story_id = p_new_story and asset_type = 'content' and status = 'queued' and attempt = 0 and available_at > now();
  end if;
  return v_counts || jsonb_build_object(
    'tidy', private.has_history(),
    'more', case when p_dead_request is null
      then exists (select from public.asset_generation_jobs where status = 'generating' and lease_expires_at < now())
      else exists (select from private.held_by_the_dead(p_dead_request, p_lease_tokens)) end,
    'claimable', exists (select from public.asset_generation_jobs
      where status = 'queued' and inputs_settled and available_at <= now()));
end $$;
comment on function public.expire_stuck_jobs is
  'Settles leases that ran out, or those of an invocation known to be dead: {expired, requeued, more, claimable, tidy}.';
