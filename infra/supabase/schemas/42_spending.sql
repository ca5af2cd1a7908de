-- What may be spent in a day, by a user and by the platform. How often an asset may be made again is counted by
-- 41_remakes.sql.
--
-- Money is counted in two places. What was spent stands in private.spending, to which whoever records a paid call adds. What
-- the leases under way may still come to is read off their jobs, each at the most that one lease costs
-- (private.asset_costs). Both are read in one statement under the claim turn, and a lease is granted only while their sum
-- stays within the limits: so no call is paid for after a limit, and nothing has to be given back where a lease ends.

create table private.asset_costs (
  asset_type text primary key,
  typical_usd numeric(12, 6) not null,
  reserve_usd numeric(12, 6) not null,
  constraint costs_reserve_is_the_most check (reserve_usd >= typical_usd and typical_usd >= 0)
);
comment on table private.asset_costs is
  'What making an asset, or the sheet of a character, costs at the prices of the default models, in USD.';
comment on column private.asset_costs.typical_usd is 'When nothing goes wrong.';
comment on column private.asset_costs.reserve_usd is
  'The most one lease comes to: three pictures, every question asked twice, a long text read in parts that are read twice. 0 = no '
  'provider is asked.';
insert into private.asset_costs (asset_type, typical_usd, reserve_usd) values
  ('content', 0.038, 0.15),
  ('cover', 0.08, 0.22),
  ('scene_1', 0.042, 0.15),
  ('scene_2', 0.042, 0.15),
  ('scene_3', 0.042, 0.15),
  ('scene_4', 0.042, 0.15),
  ('audio', 0.3, 0.6),
  ('activities', 0.015, 0.05),
  ('sheet', 0.05, 0.15),
  ('pdf', 0, 0);
alter table private.asset_costs enable row level security;

create table private.platform_limits (
  only_row boolean primary key default true constraint platform_is_one_row check (only_row),
  daily_cost_usd numeric(12, 2) constraint platform_daily_cost_is_not_negative check (daily_cost_usd >= 0),
  paused boolean not null default false,
  address_requests_per_minute integer default 3000
    constraint platform_requests_are_positive check (address_requests_per_minute > 0)
);
comment on table private.platform_limits is 'One row, set by the operator: what providers may be paid for all users together.';
comment on column private.platform_limits.daily_cost_usd is
  'USD between two midnights UTC; null = unlimited. What waits then is made when the day turns, or when this is raised.';
comment on column private.platform_limits.paused is
  'Nothing that costs money is begun until this is false again; what is under way is finished.';
comment on column private.platform_limits.address_requests_per_minute is
  'Requests to the API from one address in a minute, whoever makes them; null = unlimited.';
insert into private.platform_limits default values;
alter table private.platform_limits enable row level security;

create table private.spending (
  id bigint generated always as identity primary key,
  day date not null,
  payer uuid not null,
  spent_usd numeric(14, 6) not null
);
comment on table private.spending is
  'What was paid to providers by day (UTC): of the platform (private.platform) everything, of a user what was asked for again. '
  'Several rows of one sum, so that nobody waits to add to it.';
create index idx_spending on private.spending (day, payer);
alter table private.spending enable row level security;

create table private.taken_leases (
  lease_token uuid primary key,
  payer uuid not null,
  cost_usd numeric(12, 6) not null,
  holds_until timestamptz not null
);
comment on table private.taken_leases is
  'Leases that were taken away from a worker who may not know of it yet and still pay for calls; payer as in private.spending.';
create index idx_taken_leases on private.taken_leases (holds_until);
alter table private.taken_leases enable row level security;

-- Who pays for everything.
create function private.platform() returns uuid language sql immutable set search_path = '' as $$
  select '00000000-0000-0000-0000-000000000000'::uuid
$$;

create function private.today() returns date language sql stable set search_path = '' as $$
  select (now() at time zone 'UTC')::date
$$;

create function private.end_of_day() returns timestamptz language sql stable set search_path = '' as $$
  select date_trunc('day', now(), 'UTC') + interval '1 day'
$$;

