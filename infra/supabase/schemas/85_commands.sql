-- What a user may ask of a story that exists: retry_assets, regenerate_assets, generate_assets, continue_story,
-- cancel_assets (meanings of C-17). Each checks the owner, may be repeated under an idempotency key, and answers the story
-- and how many jobs became claimable.

-- The story before its user, as a job that gives a credit back takes them. What is history comes back before it is
-- changed.
create function private.lock_story_and_owner(p_story_id uuid, p_user_id uuid) returns public.users
  language plpgsql set search_path = '' as $$
begin
  perform from public.stories where id = p_story_id and creator_user_id = p_user_id for update;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  perform private.refuse_while('read_only');
  perform private.recall_history(p_story_id);
  return private.lock_user(p_user_id);
end $$;

-- Everything is made anew from a text that is to be written, the text itself included, and readers go on seeing what there
-- is until then. What the user cancelled or skipped stays so, and what the plan does not include any more is left as it is,
-- as stale. p_asked_for are the assets that the user named.
create function private.begin_new_text(p_story_id uuid, p_asked_for text[]) returns void
  language sql set search_path = '' as $$
  update public.asset_generation_jobs j
  set
    shown = coalesce(shown, private.what_is_shown(j)),
    status = 'queued',
    inputs_settled = false,
    retry_count = 0,
    progress = case when private.is_settled(status) then 0 else progress end,
    completed_at = null,
    available_at = now(),
    lease_token = null,
    lease_owner = null,
    lease_expires_at = null,
    url = null,
    result = '{}'::jsonb,
    is_placeholder = false,
    asset_version = 0,
    metadata = '{}'::jsonb,
    queued_by_input = false,
    asked_by = case when asset_type = any (p_asked_for) then asked_by else 'text' end,
    error_code = null,
    error_message = null
  where story_id = p_story_id and status in ('ready', 'failed', 'generating', 'queued')
    and (not private.is_settled(status) or private.plan_includes(p_story_id, asset_type))
$$;

-- What follows when something is made again while the text stays, or is to stand alone (p_cascade false): what waits and
-- would be made from it waits for it. With p_cascade the book is bound again, one that is being bound included: its worker
-- loses the lease, so that nothing of the old version stays. A book whose other pages are of an earlier text is left as it
-- is, and so is one that the plan does not include any more. A scene keeps its picture when the cover is drawn again, and is
-- marked as stale.
create function private.remake_dependents(p_story_id uuid, p_changed text[], p_cascade boolean default true) returns void
  language sql set search_path = '' as $$
  update public.asset_generation_jobs
  set
    queued_by_input = queued_by_input or status = 'ready',
    asked_by = case when status = 'queued' then asked_by else 'input' end,
    status = 'queued',
    inputs_settled = false,
    retry_count = 0,
    completed_at = null,
    available_at = now(),
    progress = case when private.is_settled(status) then 0 else progress end,
    checkpoint = case when private.is_settled(status) then checkpoint - '{picture,finished}'::text[] else checkpoint end,
    lease_token = null,
    lease_owner = null,
    lease_expires_at = null,
    error_code = null,
    error_message = null
  where story_id = p_story_id and asset_type <> all (p_changed)
    and ('content' = any (p_changed) or p_changed && public.asset_inputs(asset_type))
    and (status = 'queued' or (p_cascade and asset_type = 'pdf' and status in ('ready', 'failed', 'generating')
      and (status = 'generating' or private.plan_includes(p_story_id, 'pdf'))
      and private.pages_of_another_text(p_story_id) <@ p_changed))
$$;

-- A story whose credit was given back takes one again, whichever verb begins it again. Without a text so far its heroes
-- are those of today: a user may have changed what made it fail.
create function private.begin_text_again(p_user public.users, p_story_id uuid) returns void
  language plpgsql set search_path = '' as $$
begin
  if (select coalesce(sum(delta), 0) from public.credit_ledger where story_id = p_story_id) >= 0 then
    perform private.take_credit(p_user, p_story_id);
  end if;
  -- All of them must still be there, or the story goes on with the heroes it knew.
  perform private.drop_manuscript(p_story_id);
  if exists (select from public.asset_generation_jobs
      where story_id = p_story_id and asset_type = 'content' and versions_made = 0)
    and exists (select from public.stories s join public.characters c on c.id = any (s.character_ids)
      where s.id = p_story_id having count(*) = max(cardinality(s.character_ids))) then
    perform private.save_story_characters(p_story_id);
  end if;
end $$;

-- A book is bound around its cover, and from one text; otherwise it could only fail. What is asked for in the same breath
-- is there by then; beside a new text that is to stand alone (p_cascade false) every other page would be of an earlier one.
create function private.refuse_impossible_book(p_story_id uuid, p_asset_types text[], p_cascade boolean default true)
  returns void language plpgsql set search_path = '' as $$
