-- What others are shown of a story and its jobs: the status JSON of the row, and what an invocation needs to begin.

-- What the front end sees of one job. A content job that waits shows as generating, as POST /stories promises. `stale` is
-- what was made from an input that has a newer version by now; p_versions are those of all assets of the story.
create function private.asset_state(p_job public.asset_generation_jobs, p_versions jsonb) returns jsonb
  language sql immutable set search_path = '' as $$
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
    'stale', case when p_job.status = 'ready' and exists (
      select from jsonb_each(p_job.result -> 'madeFrom') as source where source.value <> p_versions -> source.key)
      then true end,
    'lastError', p_job.last_error,
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

-- Writes the story row once per event: the columns of p_patch, the status derived from the jobs, and what a final
-- state brings with it (completion time, notice, refund). The caller holds the story's row lock.
create function private.refresh_story_status(p_story_id uuid, p_patch jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_assets jsonb;
  v_overall text;
  v_text text;
  v_round integer;
  v_user uuid;
begin
  select jsonb_object_agg(j.asset_type, private.asset_state(j, v.versions)) into v_assets
  from public.asset_generation_jobs j,
    (select jsonb_object_agg(asset_type, asset_version) as versions from public.asset_generation_jobs
      where story_id = p_story_id) as v
  where j.story_id = p_story_id;
  v_overall := public.overall_status(v_assets);

  update public.stories s
  set
    title = coalesce(p_patch ->> 'title', s.title),
    content = coalesce(p_patch -> 'content', s.content),
    hue_extracted_colors = s.hue_extracted_colors || coalesce(p_patch -> 'hue', '{}'::jsonb),
    -- A null that is there takes the times away; one that is not there leaves them.
    audio_words = case when p_patch ? 'audioWords' then nullif(p_patch -> 'audioWords', 'null') else s.audio_words end,
    audio_blocks = case when p_patch ? 'audioBlocks' then nullif(p_patch -> 'audioBlocks', 'null') else s.audio_blocks end,
    status = case v_overall when 'generating' then 'generating' when 'failed' then 'failed' else 'ready' end,
    asset_generation_status = jsonb_build_object('overall', v_overall, 'assets', v_assets),
    -- The moment it was settled first; what is written of it later does not move it.
    asset_generation_completed_at = case
      when v_overall = 'generating' then null
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
    -- One refund per round; the key of the ledger, not this question, is what keeps a second one out.
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
create function private.art_checkpoint(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'journey', (select j.checkpoint #> '{art,journey}' from public.asset_generation_jobs j
      where j.story_id = p_story_id and j.checkpoint #> '{art,journey}' <> 'null' limit 1),
    'scenes', (select coalesce(jsonb_object_agg(scene.key, scene.value), '{}'::jsonb)
      from public.asset_generation_jobs j, jsonb_each(j.checkpoint #> '{art,scenes}') as scene
      where j.story_id = p_story_id))
$$;

-- What a job needs to know of its siblings.
create function private.story_view(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'assets', asset_generation_status -> 'assets',
    'hue', hue_extracted_colors,
    'art', private.art_checkpoint(id))
  from public.stories where id = p_story_id
$$;

-- What an invocation needs to know of its story.
create function private.story_payload(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'storyId', s.id,
    'userId', s.creator_user_id,
    'title', s.title,
    'content', s.content,
    'request', s.request,
    'view', private.story_view(s.id),
    'characters', (select h.characters from public.story_characters h where h.story_id = s.id))
  from public.stories s where s.id = p_story_id
$$;

-- Jobs as they are handed to whoever holds their leases, in the order of claiming.
create function private.leased_jobs(p_job_ids uuid[]) returns jsonb
  language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object(
      'jobId', id,
      'storyId', story_id,
      'assetType', asset_type,
      'leaseToken', lease_token,
      'attempt', attempt,
      'retryCount', retry_count,
      'assetVersion', asset_version,
      'progress', progress,
      'typicalSeconds', private.typical_seconds(asset_type),
      'earlierVersionStands', private.earlier_version_stands(j),
      'checkpoint', checkpoint,
      'options', options)
      order by claim_order, asset_type), '[]'::jsonb)
  from public.asset_generation_jobs j where id = any (p_job_ids)
$$;

-- How a story ended, for the one log line that says so: null unless this very transaction ended it.
create function private.story_summary(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'storyId', s.id,
    'overall', s.asset_generation_status ->> 'overall',
    'ready', count(*) filter (where j.status = 'ready'),
    'failed', count(*) filter (where j.status = 'failed'),
    'placeholders', count(*) filter (where j.is_placeholder),
    -- No money or no valid key: a human is needed, and no retry helps.
    'hardFailures', count(*) filter (where j.status = 'failed'
      and j.error_code in ('PROVIDER_OUT_OF_CREDITS', 'PROVIDER_REFUSED_KEY')),
    'retries', sum(j.retry_count),
    'seconds', extract(epoch from now() - s.asset_generation_started_at),
    'costUsd', private.charged_cost(s.id))
  from public.stories s join public.asset_generation_jobs j on j.story_id = s.id
  where s.id = p_story_id and s.asset_generation_completed_at = now()
    and s.asset_generation_status ->> 'overall' <> 'generating'
  group by s.id
$$;
