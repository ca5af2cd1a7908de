-- Getting a lease and working under it: start_content, claim_asset_jobs, start_assets, report_progress.
--
-- Claiming takes stories with SKIP LOCKED and waits for none; it says `more` when it passed something over.

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

  -- The first attempt need not wait for available_at: that is the grace which keeps sweeps away from this very invocation.
  if p_lease_token is null and v_job.status = 'queued' and (v_job.attempt = 0 or v_job.available_at <= now()) then
    perform private.take_claim_turn();
    if private.jobs_in_flight() >= p_max_in_flight
      or 'content' = any (private.assets_at_limit(private.provider_capacity())) then
      update public.asset_generation_jobs set available_at = now() where id = v_job.id;
      return jsonb_build_object('granted', false, 'reason', 'AT_CAPACITY');
    end if;
    if private.jobs_within_budget(array[v_job.id]) = '{}' then
      -- As above, unless it waits for its user's money by now: no worker waits for a moment at which nothing can begin.
      update public.asset_generation_jobs set available_at = now()
      where id = v_job.id and available_at = v_job.available_at;
      return jsonb_build_object('granted', false, 'reason', 'AT_CAPACITY');
    end if;
    perform private.lease_jobs(array[v_job.id], p_owner, p_lease_seconds);
    perform private.refresh_story_status(p_story_id, '{}'::jsonb);
  elsif v_job.status = 'generating' and v_job.lease_owner = p_owner then
    null; -- The first answer was lost on its way; give it again.
  else
    v_stale := coalesce(
      private.is_stale(v_job, p_lease_token),
      case when private.is_started(v_job.lease_owner) then 'LEASE_LOST' end);
    if v_stale is not null then return jsonb_build_object('granted', false, 'reason', v_stale); end if;
    update public.asset_generation_jobs
    set lease_owner = p_owner, lease_expires_at = now() + make_interval(secs => p_lease_seconds) where id = v_job.id;
  end if;
  return jsonb_build_object('granted', true, 'job', private.leased_jobs(array[v_job.id]) -> 0,
    'story', private.story_payload(p_story_id));
end $$;

-- Up to so many waiting jobs are read whole by a claim; of a longer queue only the first jobs of each user are.
create function private.short_queue_max() returns integer language sql immutable set search_path = '' as $$
  select 200
$$;

-- Chooses up to p_limit jobs. Users take turns, those with the fewest jobs in flight first; within a user and a turn the
-- smallest claim_order wins, which is priority first and age in the end. Passes over the assets in p_not_now, whose
-- provider takes no calls at the moment. Planned anew each time: one plan for every limit knows of none.
create function private.choose_jobs(p_limit integer, p_not_now text[] default '{}') returns uuid[]
  language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