declare
  v_missing text[] := '{}';
  v_stale text[] := '{}';
begin
  if ('pdf' = any (p_asset_types)) is not true then return; end if;
  if not 'cover' = any (p_asset_types)
    and not exists (select from public.asset_generation_jobs where story_id = p_story_id and asset_type = 'cover'
      and (url is not null or status in ('queued', 'generating'))) then
    v_missing := '{cover}';
  end if;
  if not 'content' = any (p_asset_types) then
    v_stale := private.pages_of_another_text(p_story_id);
  elsif not p_cascade then
    v_stale := array(select asset_type from public.asset_generation_jobs
      where story_id = p_story_id and asset_type = any (public.asset_inputs('pdf')) and result ? 'madeFrom'
      order by asset_type);
  end if;
  v_stale := array(select unnest(v_stale) except select unnest(p_asset_types) order by 1);
  if v_missing <> '{}' or v_stale <> '{}' then
    perform private.refuse(409, 'MISSING_REQUIRED_ASSETS', jsonb_strip_nulls(jsonb_build_object(
      'missing', case when v_missing <> '{}' then to_jsonb(v_missing) end,
      'stale', case when v_stale <> '{}' then to_jsonb(v_stale) end)));
  end if;
end $$;

-- Takes from the allowance of a story for what is about to be put back into the queue, and refuses what it, or the money of
-- the day, has no room for. Only what was delivered or begun counts: trying again what failed does not, nor does the book,
-- which costs nothing. From a text everything is made again (p_cascade). The caller holds the story.
create function private.take_remakes(p_user public.users, p_story_id uuid, p_asset_types text[], p_statuses text[],
  p_cascade boolean default true) returns void
  language plpgsql set search_path = '' as $$
declare
  v_tier public.tiers;
  v_from_text boolean := p_cascade and exists (select from public.asset_generation_jobs where story_id = p_story_id
    and asset_type = 'content' and asset_type = any (p_asset_types) and status = any (p_statuses));
  v_again text[];
  v_counting text[];
  v_used bigint;
begin
  select * into v_tier from public.tiers where code = p_user.tier;
  select coalesce(array_agg(asset_type), '{}'),
    coalesce(array_agg(asset_type) filter (where status in ('ready', 'generating', 'cancelled')), '{}')
  into v_again, v_counting
  from public.asset_generation_jobs
  where story_id = p_story_id and asset_type <> 'pdf' and attempt > 0 and error_code is distinct from 'INPUT_FAILED'
    and (asset_type = any (p_asset_types) and status = any (p_statuses)
      or v_from_text and status in ('ready', 'failed', 'generating') and asset_type = any (v_tier.asset_types));

  select count(*) into v_used from private.remake_ledger
  where story_id = p_story_id and counts and (outcome is null or outcome in ('made', 'cancelled'));
  -- Null, where nothing limits, is not true.
  if v_counting <> '{}' and v_used + cardinality(v_counting) > v_tier.remakes_per_story then
    perform private.refuse(403, 'REGENERATION_LIMIT', jsonb_build_object(
      'tier', p_user.tier,
      'allowance', v_tier.remakes_per_story,
      'used', v_used,
      'asked', cardinality(v_counting),
      'upgradeOptions', to_jsonb(v_tier.upgrade_options)));
  end if;
  perform private.refuse_over_spend_limit(p_user, v_again);
  -- What has no job yet is made by the verb that takes it up beside what was cancelled or skipped.
  perform private.refuse_over_platform_limit(v_again || array(
    select asked.asset from unnest(p_asset_types) as asked (asset)
    left join public.asset_generation_jobs j on j.story_id = p_story_id and j.asset_type = asked.asset
    where coalesce(j.status = any (p_statuses), p_statuses <@ '{cancelled,skipped}'::text[])));

  -- A try that is overtaken was the user's own.
  update private.remake_ledger set outcome = 'cancelled'
  where story_id = p_story_id and asset_type = any (v_again) and outcome is null;
  insert into private.remake_ledger (story_id, job_id, asset_type, counts, attempts_before)
  select story_id, id, asset_type, asset_type = any (v_counting), attempt from public.asset_generation_jobs
  where story_id = p_story_id and asset_type = any (v_again);
end $$;

-- Puts settled jobs back into the queue. With p_fresh, and after a failure, a picture is drawn three times again, whatever
-- was refused before; one that was cancelled has the tries it had left.
-- With a new text everything is made anew out of readers' sight; without p_cascade it is made and shown alone, unless
-- another one is under way already.
create function private.requeue(p_user public.users, p_story_id uuid, p_asset_types text[], p_statuses text[],
  p_options jsonb, p_fresh boolean, p_asked_by text, p_cascade boolean default true) returns text[]
  language plpgsql set search_path = '' as $$
