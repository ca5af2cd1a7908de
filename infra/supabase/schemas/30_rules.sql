-- The rules of the pipeline: which asset needs which, which state may follow which, when a retry is due, who holds a lease.
-- shared/domain holds the first of them in Rust as well; a test compares both.

create function public.asset_inputs(p_asset_type text) returns text[]
  language sql immutable set search_path = '' as $$
  select case
    when p_asset_type = 'content' then '{}'::text[]
    when p_asset_type in ('cover', 'audio', 'activities') then '{content}'
    when p_asset_type like 'scene\__' then '{cover}'
    when p_asset_type = 'pdf' then '{content,cover,scene_1,scene_2,scene_3,scene_4,activities}'
  end
$$;
comment on function public.asset_inputs is
  'Assets that must be settled before this one may be claimed; content must be ready.';

create function public.text_needed(p_asset_type text) returns text
  language sql immutable set search_path = '' as $$
  select case p_asset_type when 'content' then null when 'cover' then 'outline' when 'audio' then 'beat' else 'whole' end
$$;
comment on function public.text_needed is
  'How much of the text must stand before an asset may be begun: its outline; its first beat, for whoever writes it; all of it.';

create function private.is_settled(p_status text) returns boolean
  language sql immutable set search_path = '' as $$
  select p_status in ('ready', 'failed', 'cancelled', 'skipped')
$$;

create function public.next_job_status(p_status text, p_event text) returns text
  language sql immutable set search_path = '' as $$
  select case p_event
    when 'claim' then case when p_status = 'queued' then 'generating' end
    when 'complete' then case when p_status = 'generating' then 'ready' end
    when 'retry_later' then case when p_status = 'generating' then 'queued' end
    when 'release' then case when p_status = 'generating' then 'queued' end
    when 'give_up' then case when p_status = 'generating' then 'failed' end
    when 'cancel' then case when p_status in ('queued', 'generating') then 'cancelled' end
    when 'skip' then case when p_status = 'failed' then 'skipped' end
    when 'restore' then case when p_status in ('queued', 'generating', 'failed', 'cancelled', 'skipped') then 'ready' end
    when 'withdraw' then case when p_status in ('queued', 'ready', 'cancelled', 'skipped') then 'failed' end
    when 'requeue' then case when p_status in ('ready', 'failed', 'cancelled', 'skipped') then 'queued' end
  end
$$;
comment on function public.next_job_status is
  'The one transition table of jobs; null where the event is illegal in that state.';

create function private.guard_job_transition() returns trigger language plpgsql set search_path = '' as $$
begin
  if new.status <> old.status and not exists (
    select from unnest('{claim,complete,retry_later,release,give_up,cancel,skip,restore,withdraw,requeue}'::text[]) as event
    where public.next_job_status(old.status, event) = new.status)
  then
    raise exception 'job % may not go from % to %', old.id, old.status, new.status using errcode = 'check_violation';
  end if;
  if private.is_settled(new.status) then new.limited_since := null; end if;
  -- A glimpse of what is being made is of one attempt, and nobody's once that is over.
  if new.status <> 'generating' then new.metadata := new.metadata - 'previewUrl'; end if;
  if (new.status, new.inputs_settled) <> (old.status, old.inputs_settled) then
    new.state_changed_xid := pg_current_xact_id()::text::bigint;
  end if;
  new.updated_at := now();
  return new;
end $$;
create trigger jobs_guard_transition before update on public.asset_generation_jobs
  for each row execute function private.guard_job_transition();

create table private.retry_policies (
  asset_type text primary key,
  max_retries integer not null constraint retries_are_few check (max_retries between 0 and 10),
  pauses_seconds double precision[] not null default '{}'
    constraint retry_pauses_are_not_negative check (0 <= all (pauses_seconds))
);
comment on table private.retry_policies is
  'Set by the operator: how often an asset is tried again, and after which pauses (S1-261). Read whenever an attempt fails.';
comment on column private.retry_policies.max_retries is 'Retries after the first try (S1-222 to S1-225).';
comment on column private.retry_policies.pauses_seconds is
  'Before the first retry, the second and so on, up to a quarter more; further ones wait as long as the last. Empty: at once. '
  'A provider''s Retry-After wins.';
