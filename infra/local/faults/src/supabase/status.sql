-- The trial `status`: what it watches, and what must hold.

--- history
create schema if not exists trial;
drop table if exists trial.history cascade;
create table trial.history (story uuid, version bigint, overall text);
create or replace function trial.note() returns trigger language plpgsql security definer as $$
begin
  insert into trial.history values (new.id, new.version, new.asset_generation_status ->> 'overall');
  return null;
end $$;
drop trigger if exists trial_notes on public.stories

--- uneven versions
select count(*) from (select story from trial.history group by story
  having count(*) <> 9 or count(distinct version) <> 9 or max(version) - min(version) <> 8) u

--- ends
select count(*) from public.stories s where
  (select count(*) from trial.history h where h.story = s.id and h.overall = 'ready') <> 1

--- lost updates
select coalesce(sum(9 - (select count(*) from jsonb_each(s.asset_generation_status -> 'assets') a
     where a.value ->> 'status' = 'ready' and a.value -> 'data' ->> 'asset' = a.key)), 0)::bigint
   + coalesce(sum(9 - (select count(*) from jsonb_each(s.hue_extracted_colors))), 0)::bigint
  from public.stories s

--- anchor of the status
create table trial.anchor (id int primary key, status jsonb not null default '{}')