declare
  v_done text[];
begin
  perform private.take_remakes(p_user, p_story_id, p_asset_types, p_statuses, p_cascade);
  with requeued as (
    update public.asset_generation_jobs
    set
      status = 'queued',
      inputs_settled = false,
      retry_count = 0,
      progress = 0,
      completed_at = null,
      lease_token = null,
      available_at = now(),
      error_code = null,
      error_message = null,
      last_error = null,
      options = options || p_options,
      asked_by = p_asked_by,
      metadata = '{}'::jsonb,
      queued_by_input = false,
      priority = private.story_priority(p_story_id),
      checkpoint = case when p_fresh or status = 'failed' then checkpoint - '{picture,finished}'::text[] else checkpoint end
    where story_id = p_story_id and asset_type = any (p_asset_types) and status = any (p_statuses)
    returning asset_type)
  select coalesce(array_agg(asset_type), '{}') into v_done from requeued;
  perform private.refuse_assets_outside_tier(p_user.tier, v_done);

  if 'content' = any (v_done) then
    perform private.begin_text_again(p_user, p_story_id);
    -- What the old text took with it when it failed; what the user cancelled stays cancelled.
    update public.asset_generation_jobs
    set
      status = 'queued',
      inputs_settled = false,
      retry_count = 0,
      progress = 0,
      completed_at = null,
      lease_token = null,
      available_at = now(),
      error_code = null,
      error_message = null
    where story_id = p_story_id and status = 'cancelled' and error_code = 'INPUT_FAILED'
      and private.plan_includes(p_story_id, asset_type);
  end if;
  if 'content' = any (v_done) and (private.new_text_is_made(p_story_id)
    or (p_cascade and private.text_version(p_story_id) > 0)) then
    perform private.begin_new_text(p_story_id, v_done);
  else
    perform private.remake_dependents(p_story_id, v_done, p_cascade);
  end if;
  perform private.add_to_new_text(p_story_id, v_done);
  return v_done;
end $$;

-- Volatile: a stable function would not see what settle_and_continue changed in the statement that calls both.
create function private.command_answer(p_story_id uuid, p_done text[], p_settled jsonb) returns jsonb
  language sql volatile set search_path = '' as $$
  select jsonb_build_object('story', private.story_answer(p_story_id), 'assetTypes', to_jsonb(p_done),
    'claimable', p_settled -> 'claimable', 'was', p_settled -> 'was', 'summary', p_settled -> 'summary')
$$;

create function public.retry_assets(p_user_id uuid, p_story_id uuid, p_asset_types text[] default null,
  p_options jsonb default '{}'::jsonb, p_force boolean default false, p_cascade boolean default true,
  p_idempotency_key text default null, p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_story_and_owner(p_story_id, p_user_id);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'retry_assets', p_idempotency_key, p_request_hash);
  v_done text[];
begin
  if v_replay is not null then return v_replay; end if;
  perform private.refuse_impossible_book(p_story_id, p_asset_types, p_cascade);
  v_done := private.requeue(v_user, p_story_id,
    coalesce(p_asset_types, (select asset_types from public.tiers where code = v_user.tier)),
    case when p_force then '{ready,failed,cancelled,skipped}'::text[] else '{failed}' end, p_options, p_force, 'retry',
    p_cascade);
  return private.save_idempotent_response(p_user_id, 'retry_assets', p_idempotency_key, p_request_hash,
    private.command_answer(p_story_id, v_done, private.settle_and_continue(p_story_id)));
end $$;
comment on function public.retry_assets is
  'Failed assets again, with a new set of retries; with p_force settled ones of any kind. p_cascade as in regenerate_assets.';

create function public.regenerate_assets(p_user_id uuid, p_story_id uuid, p_asset_types text[],
  p_options jsonb default '{}'::jsonb, p_cascade boolean default true, p_idempotency_key text default null,
  p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_story_and_owner(p_story_id, p_user_id);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'regenerate_assets', p_idempotency_key, p_request_hash);
  v_done text[];
begin
  if v_replay is not null then return v_replay; end if;
  perform private.refuse_assets_outside_tier(v_user.tier, p_asset_types);
  perform private.refuse_impossible_book(p_story_id, p_asset_types, p_cascade);
  v_done := private.requeue(v_user, p_story_id, p_asset_types, '{ready,failed}', p_options, true, 'regenerate', p_cascade);
  return private.save_idempotent_response(p_user_id, 'regenerate_assets', p_idempotency_key, p_request_hash,
    private.command_answer(p_story_id, v_done, private.settle_and_continue(p_story_id)));
