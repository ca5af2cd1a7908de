-- The trial `limits`: sums that must agree, and limits that must be kept.

--- difference
select abs((select coalesce(sum(cost_usd), 0) from public.usage_ledger)
  - (select coalesce(sum(spent_usd), 0) from private.spending where payer = private.platform()))::float8

--- mispriced
-- Written anew, at the list prices of the default models.
select count(*) from public.usage_ledger where abs(cost_usd - case
  when kind = 'picture' then 0.034 when kind = 'speech' then input_units * 0.15 / 1000
  else (input_units * 1.75 + output_units * 14) / 1000000 end) > 0.000001

--- at rest
-- Nothing is under way, and what could be begun is too dear.
select count(*) = 0
  from public.asset_generation_jobs j join private.asset_costs c on c.asset_type = j.asset_type
  where j.status = 'generating' or (j.status = 'queued' and j.inputs_settled
    and c.reserve_usd <= (private.spending_room('{}') ->> private.platform()::text)::numeric)

--- above the platform
select (coalesce(sum(s.spent_usd), 0) - max(l.daily_cost_usd))::float8
  from private.platform_limits l left join private.spending s on s.day = private.today() and s.payer = private.platform()

--- above their allowance
select count(*) from (
  select r.story_id from private.remake_ledger r where r.counts and coalesce(r.outcome, 'made') in ('made', 'cancelled')
  group by r.story_id having count(*) > (select remakes_per_story from public.tiers where code = 'free')) as over

--- above their day
select count(*) from (
  select s.payer from private.spending s join public.users u on u.id = s.payer where u.tier = 'free'
  group by s.day, s.payer
  having sum(s.spent_usd) > (select daily_cost_limit_usd from public.tiers where code = 'free')) as over

--- limit the plan
update public.tiers set remakes_per_story = $1, daily_cost_limit_usd = $2::float8::numeric where code = 'free'

--- limit the platform
update private.platform_limits set daily_cost_usd = $1::float8::numeric + (
  select sum(spent_usd) from private.spending where day = private.today() and payer = private.platform())

--- take what is left
-- Of the platform's day: what is under way is paid for, and the rest of what it leads to waits.
-- Limits are whole cents.
update private.platform_limits set daily_cost_usd = ceil(100 * (daily_cost_usd
  - greatest((private.spending_room('{}') ->> private.platform()::text)::numeric, 0))) / 100

--- rests
-- Nothing of the story is under way, or could be begun before the day of its user turns.
select not exists (select from public.asset_generation_jobs where story_id = $1 and (status = 'generating'
  or (status = 'queued' and inputs_settled and available_at < now() + interval '1 hour')))
