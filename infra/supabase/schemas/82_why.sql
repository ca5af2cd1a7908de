-- Why a story is not whole, or not yet: what stands before each asset that is not there, and when it goes on.

-- What keeps a queued job whose inputs are settled from being claimed now; null when nothing does.
create function private.what_holds_up(p_job public.asset_generation_jobs, p_at_limit text[], p_too_dear text[]) returns text
  language sql stable set search_path = '' as $$
  select case
    when not private.takes_work() then 'PLATFORM_PAUSED'
    when p_job.available_at > now() then case when p_job.attempt = 0 then 'STARTS_SOON' else 'WAITS_FOR_RETRY' end
    when p_job.asset_type = any (p_too_dear) then 'WAITS_FOR_MONEY'
    when p_job.asset_type = any (p_at_limit) then 'WAITS_FOR_PROVIDER'
    else 'WAITS_FOR_TURN' end
$$;

-- Of every asset that is neither ready nor skipped: the reason, what it waits for and what waits for it, its last error, and
-- the moment of its next attempt where that is known. What is at rest has no waiting left, so its records suffice.
create function public.story_why(p_story_id uuid, p_user_id uuid default null) returns jsonb
  language plpgsql stable set search_path = '' as $$
declare
  v_overall text;
  v_capacity jsonb := private.provider_capacity();
  v_at_limit text[] := private.assets_at_limit(v_capacity);
  v_too_dear text[] := private.assets_over_budget();
  v_assets jsonb;
begin
  select asset_generation_status ->> 'overall' into v_overall from public.stories
  where id = p_story_id and (p_user_id is null or creator_user_id = p_user_id);
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  with jobs as (
    select
      r.asset_type,
      r.status,
      r.retry_count,
      r.error_code,
      r.error_message,
      r.completed_at,
      r.attempt_errors[cardinality(r.attempt_errors)] as last_attempt,
      j as job,
      j.id is not null and not private.is_settled(r.status) as is_open
    from public.asset_job_records r left join public.asset_generation_jobs j on j.id = r.id
    where r.story_id = p_story_id
  ),
  reasons as (
    select *, case
      when status in ('failed', 'cancelled') then upper(status)
      when status = 'generating' and (job).lease_expires_at < now() then 'WORKER_SILENT'
      when status = 'generating' then 'BEING_MADE'
      when not (job).inputs_settled then 'WAITS_FOR_INPUTS'
      else private.what_holds_up(job, v_at_limit, v_too_dear) end as reason
    from jobs where status in ('queued', 'generating', 'failed', 'cancelled')
  )
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
      'assetType', w.asset_type,
      'reason', w.reason,
      'attempts', (w.job).attempt,
      'retriesLeft', case when w.is_open then greatest(public.max_retries(w.asset_type) - w.retry_count, 0) end,
      'lastError', coalesce((w.job).last_error, w.last_attempt, case when w.error_code is not null then
        jsonb_build_object('code', w.error_code, 'message', w.error_message, 'at', w.completed_at) end),
      'nextAttemptAt', case w.reason
        when 'STARTS_SOON' then (w.job).available_at
        when 'WAITS_FOR_RETRY' then (w.job).available_at
        when 'WAITS_FOR_MONEY' then private.end_of_day()
        when 'WORKER_SILENT' then (w.job).lease_expires_at
        when 'WAITS_FOR_PROVIDER' then (select min((v_capacity #>> array[c.kind, 'opensAt'])::timestamptz)
          from private.asset_calls c where c.asset_type = w.asset_type) end,
      'waitsFor', nullif(array(select j.asset_type from jobs j
        where w.reason = 'WAITS_FOR_INPUTS' and j.is_open and j.asset_type = any (public.asset_inputs(w.asset_type))
        order by j.asset_type), '{}'),
      -- Nothing is further from what it is made of than two steps: the book has all of them as inputs.
      'waitedOnBy', nullif(array(select j.asset_type from jobs j
        where w.is_open and j.is_open and exists (select from unnest(public.asset_inputs(j.asset_type)) as input
          where input = w.asset_type or w.asset_type = any (public.asset_inputs(input)))
        order by j.asset_type), '{}'))) order by w.asset_type), '[]'::jsonb)
  into v_assets from reasons w;
  return jsonb_build_object('overall', v_overall, 'assets', v_assets, 'blockedBy', (
    select coalesce(jsonb_agg(asset -> 'assetType'), '[]'::jsonb) from jsonb_array_elements(v_assets) as asset
    where asset ->> 'reason' not in ('WAITS_FOR_INPUTS', 'CANCELLED')));
end $$;
comment on function public.story_why is
  'What each asset that is not there waits for, why it failed, when it is tried next: {overall, blockedBy, assets}. Without a '
  'user, for operators, of any story. Refuses with PT404 STORY_NOT_FOUND.';
