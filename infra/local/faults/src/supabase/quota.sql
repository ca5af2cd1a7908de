-- The trial `quota`: what it watches, and what must hold.

--- note the most a user ever had used
-- The most a user ever had used, whatever came after.
create schema if not exists trial;
drop table if exists trial.used cascade;
create table trial.used (user_id uuid, used integer);
create or replace function trial.note_use() returns trigger language plpgsql security definer as $$
begin
  insert into trial.used values (new.id, new.stories_used);
  return null;
end $$;
create or replace trigger trial_notes_use after update of stories_used on public.users
  for each row execute function trial.note_use()

--- users above their limit
select count(distinct t.user_id) from trial.used t join public.users u on u.id = t.user_id
  where u.tier = 'free' and t.used > 2 + u.extra_stories

--- users without their ledger
select count(*) from public.users u where u.stories_used <>
  (select coalesce(-sum(l.delta), 0) from public.credit_ledger l where l.user_id = u.id)

--- users without their refunds
-- Refunds counted from the jobs, not from the ledger: a story whose text failed costs nothing.
select count(*) from public.users u where u.tier = 'free' and u.stories_used <>
  (select count(*) from public.stories s where s.creator_user_id = u.id and not exists (
    select from public.asset_generation_jobs j where j.story_id = s.id and j.asset_type = 'content' and j.status in ('failed', 'cancelled')))

--- anchor of the quota
create table trial.anchor (id uuid primary key default gen_random_uuid())
