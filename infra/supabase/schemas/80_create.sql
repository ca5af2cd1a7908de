-- Asking for a story: profile, idempotency, quota, story, jobs and debit in one transaction.

-- The answer given before under this key, or null. The caller holds the user's row lock, so equal keys take turns.
create function private.find_idempotent_response(p_user_id uuid, p_operation text, p_key text, p_hash text) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_known public.idempotency_keys;
begin
  if p_key is null then return null; end if;
  -- Housekeeping may be late; a key that is too old may be used for something else.
  delete from public.idempotency_keys
  where user_id = p_user_id and operation = p_operation and key = p_key
    and created_at < now() - private.idempotency_lifetime();
  select * into v_known from public.idempotency_keys
  where user_id = p_user_id and operation = p_operation and key = p_key;
  if not found then return null; end if;
  if v_known.request_hash <> p_hash then perform private.refuse(422, 'IDEMPOTENCY_KEY_REUSED'); end if;
  if v_known.response ? 'gone' then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  return v_known.response || '{"replayed": true}'::jsonb;
end $$;

create function private.save_idempotent_response(p_user_id uuid, p_operation text, p_key text, p_hash text, p_response jsonb)
  returns jsonb language plpgsql set search_path = '' as $$
begin
  if p_key is not null then
    insert into public.idempotency_keys (user_id, operation, key, request_hash, response)
    values (p_user_id, p_operation, p_key, p_hash, p_response);
  end if;
  return p_response || '{"replayed": false}'::jsonb;
end $$;

create function private.lock_user(p_user_id uuid, p_email text default null) returns public.users
  language plpgsql set search_path = '' as $$
declare
  v_user public.users;
begin
  perform private.ensure_profile(p_user_id, p_email);
  select * into v_user from public.users where id = p_user_id for update;
  -- Deleted while this waited for the lock.
  if not found then perform private.refuse(401, 'TOKEN_INVALID'); end if;
  return v_user;
end $$;

-- Stories of the day (UTC) that count: those whose credit was given back do not, for nothing was delivered.
create function private.stories_today(p_user_id uuid) returns bigint
  language sql stable set search_path = '' as $$
  select count(*) from public.credit_ledger l
  where l.user_id = p_user_id and l.reason = 'story_created' and l.created_at >= date_trunc('day', now(), 'UTC')
    and not exists (select from public.credit_ledger refund
      where refund.story_id = l.story_id and refund.delta > 0 and refund.round = l.round)
$$;

-- A text that fails was written and paid for all the same, so a day takes so many tries for each story of its limit.
create function private.tries_per_story_of_the_day() returns integer language sql immutable set search_path = '' as $$
  select 3
$$;

-- Takes one credit or refuses: the story limit of the tier plus packs, then the daily limit (midnight UTC).
create function private.take_credit(p_user public.users, p_story_id uuid) returns void
  language plpgsql set search_path = '' as $$
declare
  v_tier public.tiers;
  v_limit integer;
  v_tries bigint;
begin
  select * into v_tier from public.tiers where code = p_user.tier;
  v_limit := v_tier.story_limit + p_user.extra_stories;
  -- Null, where nothing limits, is not true.
  if p_user.stories_used >= v_limit then
    perform private.refuse(403, 'QUOTA_EXCEEDED', jsonb_build_object(
      'tier', p_user.tier,
      'storiesUsed', p_user.stories_used,
      'storyLimit', v_limit,
      'upgradeOptions', to_jsonb(v_tier.upgrade_options)));
  end if;
  if v_tier.daily_generation_limit is not null then
    select count(*) into v_tries from public.credit_ledger
    where user_id = p_user.id and reason = 'story_created' and created_at >= date_trunc('day', now(), 'UTC');
    if private.stories_today(p_user.id) >= v_tier.daily_generation_limit
      or v_tries >= v_tier.daily_generation_limit * private.tries_per_story_of_the_day() then
      perform private.refuse(429, 'ERR_4002', jsonb_build_object(
        'dailyLimit', v_tier.daily_generation_limit,
        'retryAfterSeconds', ceil(extract(epoch from date_trunc('day', now(), 'UTC') + interval '1 day' - now()))));
    end if;
  end if;
  insert into public.credit_ledger (user_id, story_id, reason, round, delta)
  select p_user.id, p_story_id, 'story_created', coalesce(max(round), 0) + 1, -1
  from public.credit_ledger where story_id = p_story_id and reason = 'story_created';
  update public.users set stories_used = stories_used + 1 where id = p_user.id;
