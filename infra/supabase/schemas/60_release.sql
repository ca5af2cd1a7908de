-- Leases that end without a result: handed back, run out, or left by an invocation that died.
--
-- Lock order everywhere: the story's row, without which nobody writes its jobs, then the claim turn, then the user's row.

-- From so many claims on, one that never came to work is counted as a retry, so that a job does not come and go for ever.
create function private.unstarted_claims_max() returns integer language sql immutable set search_path = '' as $$
  select 20
$$;

-- Leases that one claim or sweep settles at most, so that its transaction stays short.
create function private.expiry_batch() returns integer language sql immutable set search_path = '' as $$
  select 100
$$;

-- Hands a claimed job back: it could not be invoked, or the invocation has no time left for it. What was paid for is told.
create function public.release_job(p_job_id uuid, p_lease_token uuid, p_delay_seconds double precision default 0,
  p_usage jsonb default null) returns jsonb language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs;
  v_stale text;
begin
  perform from public.stories where id = (select story_id from public.asset_generation_jobs where id = p_job_id) for update;
  select * into v_job from public.asset_generation_jobs where id = p_job_id for update;
  v_stale := private.is_stale(v_job, p_lease_token);
  perform private.record_usage(v_job, p_usage, v_stale);
  if v_stale is not null then return jsonb_build_object('accepted', false, 'reason', v_stale); end if;
  update public.asset_generation_jobs
  set
    status = 'queued',
    lease_token = null,
    lease_owner = null,
    lease_expires_at = null,
    available_at = now() + make_interval(secs => p_delay_seconds),
    claim_order = now() + make_interval(secs => p_delay_seconds) + private.head_start(priority)
  where id = p_job_id;
  return '{"accepted": true}'::jsonb || private.settle_and_continue(v_job.story_id);
end $$;

-- The verdict on a job whose worker is gone: back to the queue while retries remain, else failed. The caller holds the
-- story's lock. Answers whether it goes on.
create function private.retry_or_fail_expired_job(p_job public.asset_generation_jobs) returns boolean
  language plpgsql set search_path = '' as $$
declare
  v_goes_on boolean := p_job.retry_count < public.max_retries(p_job.asset_type);
  v_patch jsonb := '{}'::jsonb;
begin
  perform private.record_attempt_error(p_job.id, 'JOB_TIMEOUT', 'Job timeout');
  if v_goes_on then
    update public.asset_generation_jobs
    set
      status = 'queued',
      retry_count = retry_count + 1,
      progress = 0,
      lease_token = null,
      lease_owner = null,
      lease_expires_at = null,
      available_at = now(),
      claim_order = now() + private.head_start(priority)
    where id = p_job.id;
  else
    v_patch := private.end_without_version(p_job, 'failed', 'JOB_TIMEOUT', 'Job timeout');
    -- The worker may be alive after all: what it brings late must not pass for an answer that was lost.
    update public.asset_generation_jobs set lease_token = null where id = p_job.id;
  end if;
  perform private.settle_and_continue(p_job.story_id, v_patch);
  return v_goes_on;
end $$;

-- How those of these stories ended that this transaction ended; null when it ended none.
create function private.story_summaries(p_story_ids uuid[]) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_agg(summary)
  from (select distinct unnest(p_story_ids) as id) as s, private.story_summary(s.id) as summary
  where summary is not null
$$;

-- Settles jobs whose worker stopped extending its lease. Takes only what nobody holds, in a bounded batch, one verdict
-- per job.
create function private.expire_leases(p_limit integer) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs;
  v_requeued integer := 0;
  v_expired integer := 0;
  v_stories uuid[] := '{}';
begin
  for v_job in
    select j.* from public.asset_generation_jobs j join public.stories s on s.id = j.story_id
    where j.status = 'generating' and j.state_changed_xid >= private.generating_floor() and j.lease_expires_at < now()
    order by j.lease_expires_at limit p_limit for update of s skip locked
  loop
    -- A heartbeat may have come before the lock, or the text failed in this batch and cancelled what needs it.
    continue when not exists (select from public.asset_generation_jobs
      where id = v_job.id and status = 'generating' and lease_expires_at < now());
    if private.retry_or_fail_expired_job(v_job) then
      v_requeued := v_requeued + 1;
    else
      v_expired := v_expired + 1;
      v_stories := v_stories || v_job.story_id;
    end if;
  end loop;
  return jsonb_strip_nulls(jsonb_build_object('expired', v_expired, 'requeued', v_requeued,
    'ended', private.story_summaries(v_stories)));
