-- What plans there are, and how a user comes to another one: list_plans, apply_purchase.

create function public.list_plans() returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'plans', (select coalesce(jsonb_agg(jsonb_build_object(
        'code', code,
        'name', name,
        'priceUsdMonth', price_usd_month,
        'storyLimit', story_limit,
        'dailyLimit', daily_generation_limit,
        'remakesPerStory', remakes_per_story,
        'dailyCostLimitUsd', daily_cost_limit_usd,
        'webhookLimit', webhook_limit,
        'assetTypes', asset_types,
        'priorities', priorities,
        'characterVoices', character_voices,
        'characterSheets', character_sheets,
        'upgradeOptions', upgrade_options) order by position, code), '[]'::jsonb) from public.tiers),
    'packs', (select coalesce(jsonb_agg(jsonb_build_object(
        'code', code,
        'name', name,
        'stories', stories,
        'priceUsd', price_usd) order by position, code), '[]'::jsonb) from public.packs))
$$;
comment on function public.list_plans is 'Every plan and pack in their order, for whoever compares them: {plans, packs}.';

create table public.purchases (
  key text primary key constraint purchases_key_length check (char_length(key) between 1 and 255),
  user_id uuid references public.users (id) on delete set null,
  purchase jsonb not null,
  answer jsonb not null,
  created_at timestamptz not null default now()
);
comment on table public.purchases is
  'Packs and plans that users came by, once each. Outlives its user without naming them, or a late repetition would count.';
comment on column public.purchases.key is 'The payment, as whoever took it numbers it.';
create index idx_purchases_user on public.purchases (user_id);
alter table public.purchases enable row level security;

-- The answer given before to this purchase, or null. A key that came with something else is refused.
create function private.find_purchase(p_key text, p_user_id uuid, p_purchase jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_known public.purchases;
begin
  select * into v_known from public.purchases where key = p_key;
  if not found then return null; end if;
  if v_known.user_id is distinct from p_user_id or v_known.purchase <> p_purchase then
    perform private.refuse(422, 'IDEMPOTENCY_KEY_REUSED');
  end if;
  return v_known.answer || '{"replayed": true}'::jsonb;
end $$;

create function public.apply_purchase(p_key text, p_user_id uuid, p_purchase jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  -- Before the profile is made: one that was deleted does not come back because its payment is told again.
  v_known jsonb := private.find_purchase(p_key, p_user_id, p_purchase);
  v_user public.users;
  v_stories integer := (select stories from public.packs where code = p_purchase ->> 'pack');
  v_answer jsonb;
begin
  if v_known is not null then return v_known; end if;
  if p_purchase - '{tier,pack}'::text[] <> '{}'::jsonb
    or (p_purchase ? 'tier') = (p_purchase ? 'pack')
    or (p_purchase ? 'pack' and v_stories is null)
    or (p_purchase ? 'tier' and not exists (select from public.tiers where code = p_purchase ->> 'tier')) then
    perform private.refuse(400, 'UNKNOWN_PURCHASE', jsonb_build_object('purchase', p_purchase));
  end if;
  v_user := private.lock_user(p_user_id);
  v_known := private.find_purchase(p_key, p_user_id, p_purchase);
  if v_known is not null then return v_known; end if;

  update public.users
  set tier = coalesce(p_purchase ->> 'tier', tier), extra_stories = extra_stories + coalesce(v_stories, 0)
  where id = p_user_id returning * into v_user;
  v_answer := jsonb_build_object('userId', v_user.id, 'tier', v_user.tier, 'extraStories', v_user.extra_stories);
  insert into public.purchases (key, user_id, purchase, answer) values (p_key, p_user_id, p_purchase, v_answer)
  on conflict (key) do nothing;
  -- Somebody else's, a moment ago.
  if not found then perform private.refuse(422, 'IDEMPOTENCY_KEY_REUSED'); end if;
  return v_answer || '{"replayed": false}'::jsonb;
end $$;
comment on function public.apply_purchase is
  'Gives a user a plan ({"tier": code}) or the stories of a pack ({"pack": code}), once per key: {userId, tier, extraStories, '
  'replayed}. Refuses with PT400 UNKNOWN_PURCHASE and PT422 IDEMPOTENCY_KEY_REUSED.';