-- Adds to a sum of the day: in a row that nobody holds, else in a new one.
create function private.add_spending(p_payer uuid, p_cost_usd numeric) returns void
  language plpgsql set search_path = '' as $$
begin
  update private.spending set spent_usd = spent_usd + p_cost_usd
  where id = (select id from private.spending where day = private.today() and payer = p_payer
    order by id limit 1 for update skip locked);
  if not found then
    insert into private.spending (day, payer, spent_usd) values (private.today(), p_payer, p_cost_usd);
  end if;
end $$;

-- How long a worker may go on paying for a job that was taken away from it: its longest life.
create function private.taken_lease_holds() returns interval language sql immutable set search_path = '' as $$
  select interval '5 minutes'
$$;

-- Marks that this transaction ends a lease by its holder's own word, who pays no more for it.
create function private.note_own_end(p_lease_token uuid) returns void language sql volatile set search_path = '' as $$
  select set_config('storytailor.ended_lease', p_lease_token::text, true)
$$;

create function private.note_taken_lease() returns trigger language plpgsql set search_path = '' as $$
begin
  insert into private.taken_leases (lease_token, payer, cost_usd, holds_until)
  select
    old.lease_token,
    case when private.is_remake(old.id) then old.user_id else private.platform() end,
    reserve_usd,
    now() + private.taken_lease_holds()
  from private.asset_costs where asset_type = old.asset_type and reserve_usd > 0
  on conflict (lease_token) do nothing;
  return null;
end $$;
create trigger jobs_note_taken_lease after update on public.asset_generation_jobs for each row
  when (old.status = 'generating' and (new.status <> 'generating' or new.lease_token is distinct from old.lease_token)
    and coalesce(old.lease_owner, '') not like 'claim:%'
    and old.lease_token::text is distinct from current_setting('storytailor.ended_lease', true))
  execute function private.note_taken_lease();

-- Adds paid calls to the ledger, each once, and what they cost to the sums of the platform and of p_payer, if any.
create function private.add_usage(p_job public.asset_generation_jobs, p_usage jsonb, p_refused boolean, p_payer uuid)
  returns void language plpgsql set search_path = '' as $$
declare
  v_cost_usd numeric;
begin
  if p_usage is null or p_usage = '[]' then return; end if;
  with added as (
    insert into public.usage_ledger (
      call_key,
      user_id,
      story_id,
      job_id,
      asset_type,
      asset_version,
      provider,
      model,
      kind,
      input_units,
      output_units,
      cost_usd,
      price_version,
      result_refused)
    select
      u."callKey",
      p_job.user_id,
      p_job.story_id,
      p_job.id,
      p_job.asset_type,
      p_job.versions_made + 1,
      u.provider,
      u.model,
      u.kind,
      coalesce(u."inputUnits", 0),
      coalesce(u."outputUnits", 0),
      coalesce(u."costUsd", 0),
      coalesce(u."priceVersion", 'unknown'),
      p_refused
    from jsonb_to_recordset(p_usage) as u ("callKey" text, provider text, model text, kind text,
      "inputUnits" bigint, "outputUnits" bigint, "costUsd" numeric, "priceVersion" text)
    on conflict (call_key) do nothing returning cost_usd)
  select sum(cost_usd) into v_cost_usd from added;
  if v_cost_usd > 0 then
    perform private.add_spending(private.platform(), v_cost_usd);
    if p_payer is not null then perform private.add_spending(p_payer, v_cost_usd); end if;
  end if;
end $$;

-- Money was spent whether or not the lease still holds or its job is still there, so it is recorded in any case, once per
-- call; without a job it has no names. Where the lease holds its holder pays no more under it, but for report_progress.
create function private.record_usage(p_job public.asset_generation_jobs, p_usage jsonb, p_stale text) returns void
  language plpgsql set search_path = '' as $$
begin
  if p_stale is null then perform private.note_own_end(p_job.lease_token); end if;
  perform private.add_usage(p_job, p_usage, p_stale is not null,
    case when private.is_remake(p_job.id) then p_job.user_id end);
end $$;

