-- Earlier versions of a story's text and assets: restore_asset shows one again, as the commands of 85_commands.sql do their
-- work; story_history lists them all.

-- The book of the versions that are shown now: one that was bound from exactly these, else it is bound again. Nobody is
-- paid for that.
create function private.restore_book(p_story_id uuid, p_changed text[]) returns void
  language plpgsql set search_path = '' as $$
declare
  v_changed text[] := array_remove(p_changed, 'pdf');
  v_book public.asset_versions;
begin
  select * into v_book from public.asset_versions
  where story_id = p_story_id and asset_type = 'pdf' and result -> 'madeFrom' = private.sources_of(p_story_id, 'pdf')
  order by version desc limit 1;
  if found then
    perform private.take_version(v_book);
    v_changed := v_changed || 'pdf'::text;
  end if;
  perform private.remake_dependents(p_story_id, v_changed);
end $$;

-- Shows a version of the history again. A text brings the newest of everything that was made from it along, and what was
-- never made from it is stale; anything else is shown only beside the text it was made from.
create function public.restore_asset(p_user_id uuid, p_story_id uuid, p_asset_type text, p_version integer,
  p_idempotency_key text default null, p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_story_and_owner(p_story_id, p_user_id);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'restore_asset', p_idempotency_key, p_request_hash);
  v_wanted public.asset_versions;
  v_version public.asset_versions;
  v_text integer;
  v_done text[] := '{}';
  v_patch jsonb := '{}'::jsonb;
begin
  if v_replay is not null then return v_replay; end if;
  select * into v_wanted from public.asset_versions
  where story_id = p_story_id and asset_type = p_asset_type and version = p_version;
  if not found then perform private.refuse(404, 'VERSION_NOT_FOUND'); end if;
  if private.new_text_is_made(p_story_id) then
    perform private.overtake_remakes(p_story_id, array(
      select asset_type from public.asset_generation_jobs where story_id = p_story_id));
    perform private.give_up_new_text(p_story_id, null, null);
  end if;
  v_text := private.text_version(p_story_id);
  if p_asset_type <> 'content' and v_wanted.text_version <> v_text then
    perform private.refuse(409, 'VERSION_OF_ANOTHER_TEXT', jsonb_build_object(
      'textVersion', v_wanted.text_version, 'shownTextVersion', v_text));
  end if;

  for v_version in
    select distinct on (asset_type) * from public.asset_versions
    where story_id = p_story_id and case when asset_type = p_asset_type then version = p_version
      else p_asset_type = 'content' and text_version = v_wanted.text_version and text_version <> v_text end
    order by asset_type, version desc
  loop
    continue when exists (select from public.asset_generation_jobs where story_id = p_story_id
      and asset_type = v_version.asset_type and status = 'ready' and asset_version = v_version.version);
    perform private.overtake_remakes(p_story_id, array[v_version.asset_type]);
    perform private.take_version(v_version);
    v_patch := v_patch || private.story_columns(v_version.asset_type, v_version.result);
    v_done := v_done || v_version.asset_type;
  end loop;
  if 'content' = any (v_done) then
    perform private.drop_manuscript(p_story_id);
    -- What is being made is made from this text.
    update public.asset_generation_jobs
    set
      status = 'queued',
      inputs_settled = false,
      lease_token = null,
      lease_owner = null,
      lease_expires_at = null
    where story_id = p_story_id and status = 'generating';
  end if;
  if v_done && public.asset_inputs('pdf') then perform private.restore_book(p_story_id, v_done); end if;
  return private.save_idempotent_response(p_user_id, 'restore_asset', p_idempotency_key, p_request_hash,
    private.command_answer(p_story_id, v_done, private.settle_and_continue(p_story_id, v_patch)));
end $$;
comment on function public.restore_asset is
  'Shows a version of the history again, at no cost: {story, assetTypes, claimable}. Refuses with PT404 VERSION_NOT_FOUND or '
  'PT409 VERSION_OF_ANOTHER_TEXT.';

-- A version cost what was paid for all tries that led to it.
create function public.story_history(p_user_id uuid, p_story_id uuid) returns jsonb
  language plpgsql stable set search_path = '' as $$
declare
  v_status jsonb;
begin
  select asset_generation_status into v_status from public.stories where id = p_story_id and creator_user_id = p_user_id;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  return (
    with versions as (
      select v.*, (select coalesce(sum(u.cost_usd), 0) from public.usage_ledger u
        where u.story_id = v.story_id and u.asset_type = v.asset_type and u.asset_version = v.version) as cost_usd
      from public.asset_versions v where v.story_id = p_story_id
    )
    select jsonb_build_object(
      'textVersion', v_status -> 'textVersion',
      'versions', coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
          'assetType', asset_type,
          'version', version,
          'textVersion', text_version,
          'madeFrom', result -> 'madeFrom',
          'reason', asked_by,
          'options', options,
          'title', result -> 'title',
          'url', url,
          'prompt', result -> 'prompt',
          'createdAt', created_at,
          'costUsd', cost_usd,
          'shown', coalesce(to_jsonb(version) = v_status #> array['assets', asset_type, 'version'], false)))
        order by created_at, asset_type, version), '[]'::jsonb),
      'totalCostUsd', coalesce(sum(cost_usd), 0))
    from versions);
end $$;
comment on function public.story_history is
  'Every version of a story''s text and assets, the oldest first: {textVersion, versions, totalCostUsd}.';