end $$;

-- Keeps the heroes of a story as they are now.
create function private.save_story_characters(p_story_id uuid) returns void
  language sql set search_path = '' as $$
  insert into public.story_characters (story_id, characters)
  select s.id, coalesce(jsonb_agg(to_jsonb(c) - '{owner_user_id,created_at,updated_at,reference_states,sheet}'::text[]
    order by array_position(s.character_ids, c.id)) filter (where c.id is not null), '[]'::jsonb)
  from public.stories s left join public.characters c on c.id = any (s.character_ids)
  where s.id = p_story_id group by s.id
  on conflict (story_id) do update set characters = excluded.characters
$$;

create function private.refuse_outside_tier(p_tier text, p_what jsonb) returns void
  language plpgsql set search_path = '' as $$
begin
  perform private.refuse(403, 'ERR_6002', p_what || (
    select jsonb_build_object('tier', code, 'upgradeOptions', upgrade_options) from public.tiers where code = p_tier));
end $$;

create function private.refuse_assets_outside_tier(p_tier text, p_asset_types text[]) returns void
  language plpgsql set search_path = '' as $$
declare
  v_excluded text;
begin
  select asset into v_excluded from unnest(p_asset_types) as asset
  where asset <> all (select unnest(asset_types) from public.tiers where code = p_tier) limit 1;
  if found then
    perform private.refuse_outside_tier(p_tier, jsonb_build_object('assetType', v_excluded));
  end if;
end $$;

create function private.refuse_priority_outside_tier(p_tier text, p_priority text) returns void
  language plpgsql set search_path = '' as $$
begin
  if not exists (select from public.tiers where code = p_tier and p_priority = any (priorities)) then
    perform private.refuse_outside_tier(p_tier, jsonb_build_object('priority', p_priority));
  end if;
end $$;

-- How soon the jobs of a story are claimed: as its user asked when it was made. What the plan does not include any more
-- falls to the next lower one that it does.
create function private.story_priority(p_story_id uuid) returns text
  language sql stable set search_path = '' as $$
  select coalesce((
      select known.priority from unnest('{urgent,high,normal}'::text[]) with ordinality as known (priority, place)
      where known.priority = any ((private.plan_of(s.id)).priorities)
        and known.place >= array_position('{urgent,high,normal}'::text[], s.request ->> 'priority')
      order by known.place limit 1), 'normal')
  from public.stories s where s.id = p_story_id
$$;

