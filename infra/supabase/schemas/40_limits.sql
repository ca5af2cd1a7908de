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
comment on table public.provider_limits is
  'Limits of the provider accounts per kind of call; the operator sets them, null means none.';
comment on column public.provider_limits.per_minute is
  'Calls a minute the account allows; a fortieth of it is left free, for calls come a moment after their lease.';
comment on column public.provider_limits.burst_seconds is
  'How far leases may run ahead of the pace: what was not used within this time is lost.';
comment on column public.provider_limits.at_once is 'Jobs making such calls at one moment, as ElevenLabs limits them.';
comment on column public.provider_limits.paused_until is
  'The Retry-After of the last refusal: nobody is leased such a job before it.';
comment on column public.provider_limits.taken_until is
  'Up to this moment the calls that the pace allows are spoken for.';
insert into public.provider_limits (kind) values ('picture'), ('text'), ('speech');
alter table public.provider_limits enable row level security;

-- Calls that one attempt makes when nothing goes wrong. A cover asks for the palette, for the analysis of all five scenes
-- and for a check of its picture; a scene finds its analysis done and asks for the check alone. A
-- narration is recorded beat by beat.
create table private.asset_calls (
  asset_type text not null,
  kind text not null references public.provider_limits (kind),
  calls integer not null,
  primary key (asset_type, kind)
);
insert into private.asset_calls (asset_type, kind, calls) values
  ('content', 'text', 1),
  ('cover', 'text', 7),
  ('cover', 'picture', 1),
  ('scene_1', 'text', 1),
  ('scene_1', 'picture', 1),
  ('scene_2', 'text', 1),
  ('scene_2', 'picture', 1),
  ('scene_3', 'text', 1),
  ('scene_3', 'picture', 1),
  ('scene_4', 'text', 1),
  ('scene_4', 'picture', 1),
  ('audio', 'speech', 4),
  ('activities', 'text', 1);
alter table private.asset_calls enable row level security;

create table private.limit_waiter (
  only_row boolean primary key default true constraint waiter_is_one_row check (only_row),
  worker text,
  waits_until timestamptz not null default '-infinity',
  waits_for timestamptz not null default 'infinity'
);
comment on table private.limit_waiter is
  'One row: the worker that waits for what becomes claimable, for when, and until when it can stay; the others go home.';
insert into private.limit_waiter default values;
alter table private.limit_waiter enable row level security;

-- The claims that share one cap take turns; each holds this for the few milliseconds of its transaction.
create function private.take_claim_turn() returns void language sql set search_path = '' as $$
  select pg_advisory_xact_lock(hashtextextended('storytailor.claim', 0))
$$;

-- A fortieth of the pace is left free: the calls of a lease come a moment after it, and a provider counts when they arrive.
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
create function private.provider_capacity() returns jsonb language sql stable set search_path = '' as $$
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

create function private.assets_at_limit(p_capacity jsonb) returns text[] language sql stable set search_path = '' as $$
  select coalesce(array_agg(distinct c.asset_type), '{}')
  from jsonb_each(p_capacity) as k (kind, capacity) join private.asset_calls c on c.kind = k.kind
  where (k.capacity ->> 'calls')::integer <= 0 or (k.capacity ->> 'jobs')::integer <= 0
$$;

-- As many of these jobs, in this order, as there is capacity for. A job begins while one call is left and takes all it
-- needs, or one that needs many would never begin.
create function private.jobs_within_capacity(p_job_ids uuid[], p_capacity jsonb) returns uuid[]
  language plpgsql stable set search_path = '' as $$
declare
  v_capacity jsonb := p_capacity;
  v_chosen uuid[] := '{}';
  v_job record;
begin
  if p_capacity is null then return p_job_ids; end if;
  for v_job in
    select j.id, j.asset_type from unnest(p_job_ids) with ordinality as wanted (id, place)
    join public.asset_generation_jobs j on j.id = wanted.id order by wanted.place
  loop
    continue when v_job.asset_type = any (private.assets_at_limit(v_capacity));
    v_chosen := v_chosen || v_job.id;
    select jsonb_object_agg(k.kind, case when c.calls is null then k.capacity else k.capacity || jsonb_build_object(
      'calls', (k.capacity ->> 'calls')::integer - c.calls, 'jobs', (k.capacity ->> 'jobs')::integer - 1) end)
    into v_capacity
    from jsonb_each(v_capacity) as k (kind, capacity)
    left join private.asset_calls c on c.kind = k.kind and c.asset_type = v_job.asset_type;
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

-- The same for calls that no lease spoke for, {kind: calls}: a picture that is drawn once more, a question that is repeated.
create function private.take_extra_calls(p_calls jsonb) returns void language plpgsql set search_path = '' as $$
begin
  if p_calls is null or not exists (select from public.provider_limits where per_minute is not null) then return; end if;
  perform private.take_claim_turn();
  update public.provider_limits l
  set taken_until = greatest(l.taken_until, now()) + c.calls::integer * private.time_per_call(l.per_minute)
  from jsonb_each_text(p_calls) as c (kind, calls) where l.kind = c.kind and l.per_minute is not null;
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

create function private.release_limit_waiter(p_worker text) returns void language sql set search_path = '' as $$
  update private.limit_waiter set worker = null, waits_until = '-infinity', waits_for = 'infinity'
  where worker = p_worker
$$;

-- When a kind of call that jobs wait for opens.
create function private.next_capacity_at(p_capacity jsonb) returns timestamptz
  language sql stable set search_path = '' as $$
  select min((capacity ->> 'opensAt')::timestamptz) from jsonb_each(p_capacity) as k (kind, capacity)
  where (capacity ->> 'calls')::integer <= 0 and private.are_waiting_to_call(k.kind)
$$;

-- The moment at which something becomes claimable, for the one worker that waits for it: the first to ask, until somebody
-- comes who can stay a quarter of a minute longer, or who asks for a moment that is nearer by a quarter of the wait. All
-- others get null and go home, so that many stories do not keep many workers. A worker names itself
-- 'claim:<request id>[/<nonce>]'; whoever gives no name is told and does not count.
create function private.wait_for(p_due timestamptz, p_owner text, p_wait_seconds double precision)
  returns timestamptz language plpgsql set search_path = '' as $$
declare
  v_worker text := split_part(p_owner, '/', 1);
  v_until timestamptz := now() + make_interval(secs => p_wait_seconds);
begin
  if v_worker is null then return p_due; end if;
  if p_due is null or p_due > v_until then
    -- It cannot stay for that; the next to ask may.
    perform private.release_limit_waiter(v_worker);
    return p_due;
  end if;
  -- Shorter gains are not worth a change of guard: both workers would be paid for. One that does not come back is dead.
  update private.limit_waiter set worker = v_worker, waits_until = v_until, waits_for = p_due
  where worker = v_worker or waits_until < v_until - interval '15 seconds' or waits_for < now() - interval '2 seconds'
    or p_due <= waits_for - greatest(interval '0.2 seconds', (waits_for - now()) / 4);
  return case when found then p_due end;
end $$;

-- One, when a job waits for a kind of call that is limited to a number of jobs at once and has a slot free.
create function private.waiting_jobs_with_free_slot() returns bigint language sql stable set search_path = '' as $$
  select count(*) from (
    select from public.provider_limits
    -- The questions cost a scan each, so they are asked of limited kinds alone.
    where case when at_once is null then false
      else at_once > private.jobs_calling(kind) and private.are_waiting_to_call(kind) end limit 1) as free
$$;