insert into private.retry_policies (asset_type, max_retries, pauses_seconds) values
  ('content', 3, '{1,2,4}'),
  ('cover', 3, '{}'),
  ('scene_1', 3, '{}'),
  ('scene_2', 3, '{}'),
  ('scene_3', 3, '{}'),
  ('scene_4', 3, '{}'),
  ('audio', 2, '{5,10}'),
  ('activities', 3, '{1,2,4}'),
  ('pdf', 2, '{}');
alter table private.retry_policies enable row level security;

create function public.max_retries(p_asset_type text) returns integer
  language sql stable set search_path = '' as $$
  select p.max_retries from private.retry_policies p where p.asset_type = p_asset_type
$$;
comment on function public.max_retries is 'Retries after the first try.';

create function public.retry_delay_seconds(p_asset_type text, p_retry_count integer) returns double precision
  language sql stable set search_path = '' as $$
  select coalesce(p.pauses_seconds[least(p_retry_count + 1, cardinality(p.pauses_seconds))], 0)
  from private.retry_policies p where p.asset_type = p_asset_type
$$;
comment on function public.retry_delay_seconds is 'Pause before retry n (from 0). A provider''s Retry-After wins.';

-- Up to a quarter more, so that jobs that failed together do not come back together. A hash of job and attempt, so that the
-- policy stays a pure function.
create function private.retry_jitter(p_job_id uuid, p_attempt integer) returns double precision
  language sql immutable set search_path = '' as $$
  select 1 + 0.25 * abs(hashtextextended(p_job_id::text, p_attempt) % 1000) / 1000
$$;

create function private.head_start(p_priority text) returns interval
  language sql immutable set search_path = '' as $$
  select case p_priority when 'urgent' then interval '0' when 'high' then interval '2 minutes' else interval '4 minutes' end
$$;
comment on function private.head_start is
  'How much longer than an urgent job this one waits when both became claimable together.';

-- What failed twice may be what takes its process down: from then on it gets a process to itself, or the jobs beside it
-- would use up their retries with it. The worker's dispatch follows the same rule.
create function private.travels_alone(p_retry_count integer) returns boolean language sql immutable set search_path = '' as $$
  select p_retry_count >= 2
$$;

create function private.is_stale(p_job public.asset_generation_jobs, p_lease_token uuid) returns text
  language sql immutable set search_path = '' as $$
  select case
    when p_job.id is null then 'NO_SUCH_JOB'
    when p_job.status = 'cancelled' then 'CANCELLED'
    when p_job.status <> 'generating' then 'NOT_GENERATING'
    when p_job.lease_token is distinct from p_lease_token then 'LEASE_LOST'
  end
$$;
comment on function private.is_stale is
  'Why a writer with this token may not write, or null when its lease is the one in force.';

-- Who holds a lease: 'claim:<request id>/<nonce>' while the claim of a worker is only dispatched, '<request id>/<nonce>' once
-- an invocation has started the work. The nonce keeps a second delivery of the same event from being granted.
create function private.is_started(p_owner text) returns boolean language sql immutable set search_path = '' as $$
  select p_owner is not null and p_owner not like 'claim:%'
$$;

create function private.attempt_errors_max() returns integer language sql immutable set search_path = '' as $$
  select 20
$$;

-- Notes how the attempt in force ended, for operators: error_code keeps the last word alone, and a new attempt clears it.
create function private.record_attempt_error(p_job_id uuid, p_code text, p_message text) returns void
  language sql set search_path = '' as $$
  update public.asset_generation_jobs
  set attempt_errors = (array_append(attempt_errors,
      jsonb_build_object('attempt', attempt, 'code', p_code, 'message', p_message, 'at', now())))
    [greatest(1, cardinality(attempt_errors) + 2 - private.attempt_errors_max()):]
  where id = p_job_id
$$;

-- The plan of a story is that of its user today, whatever it was when the story was made.
create function private.plan_of(p_story_id uuid) returns public.tiers language sql stable set search_path = '' as $$
  select t.* from public.stories s
  join public.users u on u.id = s.creator_user_id join public.tiers t on t.code = u.tier where s.id = p_story_id
$$;

create function private.plan_includes(p_story_id uuid, p_asset_type text) returns boolean
  language sql stable set search_path = '' as $$
  select p_asset_type = any ((private.plan_of(p_story_id)).asset_types)
$$;
