-- What the providers allow us, shared by all processes: a pace and a number of jobs at once per kind of call, and the
-- pause a provider asked for. Jobs above it wait in the queue and hold no place.
--
-- A lease takes what its calls will need (private.asset_calls), so nobody asks the database before each call. The pace is
-- kept as in the generic cell rate algorithm (ITU-T I.371): `taken_until` is the moment up to which calls are spoken for,
-- and a lease may run ahead of it by `burst_seconds`. Without a limit a claim reads this table of three rows, no more.

create table public.provider_limits (
  kind text primary key constraint limits_kind_is_known check (kind in ('picture', 'text', 'speech')),
  per_minute integer constraint limits_rate_is_positive check (per_minute > 0),
  burst_seconds double precision not null default 1 constraint limits_burst_range check (burst_seconds between 0 and 60),
  at_once integer constraint limits_at_once_is_positive check (at_once > 0),
  paused_until timestamptz,
  taken_until timestamptz not null default now()
);
comment on table public.provider_limits is 'Limits of the provider accounts per kind of call; the operator sets them, null means none.';
comment on column public.provider_limits.per_minute is 'Calls a minute the account allows; a fortieth of it is left free, for calls come a moment after their lease.';
comment on column public.provider_limits.burst_seconds is 'How far leases may run ahead of the pace: what was not used within this time is lost.';
comment on column public.provider_limits.at_once is 'Jobs making such calls at one moment, as ElevenLabs limits them.';
comment on column public.provider_limits.paused_until is 'The Retry-After of the last refusal: nobody is leased such a job before it.';
comment on column public.provider_limits.taken_until is 'Up to this moment the calls that the pace allows are spoken for.';

insert into public.provider_limits (kind) values ('picture'), ('text'), ('speech');

alter table public.provider_limits enable row level security;
revoke all on public.provider_limits from anon, authenticated, service_role;
grant select, insert, update, delete on public.provider_limits to service_role;

-- Calls that one attempt makes when nothing goes wrong. A cover asks for the palette, for the analysis of all five scenes
-- and for a check of its picture; a scene finds its analysis done and asks for the check alone.
create table private.asset_calls (
  asset_type text not null,
  kind text not null references public.provider_limits (kind),
  calls integer not null,
  primary key (asset_type, kind)
);
insert into private.asset_calls (asset_type, kind, calls) values
  ('content', 'text', 1), ('cover', 'text', 7), ('cover', 'picture', 1), ('audio', 'speech', 1), ('activities', 'text', 1),
  ('scene_1', 'text', 1), ('scene_2', 'text', 1), ('scene_3', 'text', 1), ('scene_4', 'text', 1),
  ('scene_1', 'picture', 1), ('scene_2', 'picture', 1), ('scene_3', 'picture', 1), ('scene_4', 'picture', 1);
alter table private.asset_calls enable row level security;
revoke all on private.asset_calls from anon, authenticated, service_role;
grant select on private.asset_calls to service_role;

-- Which worker waits until a provider takes calls again. One row.
create table private.limit_watch (
  only_row boolean primary key default true constraint watch_is_one_row check (only_row),
  watched_by text,
  watched_until timestamptz not null default '-infinity'
);
comment on table private.limit_watch is 'The worker that waits for the next opening of a limit, and until when it can; the others go home.';
insert into private.limit_watch default values;
alter table private.limit_watch enable row level security;
revoke all on private.limit_watch from anon, authenticated, service_role;
grant select, update on private.limit_watch to service_role;

create function private.time_per_call(p_per_minute integer) returns interval
  language sql immutable set search_path = '' as $$
  select make_interval(secs => 60 / (0.975 * p_per_minute))
$$;

create function private.jobs_calling(p_kind text) returns bigint language sql stable set search_path = '' as $$
  select count(*) from public.asset_generation_jobs j join private.asset_calls c on c.asset_type = j.asset_type
  where j.status = 'generating' and c.kind = p_kind
$$;

create function private.are_waiting_to_call(p_kind text) returns boolean language sql stable set search_path = '' as $$
  select exists (
    select from public.asset_generation_jobs j join private.asset_calls c on c.asset_type = j.asset_type
    where j.status = 'queued' and j.inputs_settled and c.kind = p_kind)
$$;

-- What the limited kinds of call have room for now: {kind: {calls, jobs, opensAt}}, null where nothing limits; null
-- altogether without any limit. Read under the claim turn, or it is out of date at once.
create function private.room_of_providers() returns jsonb language sql stable set search_path = '' as $$
  select jsonb_object_agg(l.kind, jsonb_build_object(
    'calls', case
      when l.paused_until > now() then 0
      when l.per_minute is not null then greatest(0, 1 + floor(
        extract(epoch from now() + make_interval(secs => l.burst_seconds) - greatest(l.taken_until, now()))
          / extract(epoch from private.time_per_call(l.per_minute)))) end,
    'jobs', case when l.at_once is not null then l.at_once - private.jobs_calling(l.kind) end,
    'opensAt', greatest(l.paused_until,
      case when l.per_minute is not null then l.taken_until - make_interval(secs => l.burst_seconds) end)))
  from public.provider_limits l
  where l.per_minute is not null or l.at_once is not null or l.paused_until > now()
