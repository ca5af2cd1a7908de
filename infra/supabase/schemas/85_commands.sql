-- What a user may ask of a story that exists: retry_assets, regenerate_assets, generate_assets, continue_story,
-- cancel_assets (meanings of C-17). Each checks the owner, may be repeated under an idempotency key, and answers the
-- story and how many jobs became claimable.

-- The story before its user, as a job that gives a credit back takes them. What is history comes back before it is
-- changed.
create function private.lock_story_and_owner(p_story_id uuid, p_user_id uuid) returns public.users
  language plpgsql set search_path = '' as $$
begin
  perform from public.stories where id = p_story_id and creator_user_id = p_user_id for update;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  perform private.recall_history(p_story_id);
  return private.lock_user(p_user_id);
end $$;

-- What is made from something that is made again waits for it and is made again too, one that is being made just now
-- included: its worker loses the lease, so that nothing of the old version stays. From a text everything is made; from a
-- picture the book is. A scene keeps its picture when the cover is drawn again, and is marked as stale; one that waits is
-- drawn from the new one. What the plan does not include any more stays as it is, as stale.
create function private.remake_dependents(p_story_id uuid, p_changed text[]) returns void
  language sql set search_path = '' as $$
  update public.asset_generation_jobs
  set
    queued_by_input = queued_by_input or status = 'ready',
    status = 'queued',
    inputs_settled = false,
    retry_count = 0,
    completed_at = null,
    available_at = now(),
    progress = case when private.is_settled(status) then 0 else progress end,
    checkpoint = case when private.is_settled(status) then checkpoint - 'picture' else checkpoint end,
    lease_token = null,
    lease_owner = null,
    lease_expires_at = null,
    error_code = null,
    error_message = null
  where story_id = p_story_id and asset_type <> all (p_changed) and status in ('ready', 'failed', 'generating', 'queued')
    and (not private.is_settled(status) or private.plan_includes(p_story_id, asset_type))
    and ('content' = any (p_changed)
      or (asset_type = 'pdf' and p_changed && public.asset_inputs('pdf'))
      or (status = 'queued' and p_changed && public.asset_inputs(asset_type)))
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
  if exists (select from public.asset_generation_jobs
      where story_id = p_story_id and asset_type = 'content' and asset_version = 0)
    and exists (select from public.stories s join public.characters c on c.id = any (s.character_ids)
      where s.id = p_story_id having count(*) = max(cardinality(s.character_ids))) then
    perform private.save_story_characters(p_story_id);
  end if;
end $$;

-- A book is bound around its cover; without one it could only fail.
create function private.refuse_book_without_cover(p_story_id uuid, p_asset_types text[]) returns void
  language plpgsql set search_path = '' as $$
begin
  if 'pdf' = any (p_asset_types) and not 'cover' = any (p_asset_types)
    and not exists (select from public.asset_generation_jobs where story_id = p_story_id and asset_type = 'cover'
      and (url is not null or status in ('queued', 'generating'))) then
    perform private.refuse(409, 'MISSING_REQUIRED_ASSETS', '{"missing": ["cover"]}'::jsonb);
  end if;
end $$;

-- Puts settled jobs back into the queue. With p_fresh, and after a failure, a picture is drawn three times again, whatever
-- was refused before; one that was cancelled has the tries it had left.
-- The direction of the pictures follows from the text and goes with it.
create function private.requeue(p_user public.users, p_story_id uuid, p_asset_types text[], p_statuses text[],
  p_options jsonb, p_fresh boolean) returns text[] language plpgsql set search_path = '' as $$
declare
  v_done text[];
begin
  perform private.take_remakes(p_user, p_story_id, p_asset_types, p_statuses);
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
      metadata = '{}'::jsonb,
      queued_by_input = false,
      priority = private.story_priority(p_story_id),
      checkpoint = case when p_fresh or status = 'failed' then checkpoint - 'picture' else checkpoint end
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
    update public.asset_generation_jobs set checkpoint = checkpoint - 'art'
    where story_id = p_story_id and checkpoint ? 'art';
  end if;
  perform private.remake_dependents(p_story_id, v_done);
  return v_done;
end $$;

