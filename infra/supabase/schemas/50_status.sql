-- What others are shown of a story and its jobs: the status JSON of the row, and what an invocation needs to begin.

-- What readers see of one job. A content job that waits shows as generating, as POST /stories promises; what is made with a
-- new text is not ready before all of it is shown. `stale` is what was made from another version of an input than the one
-- that is shown. p_shown is the job as readers see it, p_versions are those of all assets of the story that they see.
create function private.asset_state(p_job public.asset_generation_jobs, p_shown public.asset_generation_jobs,
  p_versions jsonb) returns jsonb
  language sql immutable set search_path = '' as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'status', case
      when p_job.status = 'ready' and p_job.shown is not null then 'generating'
      when p_job.status <> 'queued' then p_job.status
      when p_job.retry_count > 0 then 'retrying'
      when p_job.asset_type = 'content' then 'generating'
      else 'pending' end,
    'progress', case when p_job.status <> 'ready' then p_job.progress when p_job.shown is null then 100 else 99 end,
    'url', p_shown.url,
    'startedAt', p_job.started_at,
    'completedAt', case when p_job.status = 'ready' then p_shown.completed_at end,
    'error', case when p_job.status in ('failed', 'cancelled') then p_job.error_message end,
    'code', case when p_job.status in ('failed', 'cancelled') then p_job.error_code end,
    'isPlaceholder', case when p_shown.is_placeholder then true end,
    'version', nullif(p_shown.asset_version, 0),
    'textVersion', case when p_job.asset_type = 'content' then to_jsonb(nullif(p_shown.asset_version, 0))
      else p_shown.result #> '{madeFrom,content}' end,
    'stale', case when exists (
      select from jsonb_each(p_shown.result -> 'madeFrom') as source where source.value <> p_versions -> source.key)
      then true end,
    'lastError', p_job.last_error,
    'data', p_shown.result -> 'data',
    -- What lies beside a picture belongs to that one, and not to a placeholder.
    'metadata', nullif(case when p_shown.url is null or p_shown.is_placeholder
      then p_shown.metadata - '{screenUrl,thumbnailUrl}'::text[] else p_shown.metadata end, '{}'::jsonb)))
$$;

create function public.overall_status(p_assets jsonb) returns text
  language sql immutable set search_path = '' as $$
  select case
    when p_assets #>> '{content,status}' in ('failed', 'cancelled') then p_assets #>> '{content,status}'
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
  v_versions jsonb;
  v_assets jsonb;
  v_hue jsonb;
  v_overall text;
  v_was text := (select asset_generation_status ->> 'overall' from public.stories where id = p_story_id);
  v_round integer;
  v_user uuid;
  v_created_at timestamptz;
  v_settled_at timestamptz;
