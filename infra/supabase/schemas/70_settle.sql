-- Ending a job: save_story_content, complete_job, fail_job. Each takes the lease token, refuses a stale one, may be
-- repeated when its answer was lost, and leases what follows to the caller when asked to (p_continue).

create function private.lock_job(p_job_id uuid) returns public.asset_generation_jobs
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs;
begin
  perform from public.stories where id = (select story_id from public.asset_generation_jobs where id = p_job_id) for update;
  select * into v_job from public.asset_generation_jobs where id = p_job_id for update;
  return v_job;
end $$;

-- The answer to a repeated call whose effect is already there: the jobs it leased to this owner are still leased to it,
-- but for those it names in `holding`, which it had before.
create function private.replayed_settlement(p_story_id uuid, p_continue jsonb) returns jsonb
  language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'accepted', true,
    'replayed', true,
    'overall', s.asset_generation_status ->> 'overall',
    'view', private.story_view(s.id),
    'text', private.text_for(s.id, p_continue),
    'claimable', (select count(*) from public.asset_generation_jobs
      where story_id = s.id and status = 'queued' and inputs_settled),
    'leased', private.leased_jobs(array(select id from public.asset_generation_jobs
      where story_id = s.id and status = 'generating' and lease_owner = p_continue ->> 'owner'
        and asset_type <> all (array(select jsonb_array_elements_text(coalesce(p_continue -> 'holding', '[]'::jsonb)))))))
  from public.stories s where s.id = p_story_id
$$;

-- An invocation goes on with the story only while it works from the text that the others are made from.
create function private.may_continue(p_job public.asset_generation_jobs, p_continue jsonb) returns jsonb
  language sql stable set search_path = '' as $$
  select case when p_job.asset_type = 'content'
    or p_job.sources -> 'content' = to_jsonb(private.text_version_to_be(p_job.story_id)) then p_continue end
$$;