begin
  return (
  -- One more than is short, which says whether the queue is; read from the floor on, by an index in the order of arrival.
  with recursive arrived as materialized (
    select id, user_id, claim_order, available_at, asset_type from public.asset_generation_jobs
    where status = 'queued' and inputs_settled and state_changed_xid >= private.queued_floor()
    order by state_changed_xid limit private.short_queue_max() + 1
  ),
  queue as (select count(*) <= private.short_queue_max() as is_short from arrived),
  -- The users of a long queue, from one to the next by the index, for `distinct` would read every job of each.
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
    where status = 'generating' and state_changed_xid >= private.generating_floor() group by user_id
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
  -- Who has three jobs in flight begins with the fourth turn.
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
  v_capacity jsonb;
  v_ids uuid[];
  v_story uuid;
  v_too_dear text[];
  v_expired jsonb;
begin
  perform private.advance_scan_floors();
  v_expired := private.expire_leases(private.expiry_batch());
  perform private.take_claim_turn();
  v_capacity := private.provider_capacity();
  -- The same call again, because its answer was lost: what it claimed is still leased to it.
  v_ids := array(select id from public.asset_generation_jobs where status = 'generating' and lease_owner = p_owner
    and state_changed_xid >= private.generating_floor());
  v_room := least(p_limit, p_max_in_flight - private.jobs_in_flight());
  if cardinality(v_ids) = 0 and v_room > 0 then
    v_ids := private.jobs_within_capacity(
      private.choose_jobs(v_room::integer, private.assets_at_limit(v_capacity) || private.assets_over_budget()),
      v_capacity);
    v_ids := array(
      select j.id from public.asset_generation_jobs j join public.stories s on s.id = j.story_id
      where j.id = any (v_ids)
      for update of s skip locked);
    -- What happened to them before their stories were locked, and nothing after: whoever writes a job locks its story.
    v_ids := private.jobs_within_budget(array(select id from public.asset_generation_jobs
      where id = any (v_ids) and status = 'queued' and inputs_settled and available_at <= now()));
    perform private.lease_jobs(v_ids, p_owner, p_lease_seconds);
    for v_story in select distinct story_id from public.asset_generation_jobs where id = any (v_ids) loop
      perform private.refresh_story_status(v_story, '{}'::jsonb);
    end loop;
    -- Without any limit it is null before and after.
    if v_capacity is not null then v_capacity := private.provider_capacity(); end if;
  end if;
  v_too_dear := private.assets_over_budget();
  return jsonb_build_object(
    'jobs', private.leased_jobs(coalesce(v_ids, '{}')),
    'ended', v_expired -> 'ended',
    'deletions', private.has_deletions() or private.has_snapshots() or private.has_references()
      or private.has_sheets(),
    'deliveries', private.has_overdue_deliveries(),
    'more', v_room > 0 and p_max_in_flight > private.jobs_in_flight()
      and private.others_can_be_claimed(private.assets_at_limit(v_capacity) || v_too_dear, null),
    -- What is left behind: by the cap, a limit, or for want of money.
    'oldestClaimableSeconds', (select extract(epoch from now() - min(available_at)) from public.asset_generation_jobs
      where status = 'queued' and inputs_settled and available_at <= now()),
    -- A pause of what there is money for that ends, a provider that takes calls again, or a lease that missed its
    -- heartbeats (each restores it in full) and will end: one caller at a time is told.
    'nextInSeconds', extract(epoch from private.wait_for(least(
      private.next_capacity_at(v_capacity),
      (select min(available_at) from public.asset_generation_jobs
        where status = 'queued' and inputs_settled and available_at > now() and asset_type <> all (v_too_dear)),
      (select min(lease_expires_at) from public.asset_generation_jobs
        where status = 'generating' and state_changed_xid >= private.generating_floor()
          and lease_expires_at < now() + make_interval(secs => p_lease_seconds * 0.5))),
      p_owner, p_wait_seconds) - now()));
end $$;
comment on function public.claim_asset_jobs is
  'Claims up to p_limit jobs, never more than p_max_in_flight in all: {jobs, ended, more, oldestClaimableSeconds, nextInSeconds}.';

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
    from jsonb_to_recordset(p_jobs) as w ("jobId" uuid, "leaseToken" uuid)
    where j.id = w."jobId" and j.story_id = p_story_id and j.status = 'generating'
      and j.lease_token = w."leaseToken" and (not private.is_started(j.lease_owner) or j.lease_owner = p_owner)
    returning j.id)
  select coalesce(array_agg(id), '{}') into v_ids from started;
  return jsonb_build_object('jobs', private.leased_jobs(v_ids), 'story', private.story_payload(p_story_id));
end $$;

-- As far as an asset may be said to be before its result is there.
create function private.progress_max() returns smallint language sql immutable set search_path = '' as $$
  select 95::smallint
$$;