begin
  select jsonb_object_agg(asset_type, coalesce(shown -> 'asset_version', to_jsonb(asset_version))) into v_versions
  from public.asset_generation_jobs where story_id = p_story_id;
  select
    jsonb_object_agg(j.asset_type, private.asset_state(j, s, v_versions)),
    jsonb_object_agg(j.asset_type, s.result -> 'colors') filter (where s.result ? 'colors')
  into v_assets, v_hue
  from public.asset_generation_jobs j cross join lateral jsonb_populate_record(j, j.shown) as s
  where j.story_id = p_story_id;
  v_overall := public.overall_status(v_assets);

  update public.stories s
  set
    title = coalesce(p_patch ->> 'title', s.title),
    content = coalesce(p_patch -> 'content', s.content),
    hue_extracted_colors = coalesce(v_hue, '{}'::jsonb),
    -- A null that is there takes the times away; one that is not there leaves them.
    audio_words = case when p_patch ? 'audioWords' then nullif(p_patch -> 'audioWords', 'null') else s.audio_words end,
    audio_blocks = case when p_patch ? 'audioBlocks' then nullif(p_patch -> 'audioBlocks', 'null') else s.audio_blocks end,
    -- Without a text there is no story, whether it failed or was cancelled.
    status = case v_overall when 'generating' then 'generating' when 'failed' then 'failed' when 'cancelled' then 'failed'
      else 'ready' end,
    asset_generation_status = jsonb_strip_nulls(jsonb_build_object('overall', v_overall,
        'textVersion', v_assets #> '{content,textVersion}'))
      || jsonb_build_object('assets', v_assets),
    -- The moment it was settled first; what is written of it later does not move it.
    asset_generation_completed_at = case
      when v_overall = 'generating' then null
      else coalesce(s.asset_generation_completed_at, now()) end
  where s.id = p_story_id
  returning s.creator_user_id, s.created_at, s.asset_generation_completed_at into v_user, v_created_at, v_settled_at;

  if v_overall <> 'generating' then perform private.queue_snapshot(p_story_id); end if;
  -- What the user cancelled is no news to them.
  if v_overall not in ('generating', 'cancelled') then
    insert into public.notification_outbox (story_id, user_id, kind) values (p_story_id, v_user, v_overall)
    on conflict (story_id, kind) do nothing;
    -- Systems are told each time it ends, and where it ends otherwise than before.
    if v_overall is distinct from v_was then
      perform private.queue_webhooks(v_user, p_story_id, 'story.' || v_overall, jsonb_strip_nulls(jsonb_build_object(
        'status', v_overall,
        'code', case v_overall when 'failed' then v_assets #>> '{content,code}' end,
        'textVersion', v_assets #> '{content,textVersion}',
        'assets', (select jsonb_object_agg(key, value -> 'status') from jsonb_each(v_assets)),
        'createdAt', v_created_at,
        'settledAt', v_settled_at)));
    end if;
  end if;

  -- There is no text, so nothing was delivered. One refund per round, whatever ended it: the keys of the ledger, not this
  -- question, are what keeps a second one out.
  if v_overall in ('failed', 'cancelled') then
    select max(round) into v_round from public.credit_ledger where story_id = p_story_id and reason = 'story_created';
    insert into public.credit_ledger (user_id, story_id, reason, round, delta)
    values (v_user, p_story_id, 'text_' || v_overall, v_round, 1) on conflict do nothing;
    if found then
      update public.users set stories_used = stories_used - 1 where id = v_user;
    end if;
  end if;
  return jsonb_build_object('overall', v_overall, 'was', v_was);
end $$;

-- What any of the story's pictures found out from this text and saved: the palette journey, and each scene's analysis by its
-- number. Each text has its own, so one that is shown again finds it again.
create function private.art_checkpoint(p_story_id uuid, p_text_version integer) returns jsonb
  language sql stable set search_path = '' as $$
  with found as (
    select checkpoint -> ('art-' || p_text_version) as art from public.asset_generation_jobs where story_id = p_story_id)
  select jsonb_build_object(
    'journey', (select art -> 'journey' from found where art -> 'journey' <> 'null' limit 1),
    'scenes', (select coalesce(jsonb_object_agg(scene.key, scene.value), '{}'::jsonb)
      from found, jsonb_each(art -> 'scenes') as scene))
$$;

-- What a job needs to know of its siblings: those of the text that is worked from, which readers may not see yet. What was
-- made from another text is handed to nobody.
create function private.story_view(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'assets', jsonb_object_agg(asset_type, jsonb_strip_nulls(jsonb_build_object(
      'status', status,
      'version', case asset_type when 'content' then private.text_version_to_be(p_story_id) else asset_version end,
      'url', case when is_of_text then url end,
      'screenUrl', case when is_of_text then result #> '{metadata,screenUrl}' end,
      'thumbnailUrl', case when is_of_text then result #> '{metadata,thumbnailUrl}' end,
      'data', case when is_of_text then result -> 'data' end,
      'isPlaceholder', is_placeholder))),
    'hue', coalesce(jsonb_object_agg(asset_type, result -> 'colors') filter (where result ? 'colors' and is_of_text), '{}'::jsonb),
    'art', private.art_checkpoint(p_story_id, private.text_version_to_be(p_story_id)))
  from public.asset_generation_jobs
  cross join lateral (
    select coalesce(result #> '{madeFrom,content}' = to_jsonb(private.text_version(p_story_id)), true) as is_of_text) as known
  where story_id = p_story_id
$$;

-- The heroes as the story keeps them, with voices of their own as far as today's plan has these.
create function private.heroes_of(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select case when (private.plan_of(p_story_id)).character_voices then characters
    else (select coalesce(jsonb_agg(hero - 'voice_id' order by place), '[]'::jsonb)
      from jsonb_array_elements(characters) with ordinality as heroes (hero, place)) end
  from public.story_characters where story_id = p_story_id
$$;

-- What an invocation needs to know of its story: its heroes as they were, their references and sheets as they turned out by
-- now. While its text is written, what stands of it.
create function private.story_payload(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'storyId', s.id,
    'userId', s.creator_user_id,
    'title', coalesce(text.result ->> 'title', s.title),
    'content', coalesce(text.result -> 'content', '{}'::jsonb),
    'manuscript', (select t.checkpoint -> private.manuscript_key(private.text_version_to_be(s.id))
      from public.asset_generation_jobs t where t.story_id = s.id and t.asset_type = 'content'),
    'request', s.request,
    'view', private.story_view(s.id),
    'characters', private.heroes_of(s.id),
    'references', (select coalesce(jsonb_object_agg(c.id, c.reference_states), '{}') from public.characters c
      where c.id = any (s.character_ids) and c.reference_states <> '{}'),
    'sheets', private.sheets_of(private.heroes_of(s.id)))
  from public.stories s cross join private.result_of(s.id, 'content') as text (result) where s.id = p_story_id
$$;

-- The text that assets are made from, for an invocation that goes on with a story and began before there was one; null for
-- every other, and until there is one.
create function private.text_for(p_story_id uuid, p_continue jsonb) returns jsonb
  language sql stable set search_path = '' as $$
  select text.result -> 'content' from private.result_of(p_story_id, 'content') as text (result)
  where (p_continue -> 'needsText')::boolean
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
      'maxRetries', public.max_retries(asset_type),
      'assetVersion', versions_made,
      'progress', progress,
      'typicalSeconds', private.typical_seconds(asset_type),
      'earlierVersionStands', private.earlier_version_stands(j) or coalesce(shown ->> 'status' = 'ready', false),
      'finished', private.finished_result(j),
      'checkpoint', checkpoint - 'finished',
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