-- Volatile: a stable function would not see what settle_and_continue changed in the statement that calls both.
create function private.command_answer(p_story_id uuid, p_done text[], p_settled jsonb) returns jsonb
  language sql volatile set search_path = '' as $$
  select jsonb_build_object('story', private.story_answer(p_story_id), 'assetTypes', to_jsonb(p_done),
    'claimable', p_settled -> 'claimable')
$$;

create function public.retry_assets(p_user_id uuid, p_story_id uuid, p_asset_types text[] default null,
  p_options jsonb default '{}'::jsonb, p_force boolean default false, p_idempotency_key text default null,
  p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_story_and_owner(p_story_id, p_user_id);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'retry_assets', p_idempotency_key, p_request_hash);
  v_done text[];
begin
  if v_replay is not null then return v_replay; end if;
  v_done := private.requeue(v_user, p_story_id,
    coalesce(p_asset_types, (select asset_types from public.tiers where code = v_user.tier)),
    case when p_force then '{ready,failed,cancelled,skipped}'::text[] else '{failed}' end, p_options, p_force);
  return private.save_idempotent_response(p_user_id, 'retry_assets', p_idempotency_key, p_request_hash,
    private.command_answer(p_story_id, v_done, private.settle_and_continue(p_story_id)));
end $$;
comment on function public.retry_assets is
  'Failed assets again, with a new set of retries; with p_force settled ones of any kind.';

create function public.regenerate_assets(p_user_id uuid, p_story_id uuid, p_asset_types text[],
  p_options jsonb default '{}'::jsonb, p_idempotency_key text default null, p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_story_and_owner(p_story_id, p_user_id);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'regenerate_assets', p_idempotency_key, p_request_hash);
  v_done text[];
begin
  if v_replay is not null then return v_replay; end if;
  perform private.refuse_assets_outside_tier(v_user.tier, p_asset_types);
  perform private.refuse_book_without_cover(p_story_id, p_asset_types);
  v_done := private.requeue(v_user, p_story_id, p_asset_types, '{ready,failed}', p_options, true);
  return private.save_idempotent_response(p_user_id, 'regenerate_assets', p_idempotency_key, p_request_hash,
    private.command_answer(p_story_id, v_done, private.settle_and_continue(p_story_id)));
end $$;
comment on function public.regenerate_assets is
  'A new version of assets that are there, and of what is made from them; the old one serves until the new one is ready, and '
  'on when it fails.';

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
  perform private.refuse_book_without_cover(p_story_id, p_asset_types);
  v_done := private.requeue(v_user, p_story_id, p_asset_types, '{cancelled,skipped}', p_options, false);
  with made as (
    insert into public.asset_generation_jobs (story_id, user_id, asset_type, priority, options)
    select p_story_id, p_user_id, asset, private.story_priority(p_story_id), p_options
    from unnest(p_asset_types) as asset
    on conflict (story_id, asset_type) do nothing returning asset_type)
  select v_done || coalesce(array_agg(asset_type), '{}') into v_done from made;
  perform private.remake_dependents(p_story_id, v_done);
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
      v_done := v_done || private.requeue(v_user, p_story_id, '{pdf}', '{failed,cancelled}', '{}'::jsonb, false);
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
  v_done text[] := '{}';
  v_job public.asset_generation_jobs;
  v_patch jsonb := '{}'::jsonb;
begin
  if v_replay is not null then return v_replay; end if;
  for v_job in
    select * from public.asset_generation_jobs where story_id = p_story_id and status in ('queued', 'generating')
      and (p_asset_types is null or asset_type = any (p_asset_types)) order by created_at, asset_type
  loop
    v_patch := v_patch || private.end_without_version(v_job, 'cancelled', 'CANCELLED', 'Cancelled on request');
    -- A late result of a try that was restored must not pass for the version that stands.
    update public.asset_generation_jobs set lease_token = null where id = v_job.id and status = 'ready';
    v_done := v_done || v_job.asset_type;
  end loop;
  return private.save_idempotent_response(p_user_id, 'cancel_assets', p_idempotency_key, p_request_hash,
    private.command_answer(p_story_id, v_done, private.settle_and_continue(p_story_id, v_patch)));
end $$;
comment on function public.cancel_assets is
  'Stops what is queued or being made; a worker learns of it at its next heartbeat. A version that was there before serves on.';