end $$;
comment on function public.regenerate_assets is
  'A new version of assets that are there, and of what is made from them unless p_cascade is false: then that is marked as '
  'stale. The old one serves until the new one is ready, and on when it fails.';

create function public.generate_assets(p_user_id uuid, p_story_id uuid, p_asset_types text[],
  p_options jsonb default '{}'::jsonb, p_idempotency_key text default null, p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_story_and_owner(p_story_id, p_user_id);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'generate_assets', p_idempotency_key, p_request_hash);
  v_done text[];
begin
  if v_replay is not null then return v_replay; end if;
  perform private.refuse_assets_outside_tier(v_user.tier, p_asset_types);
  perform private.refuse_impossible_book(p_story_id, p_asset_types);
  v_done := private.requeue(v_user, p_story_id, p_asset_types, '{cancelled,skipped}', p_options, false, 'generate');
  with made as (
    insert into public.asset_generation_jobs (story_id, user_id, asset_type, priority, options, asked_by)
    select p_story_id, p_user_id, asset, private.story_priority(p_story_id), p_options, 'generate'
    from unnest(p_asset_types) as asset
    on conflict (story_id, asset_type) do nothing returning asset_type)
  select v_done || coalesce(array_agg(asset_type), '{}') into v_done from made;
  perform private.remake_dependents(p_story_id, v_done);
  perform private.add_to_new_text(p_story_id, v_done);
  return private.save_idempotent_response(p_user_id, 'generate_assets', p_idempotency_key, p_request_hash,
    private.command_answer(p_story_id, v_done, private.settle_and_continue(p_story_id)));
end $$;
comment on function public.generate_assets is
  'Makes assets that were not asked for at first, or were cancelled or skipped.';

create function public.continue_story(p_user_id uuid, p_story_id uuid, p_skip_failed boolean default true,
  p_idempotency_key text default null, p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_story_and_owner(p_story_id, p_user_id);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'continue_story', p_idempotency_key, p_request_hash);
  v_done text[];
begin
  if v_replay is not null then return v_replay; end if;
  if p_skip_failed then
    -- A book that failed for want of a picture is not skipped but made without it, where the plan has books.
    with skipped as (
      update public.asset_generation_jobs set status = 'skipped', completed_at = now()
      where story_id = p_story_id and status = 'failed' and asset_type <> 'content'
        and (asset_type <> 'pdf' or not private.plan_includes(p_story_id, 'pdf')) returning asset_type)
    select coalesce(array_agg(asset_type), '{}') into v_done from skipped;
    if private.plan_includes(p_story_id, 'pdf') then
      v_done := v_done || private.requeue(v_user, p_story_id, '{pdf}', '{failed,cancelled}', '{}'::jsonb, false, 'generate');
    end if;
  end if;
  return private.save_idempotent_response(p_user_id, 'continue_story', p_idempotency_key, p_request_hash,
    private.command_answer(p_story_id, coalesce(v_done, '{}'), private.settle_and_continue(p_story_id)));
end $$;
comment on function public.continue_story is
  'Settles failed assets as skipped, so that what depends on them is made without them.';

create function public.cancel_assets(p_user_id uuid, p_story_id uuid, p_asset_types text[] default null,
  p_idempotency_key text default null, p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_story_and_owner(p_story_id, p_user_id);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'cancel_assets', p_idempotency_key, p_request_hash);
  v_done text[];
  v_asset text;
  v_job public.asset_generation_jobs;
  v_patch jsonb := '{}'::jsonb;
begin
  if v_replay is not null then return v_replay; end if;
  v_done := array(select asset_type from public.asset_generation_jobs
    where story_id = p_story_id and status in ('queued', 'generating')
      and (p_asset_types is null or asset_type = any (p_asset_types)) order by created_at, asset_type);
  foreach v_asset in array v_done loop
    select * into v_job from public.asset_generation_jobs
    where story_id = p_story_id and asset_type = v_asset and status in ('queued', 'generating');
    -- It went back to what it was with one before it, when a new text was given up.
    continue when not found;
    v_patch := v_patch || private.end_without_version(v_job, 'cancelled', 'CANCELLED', 'Cancelled on request');
    -- A late result of a try that was restored must not pass for the version that stands.
    update public.asset_generation_jobs set lease_token = null where id = v_job.id and status = 'ready';
  end loop;
  return private.save_idempotent_response(p_user_id, 'cancel_assets', p_idempotency_key, p_request_hash,
    private.command_answer(p_story_id, v_done, private.settle_and_continue(p_story_id, v_patch)));
end $$;
comment on function public.cancel_assets is
  'Stops what is queued or being made; a worker learns of it at its next heartbeat. A version that was there before serves on.';