end $$;

-- What a dead invocation held: leases it owned, claims it had not handed over, and the claims its event named that it
-- never got to start. A token that another invocation started is not among them.
create function private.jobs_leased_to_request(p_request_id text, p_tokens uuid[])
  returns setof public.asset_generation_jobs language sql stable set search_path = '' as $$
  select * from public.asset_generation_jobs
  where status = 'generating' and (starts_with(lease_owner, p_request_id || '/')
    or lease_owner = 'claim:' || p_request_id or starts_with(lease_owner, 'claim:' || p_request_id || '/')
    or (lease_token = any (p_tokens) and not private.is_started(lease_owner)))
$$;

-- Ends those leases now. A claim whose work never began cost no attempt: it goes back after a pause, so that a function
-- that cannot start does not spin; but not for ever.
create function private.expire_leases_of_request(p_limit integer, p_request_id text, p_tokens uuid[]) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs;
  v_requeued integer := 0;
  v_expired integer := 0;
  v_stories uuid[] := '{}';
begin
  -- In the order of their ids, as report_progress locks several stories, or the two could wait for each other.
  perform from public.stories
  where id in (select story_id from private.jobs_leased_to_request(p_request_id, p_tokens)) order by id for update;
  for v_job in
    select * from private.jobs_leased_to_request(p_request_id, p_tokens) order by lease_expires_at limit p_limit
  loop
    -- A text that failed in this batch has cancelled what needs it.
    continue when not exists (select from public.asset_generation_jobs where id = v_job.id and status = 'generating');
    if not private.is_started(v_job.lease_owner) and v_job.attempt < private.unstarted_claims_max() then
      perform public.release_job(v_job.id, v_job.lease_token, 5);
      v_requeued := v_requeued + 1;
    elsif private.retry_or_fail_expired_job(v_job) then
      v_requeued := v_requeued + 1;
    else
      v_expired := v_expired + 1;
      v_stories := v_stories || v_job.story_id;
    end if;
  end loop;
  return jsonb_strip_nulls(jsonb_build_object('expired', v_expired, 'requeued', v_requeued,
    'ended', private.story_summaries(v_stories)));
end $$;

create function public.expire_stuck_jobs(p_limit integer default 100, p_dead_request text default null,
  p_lease_tokens uuid[] default '{}', p_new_story uuid default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  -- A statement of its own, or the questions below would be answered as of before it.
  v_counts jsonb := case when p_dead_request is null then private.expire_leases(p_limit)
    else private.expire_leases_of_request(p_limit, p_dead_request, p_lease_tokens) end;
begin
  if p_dead_request is null then
    perform private.learn_medians();
    perform private.release_snapshots();
  end if;
  if p_dead_request is not null then
    perform private.release_limit_waiter('claim:' || p_dead_request);
    perform private.release_deletions_of(p_dead_request);
  end if;
  perform private.tidy_spending();
  perform private.tidy_requests();
  if p_new_story is not null then
    -- The grace its own invocation had is over. Once only: whoever claims it now counts an attempt.
    perform from public.stories where id = p_new_story for update;
    update public.asset_generation_jobs set available_at = now()
    where story_id = p_new_story and asset_type = 'content' and status = 'queued' and attempt = 0 and available_at > now();
  end if;
  return v_counts || jsonb_build_object(
    'tidy', private.has_history() or private.has_names_to_forget(),
    'spentTodayUsd', (select coalesce(sum(spent_usd), 0) from private.spending
      where day = private.today() and payer = private.platform()),
    'more', case when p_dead_request is null
      then exists (select from public.asset_generation_jobs where status = 'generating' and lease_expires_at < now())
      else exists (select from private.jobs_leased_to_request(p_dead_request, p_lease_tokens)) end,
    -- The worker hands deletions and snapshots on as well.
    'claimable', private.has_deletions() or private.has_snapshots() or exists (select from public.asset_generation_jobs
      where status = 'queued' and inputs_settled and available_at <= now()));
end $$;
comment on function public.expire_stuck_jobs is
  'Settles leases that ran out, or those of an invocation known to be dead: {expired, requeued, ended, more, claimable, tidy}.';