-- What a checkpoint holds after a report. Two reports of one attempt may arrive in the other order: what the one found out of
-- the pictures of a text stays beside what the other did.
create function private.merge_checkpoints(p_kept jsonb, p_new jsonb) returns jsonb
  language sql immutable set search_path = '' as $$
  select p_kept || coalesce(p_new, '{}'::jsonb) || coalesce(jsonb_object_agg(key,
    (p_kept -> key) || jsonb_strip_nulls(value) || jsonb_build_object('scenes',
      coalesce(p_kept #> array[key, 'scenes'], '{}'::jsonb) || coalesce(value -> 'scenes', '{}'::jsonb))), '{}'::jsonb)
  from jsonb_each(p_new)
  where key like 'art-%' and p_kept ? key
$$;

-- What an invocation reports of all its jobs: extends the leases, merges metadata and checkpoints, raises progress.
-- Answers the jobs that are no longer the caller's, so that it stops paying for them, and whether something is still to be
-- shown: {lost, deferred}.
create function public.report_progress(p_jobs jsonb, p_lease_seconds integer default 60) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_story record;
  v_deferred boolean := false;
begin
  perform from public.stories
  where id in (select j.story_id from jsonb_to_recordset(p_jobs) as w ("jobId" uuid)
    join public.asset_generation_jobs j on j.id = w."jobId")
  order by id for update;

  update public.asset_generation_jobs j
  set
    lease_expires_at = now() + make_interval(secs => p_lease_seconds),
    -- Never back, and never nearly done before the asset is there.
    progress = greatest(j.progress, least(coalesce(w."progress", 0), private.progress_max())),
    metadata = j.metadata || coalesce(w."metadata", '{}'::jsonb),
    checkpoint = private.merge_checkpoints(j.checkpoint, w."checkpoint")
  from jsonb_to_recordset(p_jobs) as w (
    "jobId" uuid, "leaseToken" uuid, "progress" smallint, "metadata" jsonb, "checkpoint" jsonb)
  where j.id = w."jobId" and j.status = 'generating' and j.lease_token = w."leaseToken";

  -- A heartbeat that changes nothing a reader sees sends no Realtime event; and mere progress is shown once a second at
  -- most, however many invocations work at the story: the next heartbeat shows what this one may not.
  for v_story in
    select s.id, bool_or(w."metadata" is not null) or s.updated_at <= now() - interval '1 second' as is_due
    from jsonb_to_recordset(p_jobs) as w ("jobId" uuid, "leaseToken" uuid, "metadata" jsonb)
    join public.asset_generation_jobs j
      on j.id = w."jobId" and j.status = 'generating' and j.lease_token = w."leaseToken"
    join public.stories s on s.id = j.story_id
    where w."metadata" is not null
      or j.progress > coalesce((s.asset_generation_status #>> array['assets', j.asset_type, 'progress'])::integer, 0)
    group by s.id
  loop
    if v_story.is_due then
      perform private.refresh_story_status(v_story.id, '{}'::jsonb);
    else
      v_deferred := true;
    end if;
  end loop;
  perform private.record_usage(j, w."usage", private.is_stale(j, w."leaseToken"))
  from jsonb_to_recordset(p_jobs) as w ("jobId" uuid, "leaseToken" uuid, "usage" jsonb)
  left join public.asset_generation_jobs j on j.id = w."jobId" where w."usage" is not null;
  perform private.take_extra_calls((
    select jsonb_object_agg(kind, calls) from (
      select e.key as kind, sum(e.value::integer) as calls
      from jsonb_to_recordset(p_jobs) as w ("extraCalls" jsonb), jsonb_each_text(w."extraCalls") as e (key, value)
      group by e.key) as taken));

  return case when v_deferred then '{"deferred": true}'::jsonb else '{}'::jsonb end || jsonb_build_object('lost', (
    select coalesce(
      jsonb_agg(jsonb_build_object('jobId', w."jobId", 'reason', private.is_stale(j, w."leaseToken"))), '[]'::jsonb)
    from jsonb_to_recordset(p_jobs) as w ("jobId" uuid, "leaseToken" uuid)
    left join public.asset_generation_jobs j on j.id = w."jobId"
    where private.is_stale(j, w."leaseToken") is not null));
end $$;

-- The heartbeat, by a name of its own: it comes every few seconds, and is counted apart from what a story needs. Whoever
-- counts calls, the gateway of the local stack or the log of a hosted project, sees method and path and no argument.
create function public.extend_leases(p_jobs jsonb, p_lease_seconds integer default 60) returns jsonb
  language sql set search_path = '' as $$
  select public.report_progress(p_jobs, p_lease_seconds)
$$;
comment on function public.extend_leases is 'The heartbeat of one invocation for all its jobs, as report_progress.';