$$;

create function private.assets_without_room(p_room jsonb) returns text[] language sql stable set search_path = '' as $$
  select coalesce(array_agg(distinct c.asset_type), '{}')
  from jsonb_each(p_room) as r (kind, room) join private.asset_calls c on c.kind = r.kind
  where (r.room ->> 'calls')::integer <= 0 or (r.room ->> 'jobs')::integer <= 0
$$;

-- As many of these jobs, in this order, as there is room for. A job begins while one call is left and takes all it needs,
-- or one that needs many would never begin.
create function private.within_room(p_job_ids uuid[], p_room jsonb) returns uuid[]
  language plpgsql stable set search_path = '' as $$
declare
  v_room jsonb := p_room;
  v_chosen uuid[] := '{}';
  v_job record;
begin
  if p_room is null then return p_job_ids; end if;
  for v_job in
    select j.id, j.asset_type from unnest(p_job_ids) with ordinality as wanted (id, place)
    join public.asset_generation_jobs j on j.id = wanted.id order by wanted.place
  loop
    continue when v_job.asset_type = any (private.assets_without_room(v_room));
    v_chosen := v_chosen || v_job.id;
    select jsonb_object_agg(r.kind, case when c.calls is null then r.room else r.room || jsonb_build_object(
      'calls', (r.room ->> 'calls')::integer - c.calls, 'jobs', (r.room ->> 'jobs')::integer - 1) end) into v_room
    from jsonb_each(v_room) as r (kind, room)
    left join private.asset_calls c on c.kind = r.kind and c.asset_type = v_job.asset_type;
  end loop;
  return v_chosen;
end $$;

-- Speaks for the calls of jobs that are being leased.
create function private.take_calls(p_job_ids uuid[]) returns void language plpgsql set search_path = '' as $$
begin
  if not exists (select from public.provider_limits where per_minute is not null) then return; end if;
  update public.provider_limits l
  set taken_until = greatest(l.taken_until, now()) + needed.calls * private.time_per_call(l.per_minute)
  from (select c.kind, sum(c.calls) as calls
    from public.asset_generation_jobs j join private.asset_calls c on c.asset_type = j.asset_type
    where j.id = any (p_job_ids) group by c.kind) as needed
  where l.kind = needed.kind and l.per_minute is not null;
end $$;

-- A provider said when it takes calls again: the calls this asset is mainly made of wait until then, whoever makes them.
create function private.pause_calls(p_asset_type text, p_until timestamptz) returns void
  language plpgsql set search_path = '' as $$
begin
  perform private.take_claim_turn();
  update public.provider_limits set paused_until = greatest(paused_until, p_until)
  where kind = case when p_asset_type = 'audio' then 'speech' when p_asset_type in ('content', 'activities') then 'text'
    else 'picture' end;
end $$;

create function private.leave_watch(p_worker text) returns void language sql set search_path = '' as $$
  update private.limit_watch set watched_by = null, watched_until = '-infinity' where watched_by = p_worker
$$;

-- When a kind of call that jobs wait for opens, for the one worker that waits for it: the first to ask, until somebody
-- comes who can stay a quarter of a minute longer. All others get null and go home. A worker names itself
-- 'claim:<request id>[/<nonce>]'; whoever gives no name is told and does not count.
create function private.opening_to_wait_for(p_room jsonb, p_owner text, p_wait_seconds double precision)
  returns timestamptz language plpgsql set search_path = '' as $$
declare
  v_worker text := split_part(p_owner, '/', 1);
  v_until timestamptz := now() + make_interval(secs => p_wait_seconds);
  v_opening timestamptz;
begin
  if p_room is null then return null; end if;
  select min((room ->> 'opensAt')::timestamptz) into v_opening
  from jsonb_each(p_room) as r (kind, room)
  where (room ->> 'calls')::integer <= 0 and private.are_waiting_to_call(r.kind);
  if v_worker is null then return v_opening; end if;
  if v_opening is null or v_opening > v_until then
    perform private.leave_watch(v_worker);
    return v_opening;
  end if;
  update private.limit_watch set watched_by = v_worker, watched_until = v_until
  where watched_by = v_worker or watched_until < v_until - interval '15 seconds';
  return case when found then v_opening end;
end $$;

-- One, when a job waits for a kind of call that is limited to a number of jobs at once and has a place free.
create function private.places_others_wait_for() returns bigint language sql stable set search_path = '' as $$
  select count(*) from (
    select from public.provider_limits
    where case when at_once is null then false
      else at_once > private.jobs_calling(kind) and private.are_waiting_to_call(kind) end limit 1) as free
$$;

-- EXECUTE is granted to PUBLIC by default in Postgres.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select oid::regprocedure from pg_catalog.pg_proc where pronamespace = 'private'::regnamespace
  loop
    execute format('revoke all on function %s from public, anon, authenticated', v_function);
    execute format('grant execute on function %s to service_role', v_function);
  end loop;
end $$;