create function private.story_answer(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select to_jsonb(s) from public.stories s where s.id = p_story_id
$$;

-- How long sweeps leave the text of a new story to the invocation that create_story's caller makes for it.
create function private.direct_start_grace() returns interval language sql immutable set search_path = '' as $$
  select interval '10 seconds'
$$;

create function public.create_story(p_user_id uuid, p_email text, p_request jsonb, p_idempotency_key text default null,
  p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_user(p_user_id, p_email);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'create_story', p_idempotency_key, p_request_hash);
  v_story_id uuid := gen_random_uuid();
  v_characters uuid[];
  v_library uuid := (p_request ->> 'library_id')::uuid;
  v_priority text := coalesce(p_request ->> 'priority', 'normal');
  v_assets text[];
begin
  if v_replay is not null then return v_replay; end if;
  perform private.refuse_while('no_new_stories', 'no_new_work', 'read_only');

  v_characters := array(select jsonb_array_elements_text(p_request -> 'character_ids')::uuid);
  if exists (select from unnest(v_characters) as wanted
    where not exists (select from public.characters where id = wanted and owner_user_id = p_user_id)) then
    perform private.refuse(404, 'CHARACTER_NOT_FOUND');
  end if;
  if v_library is null then
    select id into v_library from public.libraries where owner_user_id = p_user_id order by created_at limit 1;
  elsif not exists (select from public.libraries where id = v_library and owner_user_id = p_user_id) then
    perform private.refuse(404, 'LIBRARY_NOT_FOUND');
  end if;
  -- Who names no assets gets those of the plan; null and left out are the same.
  v_assets := case when jsonb_typeof(p_request -> 'asset_types') = 'array'
    then array(select jsonb_array_elements_text(p_request -> 'asset_types'))
    else (select array_remove(asset_types, 'content') from public.tiers where code = v_user.tier) end;
  perform private.refuse_assets_outside_tier(v_user.tier, v_assets);
  perform private.refuse_priority_outside_tier(v_user.tier, v_priority);
  if 'pdf' = any (v_assets) and not 'cover' = any (v_assets) then
    perform private.refuse(409, 'MISSING_REQUIRED_ASSETS', '{"missing": ["cover"]}'::jsonb);
  end if;
  perform private.refuse_over_platform_limit('{content}'::text[] || v_assets);
  perform private.take_credit(v_user, v_story_id);

  insert into public.stories (id, library_id, creator_user_id, title, character_ids, story_type, themes, request)
  values (
    v_story_id,
    v_library,
    p_user_id,
    coalesce(p_request ->> 'title', 'Untitled Story'),
    v_characters,
    p_request ->> 'story_type',
    array(select jsonb_array_elements_text(p_request -> 'themes')),
    p_request || jsonb_build_object('asset_types', v_assets));
  perform private.save_story_characters(v_story_id);
  insert into public.asset_generation_jobs (story_id, user_id, asset_type, priority, available_at)
  select
    v_story_id,
    p_user_id,
    asset,
    v_priority,
    case asset when 'content' then now() + private.direct_start_grace() else now() end
  from unnest('{content}'::text[] || v_assets) as asset;
  perform private.settle_and_continue(v_story_id);

  return private.save_idempotent_response(p_user_id, 'create_story', p_idempotency_key, p_request_hash,
    jsonb_build_object('story', private.story_answer(v_story_id)));
end $$;
comment on function public.create_story is
  'Accepts a story: {story, replayed}. Refuses with PT403 QUOTA_EXCEEDED or ERR_6002, PT404 CHARACTER_NOT_FOUND or '
  'LIBRARY_NOT_FOUND, PT409 MISSING_REQUIRED_ASSETS, PT422 IDEMPOTENCY_KEY_REUSED, PT429 ERR_4002.';

-- As create_story, of many at once: what is refused of one changes nothing of the others.
create function public.create_stories(p_user_id uuid, p_email text, p_stories jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_answers jsonb := '[]'::jsonb;
  v_wish jsonb;
  v_state text;
  v_code text;
  v_detail text;
begin
  for v_wish in select value from jsonb_array_elements(p_stories) with ordinality order by ordinality loop
    begin
      v_answers := v_answers || jsonb_build_array(
        public.create_story(p_user_id, p_email, v_wish -> 'request', v_wish ->> 'key', v_wish ->> 'hash'));
    exception when others then
      get stacked diagnostics v_state = returned_sqlstate, v_code = message_text, v_detail = pg_exception_detail;
      if v_state not like 'PT%' or v_code = 'TOKEN_INVALID' then raise; end if;
      v_answers := v_answers || jsonb_build_array(jsonb_build_object('refused', v_code, 'detail', v_detail::jsonb));
    end;
  end loop;
  return v_answers;
end $$;
comment on function public.create_stories is
  'Accepts stories, [{request, key, hash}]: for each in its turn what create_story answers, or {refused, detail}.';

create function public.create_character(p_user_id uuid, p_email text, p_character jsonb, p_idempotency_key text default null,
  p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_user(p_user_id, p_email);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'create_character', p_idempotency_key, p_request_hash);
  v_character public.characters;
begin
  if v_replay is not null then return v_replay; end if;
  perform private.refuse_while('read_only');
  insert into public.characters (owner_user_id, name, species, age, traits, appearance, personality, reference_images,
    pronunciation, voice_id)
  values (
    v_user.id,
    p_character ->> 'name',
    p_character ->> 'species',
    (p_character ->> 'age')::integer,
    array(select jsonb_array_elements_text(p_character -> 'traits')),
    coalesce(p_character -> 'appearance', '{}'::jsonb),
    array(select jsonb_array_elements_text(p_character -> 'personality')),
    array(select jsonb_array_elements_text(p_character -> 'reference_images')),
    p_character ->> 'pronunciation',
    p_character ->> 'voice_id')
  returning * into v_character;
  return private.save_idempotent_response(p_user_id, 'create_character', p_idempotency_key, p_request_hash,
    jsonb_build_object('character', to_jsonb(v_character)));
end $$;

-- The API changes characters by their rows, as their users' own, and says when each time.
create function private.on_characters_changed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  -- What goes with its user went by a verb that asked.
  if pg_trigger_depth() = 1 then perform private.refuse_while('read_only'); end if;
  return null;
end $$;
create trigger characters_stay_in_read_only before update of name, species, age, traits, appearance,
    personality, reference_images, pronunciation, voice_id, updated_at or delete on public.characters
  for each statement execute function private.on_characters_changed();

create function public.user_usage(p_user_id uuid, p_email text) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_answer jsonb;
begin
  perform private.ensure_profile(p_user_id, p_email);
  select jsonb_build_object(
    'tier', u.tier,
    'storiesUsed', u.stories_used,
    'storyLimit', t.story_limit + u.extra_stories,
    'dailyLimit', t.daily_generation_limit,
    'storiesToday', private.stories_today(u.id),
    'resetsAt', date_trunc('day', now(), 'UTC') + interval '1 day',
    'remakesPerStory', t.remakes_per_story,
    'dailyCostLimitUsd', t.daily_cost_limit_usd,
    'costTodayUsd', (select coalesce(sum(spent_usd), 0) from private.spending
      where day = private.today() and payer = u.id),
    'assetTypes', t.asset_types,
    'priorities', t.priorities,
    'upgradeOptions', t.upgrade_options)
  into v_answer
  from public.users u join public.tiers t on t.code = u.tier where u.id = p_user_id;
  return v_answer;
end $$;

-- However a voice comes to a character, its owner's plan must have such voices by then.
create function private.on_character_voice_chosen() returns trigger
  language plpgsql security definer set search_path = '' as $$
declare
  v_tier text := (select tier from public.users where id = new.owner_user_id);
begin
  if not (select character_voices from public.tiers where code = v_tier) then
    perform private.refuse_outside_tier(v_tier, '{"characterVoices": true}'::jsonb);
  end if;
  return new;
end $$;
create trigger character_voices_are_in_the_plan before insert or update of voice_id on public.characters
  for each row when (new.voice_id is not null) execute function private.on_character_voice_chosen();

create function public.request_sheet(p_user_id uuid, p_character_id uuid) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_user(p_user_id);
  v_hero public.characters;
  v_looks text;
begin
  perform private.refuse_while('read_only');
  select * into v_hero from public.characters where id = p_character_id and owner_user_id = p_user_id for update;
  if not found then perform private.refuse(404, 'CHARACTER_NOT_FOUND'); end if;
  v_looks := private.looks_of(to_jsonb(v_hero));
  if v_hero.sheet ->> 'status' in ('pending', 'ready') then
    return jsonb_build_object('sheet', v_hero.sheet, 'begun', false);
  end if;
  if not (select character_sheets from public.tiers where code = v_user.tier) then
    perform private.refuse_outside_tier(v_user.tier, '{"characterSheets": true}'::jsonb);
  end if;
  perform private.refuse_over_spend_limit(v_user, '{sheet}');
  perform private.refuse_over_platform_limit('{sheet}');
  insert into private.character_sheets (character_id, looks, hero, available_at)
  values (v_hero.id, v_looks, to_jsonb(v_hero) - '{owner_user_id,created_at,updated_at,reference_states,sheet}'::text[],
    now() + interval '10 seconds')
  on conflict (character_id, looks) do update
  set status = 'pending', reason = null, attempts = 0, available_at = excluded.available_at, hero = excluded.hero;
  return jsonb_build_object('sheet', private.sheet_answer(v_hero.id, v_looks), 'begun', true);
end $$;
comment on function public.request_sheet is
  'Asks for the sheet of a character as it is now: {sheet: {status, reason}, begun}. One that is there or is to be drawn is '
  'not drawn again. Refuses with CHARACTER_NOT_FOUND, ERR_6002, SPEND_LIMIT and PLATFORM_PAUSED.';
