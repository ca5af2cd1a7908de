-- The trial `deletion`: what nothing may be left of, and sums that must agree.

--- grace
-- In place of the minutes that an invocation may last: here a lease is 5 s, and nobody stores anything for longer.
create or replace function private.late_writer_grace() returns interval
  language sql immutable set search_path = '' as $$ select interval '15 seconds' $$

--- tables
select oid::regclass::text from pg_class where relkind = 'r'
  and relnamespace in ('public'::regnamespace, 'private'::regnamespace, 'auth'::regnamespace)

--- wrong credits
select count(*) from public.users u where u.stories_used <>
  (select -coalesce(sum(l.delta), 0) from public.credit_ledger l where l.user_id = u.id)

--- credits taken
-- Of all who ever asked; the demo user asks for nothing here.
select (select count(*) from public.credit_ledger where reason = 'story_created')
  + (select coalesce(sum(entries), 0)::bigint from private.credit_sums where reason = 'story_created')

--- booked
select count(*) + coalesce((select sum(calls)::bigint from private.usage_sums), 0) as calls,
  (coalesce(sum(cost_usd), 0) + coalesce((select sum(cost_usd) from private.usage_sums), 0))::float8 as usd
  from public.usage_ledger