-- What the sheets that are asked for may still come to, of one payer: reserved from the moment they are.
create function private.reserved_for_sheets(p_payer uuid) returns numeric language plpgsql stable set search_path = '' as $$
begin
  return (select count(*) * (select reserve_usd from private.asset_costs where asset_type = 'sheet')
    from private.character_sheets s join public.characters c on c.id = s.character_id
    where s.status = 'pending' and p_payer in (c.owner_user_id, private.platform()));
end $$;

-- What is left of the day for the platform, and for what these users ask for again, where a limit holds: {payer: usd}; null
-- without any limit.
create function private.spending_room(p_users uuid[]) returns jsonb
  language plpgsql stable set search_path = '' as $$
declare
  v_limits jsonb;
begin
  select jsonb_object_agg(payer, limit_usd) into v_limits from (
    select private.platform() as payer, case when paused then 0 else daily_cost_usd end as limit_usd
    from private.platform_limits where paused or daily_cost_usd is not null
    union all
    select u.id, t.daily_cost_limit_usd from public.users u join public.tiers t on t.code = u.tier
    where u.id = any (p_users) and t.daily_cost_limit_usd is not null) as limited;
  if v_limits is null then return null; end if;
  -- One statement: what moves from a lease to the spending meanwhile would be in neither of two.
  return (select jsonb_object_agg(l.key, l.value::numeric
      - coalesce((select sum(spent_usd) from private.spending where day = private.today() and payer = l.key::uuid), 0)
      - coalesce(case when l.key::uuid = private.platform()
          then (select sum(c.reserve_usd)
            from public.asset_generation_jobs j join private.asset_costs c on c.asset_type = j.asset_type
            where j.status = 'generating')
          else (select sum(c.reserve_usd)
            from public.asset_generation_jobs j join private.asset_costs c on c.asset_type = j.asset_type
            where j.user_id = l.key::uuid and j.status = 'generating' and private.is_remake(j.id)) end, 0)
      - coalesce((select sum(cost_usd) from private.taken_leases
          where holds_until > now() and l.key::uuid in (payer, private.platform())), 0)
      - private.reserved_for_sheets(l.key::uuid))
    from jsonb_each_text(v_limits) as l);
end $$;

-- What is too dear for what the platform has left of the day; everything while nothing may be begun.
create function private.assets_over_budget() returns text[] language sql stable set search_path = '' as $$
  select coalesce(array_agg(c.asset_type), '{}')
  from (select (private.spending_room('{}') ->> private.platform()::text)::numeric as usd) as room, private.asset_costs c
  where not private.takes_work() or (c.reserve_usd > 0 and c.reserve_usd > room.usd)
$$;

-- Whether the plan of a user has less than this left today, whatever becomes of the leases under way.
create function private.has_spent_the_day(p_user_id uuid, p_cost_usd numeric) returns boolean
  language sql stable set search_path = '' as $$
  select t.daily_cost_limit_usd - p_cost_usd < coalesce((select sum(spent_usd) from private.spending
    where day = private.today() and payer = p_user_id), 0)
  from public.users u join public.tiers t on t.code = u.tier where u.id = p_user_id
$$;

-- As many of these jobs as there is money for, the first to be claimed first. The caller holds the claim turn and the
-- stories. What a user has no money left for waits until the day turns; what only leases under way stand before, a moment.
create function private.jobs_within_budget(p_job_ids uuid[]) returns uuid[]
  language plpgsql set search_path = '' as $$
declare
  v_room jsonb := private.spending_room(array(
    select distinct user_id from public.asset_generation_jobs where id = any (p_job_ids) and private.is_remake(id)));
  v_chosen uuid[] := '{}';
  v_job record;