-- Where the narration was ready before the book, and brought the page of this very version: that page plays it.
create function private.page_with_voice(p_book public.asset_generation_jobs, p_version integer) returns jsonb
  language sql stable set search_path = '' as $$
  select coalesce((select jsonb_build_object('htmlUrl', result #> '{page,url}') from public.asset_generation_jobs
    where story_id = p_book.story_id and p_book.asset_type = 'pdf' and asset_type = 'audio' and status = 'ready'
      and result #> '{page,of}' = to_jsonb(p_version)), '{}'::jsonb)
$$;

create function public.complete_job(p_job_id uuid, p_lease_token uuid, p_result jsonb, p_usage jsonb default null,
  p_continue jsonb default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs := private.lock_job(p_job_id);
  v_stale text := private.is_stale(v_job, p_lease_token);
  v_version integer := v_job.versions_made + 1;
  v_metadata jsonb := v_job.metadata - 'previewUrl' || coalesce(p_result -> 'metadata', '{}'::jsonb)
    || private.page_with_voice(v_job, v_version);
  v_result jsonb := p_result - 'url'
    || jsonb_build_object('completedAt', now(), 'madeFrom', v_job.sources, 'metadata', v_metadata);
begin
  perform private.record_usage(v_job, p_usage, v_stale);
  -- The token stays with a finished job, and so tells a repeated call from a late one.
  if v_job.status = 'ready' and v_job.lease_token = p_lease_token then
    return private.replayed_settlement(v_job.story_id, p_continue);
  end if;
  if v_stale is not null then return jsonb_build_object('accepted', false, 'reason', v_stale); end if;
  -- What was begun from its outline is shown no sooner than the text, which may come to nothing. The lease stays while
  -- somebody writes; else the result is kept, for the text may wait for hours.
  if v_job.asset_type <> 'content' and private.text_version(v_job.story_id) = 0 then
    if exists (select from public.asset_generation_jobs
      where story_id = v_job.story_id and asset_type = 'content' and status = 'generating') then
      return jsonb_build_object('accepted', false, 'reason', 'TEXT_NOT_READY');
    end if;
    update public.asset_generation_jobs
    set
      status = 'queued',
      inputs_settled = false,
      checkpoint = checkpoint || jsonb_build_object('finished', jsonb_build_object('options', options, 'result', p_result)),
      lease_token = null,
      lease_owner = null,
      lease_expires_at = null,
      available_at = now()
    where id = p_job_id;
    return '{"accepted": true, "waitsForText": true}'::jsonb || private.settle_and_continue(v_job.story_id);
  end if;

  insert into public.asset_versions (
    story_id, asset_type, version, text_version, url, result, options, asked_by, started_at)
  values (
    v_job.story_id,
    v_job.asset_type,
    v_version,
    case v_job.asset_type when 'content' then v_version else coalesce((v_job.sources ->> 'content')::integer, 0) end,
    p_result ->> 'url',
    v_result,
    v_job.options,
    v_job.asked_by,
    v_job.started_at);
  update public.asset_generation_jobs
  set
    status = 'ready',
    progress = 100,
    url = p_result ->> 'url',
    result = private.job_result(v_result),
    is_placeholder = false,
    asset_version = v_version,
    versions_made = v_version,
    metadata = v_metadata,
    lease_owner = null,
    lease_expires_at = null,
    completed_at = now(),
    error_code = null,
    error_message = null,
    last_error = null
  where id = p_job_id;
  -- A narration that was ready after the book brings the page that plays it.
  if p_result ? 'page' then
    update public.asset_generation_jobs
    set metadata = metadata || jsonb_build_object('htmlUrl', p_result #> '{page,url}')
    where story_id = v_job.story_id and asset_type = 'pdf' and status = 'ready'
      and to_jsonb(asset_version) = p_result #> '{page,of}';
  end if;

  return '{"accepted": true}'::jsonb || private.settle_and_continue(v_job.story_id,
    -- What belongs to a new text is shown with all of it.
    case when v_job.shown is null then private.story_columns(v_job.asset_type, v_result) else '{}'::jsonb end,
    private.may_continue(v_job, p_continue));
end $$;
comment on function public.complete_job is
  'Settles a job as ready with {url, data, colors, words, blocks, metadata, page}: {accepted, overall, claimable, leased, '
  'summary}. Before there is a text: refused with TEXT_NOT_READY while one is written, else kept for it (waitsForText).';

-- What stands of a text while it is written: {outline, beats}. Whatever needs no more of it is claimable from then on, and
-- readers of a story without a text see it grow.
create function public.save_manuscript(p_job_id uuid, p_lease_token uuid, p_manuscript jsonb, p_progress integer default 0,
  p_lease_seconds integer default 60, p_continue jsonb default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs := private.lock_job(p_job_id);
  v_stale text := private.is_stale(v_job, p_lease_token);
  v_key text := private.manuscript_key(v_job.versions_made + 1);
  v_patch jsonb := '{}'::jsonb;
begin
  if v_stale is not null then return jsonb_build_object('accepted', false, 'reason', v_stale); end if;
  -- The same call again, because its answer was lost, or one that was overtaken.
  if jsonb_array_length(v_job.checkpoint #> array[v_key, 'beats']) >= jsonb_array_length(p_manuscript -> 'beats') then
    return private.replayed_settlement(v_job.story_id, p_continue);
  end if;
  update public.asset_generation_jobs
  set
    checkpoint = checkpoint || jsonb_build_object(v_key, p_manuscript),
    progress = greatest(progress, least(p_progress, private.progress_max())),
    lease_expires_at = now() + make_interval(secs => p_lease_seconds)
  where id = p_job_id;
  if v_job.shown is null and v_job.asset_version = 0 then
    v_patch := jsonb_build_object('title', p_manuscript #> '{outline,title}');
    if p_manuscript #> '{beats,0}' is not null then
      v_patch := v_patch || jsonb_build_object('content', jsonb_build_object('title', p_manuscript #> '{outline,title}',
        'beats', p_manuscript -> 'beats', 'moral', ''));
    end if;
  end if;
  return '{"accepted": true}'::jsonb || private.settle_and_continue(v_job.story_id, v_patch, p_continue);
end $$;
comment on function public.save_manuscript is
  'Saves what stands of a text that is being written, {outline, beats}: {accepted, overall, claimable, leased}.';

create function public.save_story_content(p_job_id uuid, p_lease_token uuid, p_title text, p_content jsonb,
  p_usage jsonb default null, p_continue jsonb default null) returns jsonb
  language sql set search_path = '' as $$
  select public.complete_job(p_job_id, p_lease_token, jsonb_build_object('title', p_title, 'content', p_content),
    p_usage, p_continue)
$$;

-- How long a provider's rate limit may hold a job up before such attempts count as retries.
create function private.rate_limit_grace() returns interval language sql immutable set search_path = '' as $$
  select interval '30 minutes'
$$;

-- Ends an attempt that failed: back to the queue after a pause while it is retryable and retries remain, else failed,
-- with a placeholder url where one was made.
-- A rate limit is nobody's failure: the job keeps its place and its retries, and with a Retry-After every job that makes
-- such calls waits as long. Without one this job waits as long as it has been held up so far, 2 to 60 s.
create function public.fail_job(p_job_id uuid, p_lease_token uuid, p_error_code text, p_error_message text,
  p_retryable boolean, p_retry_after_seconds double precision default null, p_placeholder jsonb default null,
  p_usage jsonb default null, p_continue jsonb default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs := private.lock_job(p_job_id);
  v_stale text := private.is_stale(v_job, p_lease_token);
  v_jitter double precision := private.retry_jitter(p_job_id, v_job.attempt);
  v_limited boolean := p_retryable and p_error_code = 'RATE_LIMITED'
    and coalesce(v_job.limited_since, now()) > now() - private.rate_limit_grace();
  v_pause interval;
  v_patch jsonb := '{}'::jsonb;
begin
  perform private.record_usage(v_job, p_usage, v_stale);
  -- `ready` is a try that failed and was restored to the version that stands.
  if v_job.status in ('failed', 'queued', 'ready') and v_job.lease_token = p_lease_token then
    return private.replayed_settlement(v_job.story_id, p_continue);
  end if;
  if v_stale is not null then return jsonb_build_object('accepted', false, 'reason', v_stale); end if;

  perform private.record_attempt_error(p_job_id, p_error_code, p_error_message);
  if v_limited then
    v_pause := make_interval(secs => coalesce(p_retry_after_seconds,
      v_jitter * greatest(2, least(60, coalesce(extract(epoch from now() - v_job.limited_since), 0)))));
    -- Its claim_order stays, and its progress: nothing of the attempt was wrong.
    update public.asset_generation_jobs
    set
      status = 'queued',
      limited_since = coalesce(limited_since, now()),
      lease_owner = null,
      lease_expires_at = null,
      available_at = now() + v_pause,
      error_code = p_error_code,
      error_message = p_error_message
    where id = p_job_id;
    if p_retry_after_seconds is not null then
      perform private.pause_calls(v_job.asset_type, now() + v_pause);
    end if;
  elsif p_retryable and v_job.retry_count < public.max_retries(v_job.asset_type) then
    v_pause := make_interval(secs => coalesce(p_retry_after_seconds,
      public.retry_delay_seconds(v_job.asset_type, v_job.retry_count) * v_jitter));
    update public.asset_generation_jobs
    set
      status = 'queued',
      retry_count = retry_count + 1,
      progress = 0,
      lease_owner = null,
      lease_expires_at = null,
      available_at = now() + v_pause,
      claim_order = now() + v_pause + private.head_start(priority),
      error_code = p_error_code,
      error_message = p_error_message
    where id = p_job_id;
    -- The caller may get the retry in the same breath; readers see `retrying` before progress starts over.
    if p_continue is not null then perform private.refresh_story_status(v_job.story_id, '{}'::jsonb); end if;
  else
    v_patch := private.end_without_version(v_job, 'failed', p_error_code, p_error_message, p_placeholder);
  end if;
  return jsonb_build_object('accepted', true, 'retryInSeconds', extract(epoch from v_pause))
    || private.settle_and_continue(v_job.story_id, v_patch, private.may_continue(v_job, p_continue));
end $$;