begin
  if not private.takes_work() then return '{}'; end if;
  if v_room is null then return p_job_ids; end if;
  for v_job in
    select
      j.id,
      j.user_id,
      case when private.is_remake(j.id) then j.user_id else private.platform() end as payer,
      nullif(c.reserve_usd, 0) as usd
    from public.asset_generation_jobs j join private.asset_costs c on c.asset_type = j.asset_type
    where j.id = any (p_job_ids) order by j.claim_order, j.asset_type
  loop
    -- Null, where nothing limits or nothing is paid, is not true.
    if v_job.payer = v_job.user_id and v_job.usd > (v_room ->> v_job.payer::text)::numeric then
      update public.asset_generation_jobs
      set available_at = case when private.has_spent_the_day(v_job.user_id, v_job.usd) then private.end_of_day()
        else now() + interval '5 seconds' end
      where id = v_job.id;
      continue;
    end if;
    continue when v_job.usd > (v_room ->> private.platform()::text)::numeric;
    v_chosen := v_chosen || v_job.id;
    select jsonb_object_agg(r.key, r.value::numeric
      - case when r.key::uuid in (v_job.payer, private.platform()) then coalesce(v_job.usd, 0) else 0 end)
    into v_room from jsonb_each_text(v_room) as r;
  end loop;
  return v_chosen;
end $$;

create function private.typical_cost(p_asset_types text[]) returns numeric language sql stable set search_path = '' as $$
  select coalesce(sum(typical_usd), 0) from private.asset_costs where asset_type = any (p_asset_types)
$$;

-- Refuses what the platform has no money left for today, or not while it is paused. What costs nothing is never refused.
create function private.refuse_over_platform_limit(p_asset_types text[]) returns void
  language plpgsql set search_path = '' as $$
declare
  v_cost_usd numeric := private.typical_cost(p_asset_types);
begin
  if cardinality(p_asset_types) > 0 then perform private.refuse_while('no_new_work', 'read_only'); end if;
  if v_cost_usd = 0 then return; end if;
  if (select paused from private.platform_limits) then perform private.refuse(503, 'PLATFORM_PAUSED'); end if;
  if v_cost_usd > (private.spending_room('{}') ->> private.platform()::text)::numeric then
    perform private.refuse(503, 'PLATFORM_PAUSED',
      jsonb_build_object('retryAfterSeconds', ceil(extract(epoch from private.end_of_day() - now()))));
  end if;
end $$;

-- Refuses what a user asks for again when the plan's money of the day may not reach for it beside what waits already: what
-- is accepted is made today.
create function private.refuse_over_spend_limit(p_user public.users, p_asset_types text[]) returns void
  language plpgsql set search_path = '' as $$
declare
  v_cost_usd numeric := (select sum(reserve_usd) from private.asset_costs where asset_type = any (p_asset_types));
  v_left numeric := (private.spending_room(array[p_user.id]) ->> p_user.id::text)::numeric;
begin
  -- Null, where nothing is asked for or nothing limits, is not true.
  if (v_cost_usd = 0 or v_left is null) is not false then return; end if;
  v_left := v_left - (
    select coalesce(sum(c.reserve_usd), 0)
    from public.asset_generation_jobs j join private.asset_costs c on c.asset_type = j.asset_type
    where j.user_id = p_user.id and j.status = 'queued' and private.is_remake(j.id));
  if v_cost_usd > v_left then
    perform private.refuse(429, 'SPEND_LIMIT', jsonb_build_object(
      'tier', p_user.tier,
      'dailyLimitUsd', (select daily_cost_limit_usd from public.tiers where code = p_user.tier),
      'leftUsd', round(greatest(v_left, 0), 2),
      'askedUsd', round(v_cost_usd, 2),
      'retryAfterSeconds', ceil(extract(epoch from private.end_of_day() - now()))));
  end if;
end $$;

-- What a story cost its user: an asset that failed, or that a placeholder stands in for, was paid for and is not charged.
create function private.charged_cost(p_story_id uuid) returns numeric language sql stable set search_path = '' as $$
  select coalesce(sum(u.cost_usd), 0)
  from public.usage_ledger u join public.asset_generation_jobs j on j.id = u.job_id
  where u.story_id = p_story_id and j.status not in ('failed', 'skipped') and not j.is_placeholder
$$;

-- Sums of days that nobody asks about any more, and leases that nobody pays under.
create function private.tidy_spending() returns void language sql set search_path = '' as $$
  delete from private.taken_leases where holds_until < now();
  delete from private.spending where day < private.today() - 40;
$$;

create function private.on_user_deleted() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  delete from private.spending where payer = old.id;
  delete from private.taken_leases where payer = old.id;
  return null;
end $$;
create trigger users_leave_no_spending after delete on public.users
  for each row execute function private.on_user_deleted();
