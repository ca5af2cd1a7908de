-- What is old leaves the tables that every claim and every status passes through.
--
-- The jobs of a story that nobody touched for a month move to a history table of the same columns, whole rows at a time: so
-- the hot table, its indexes and its vacuum stay as small as the work of a month, and nothing of a job is lost. Before a
-- user changes such a story (private.lock_story_and_owner), its rows come back as they were, checkpoints included, so that
-- retrying and regenerating find what was paid for and the status JSON is rebuilt from all assets. The story's row is not
-- touched by either move. Notices travel along, for they are what keeps a second notice from being sent; one that waited all
-- that time, because no sender is configured, is dropped.

create table public.asset_generation_history (
  like public.asset_generation_jobs,
  primary key (id),
  foreign key (story_id) references public.stories (id) on delete cascade
);
comment on table public.asset_generation_history is
  'Jobs of stories at rest, column by column as in asset_generation_jobs; a column added there is added here too.';
create index idx_history_story on public.asset_generation_history (story_id);

create table public.notification_history (
  like public.notification_outbox,
  primary key (id),
  foreign key (story_id) references public.stories (id) on delete cascade
);
comment on table public.notification_history is
  'Notices of stories at rest: sent, or dropped because nobody had sent them by then.';
create index idx_notification_history_story on public.notification_history (story_id);

create view public.asset_job_records with (security_invoker = true) as
  select id, story_id, user_id, asset_type, status, retry_count, error_code, error_message, started_at, completed_at, created_at,
    attempt_errors
  from public.asset_generation_jobs
  union all
  select id, story_id, user_id, asset_type, status, retry_count, error_code, error_message, started_at, completed_at, created_at,
    attempt_errors
  from public.asset_generation_history;
comment on view public.asset_job_records is 'The jobs of every story, at work or at rest.';

alter table public.asset_generation_history enable row level security;
alter table public.notification_history enable row level security;

create function private.age_of_history() returns interval language sql immutable set search_path = '' as $$
  select interval '30 days'
$$;
comment on function private.age_of_history is 'How long a story stays with the work after it was settled.';

create function private.stories_at_rest(p_older_than interval, p_limit integer) returns setof uuid
  language sql stable set search_path = '' as $$
  select s.id from public.asset_generation_jobs j join public.stories s on s.id = j.story_id
  where j.asset_type = 'content' and j.completed_at < now() - p_older_than
    and s.asset_generation_completed_at < now() - p_older_than
  order by j.completed_at limit p_limit
$$;
comment on function private.stories_at_rest is
  'Stories whose jobs are all settled and were so for this long, the oldest first.';

create function private.forget_idempotency_keys(p_limit integer) returns bigint
  language plpgsql set search_path = '' as $$
declare
  v_forgotten bigint;
begin
  delete from public.idempotency_keys k using (
    select user_id, operation, key from public.idempotency_keys
    where created_at < now() - private.idempotency_lifetime() order by created_at limit p_limit
    for update skip locked) as old
  where k.user_id = old.user_id and k.operation = old.operation and k.key = old.key;
  get diagnostics v_forgotten = row_count;
  return v_forgotten;
end $$;

-- One bounded batch; waits for nobody. Each move names every column on both sides, so that the order of columns in either
-- table means nothing; a test compares the lists with the tables.
create function public.tidy_history(p_older_than interval default private.age_of_history(), p_limit integer default 500)
  returns jsonb language plpgsql set search_path = '' as $$
declare
  v_stories uuid[];
  v_jobs bigint;
  v_notices bigint;
begin
  v_stories := array(select id from public.stories
    where id in (select private.stories_at_rest(p_older_than, p_limit)) for update skip locked);
  -- As they are now that nobody else can change them.
  v_stories := array(select id from public.stories
    where id = any (v_stories) and asset_generation_completed_at < now() - p_older_than);

  with moved as (delete from public.asset_generation_jobs where story_id = any (v_stories) returning *)
  insert into public.asset_generation_history (
    id, story_id, user_id, asset_type, status, priority,
    inputs_settled, available_at, claim_order, state_changed_xid, queued_by_input,
    lease_token, lease_owner, lease_expires_at, attempt, retry_count, limited_since,
    progress, url, result, is_placeholder, asset_version, versions_made, asked_by, shown, metadata, checkpoint, options, sources,
    error_code, error_message, last_error, started_at, completed_at, created_at, updated_at,
    attempt_errors)
  select
    id, story_id, user_id, asset_type, status, priority,
    inputs_settled, available_at, claim_order, state_changed_xid, queued_by_input,
    lease_token, lease_owner, lease_expires_at, attempt, retry_count, limited_since,
    progress, url, result, is_placeholder, asset_version, versions_made, asked_by, shown, metadata, checkpoint, options, sources,
    error_code, error_message, last_error, started_at, completed_at, created_at, updated_at,
    attempt_errors
  from moved;
  get diagnostics v_jobs = row_count;

  with moved as (delete from public.notification_outbox where story_id = any (v_stories) returning *)
  insert into public.notification_history (
    id, story_id, user_id, kind, created_at, available_at, attempts, lease_token, last_error, sent_at, message_id,
    dropped_at, dropped_because)
  select
    id, story_id, user_id, kind, created_at, available_at, attempts, lease_token, last_error, sent_at, message_id,
    case when sent_at is null then coalesce(dropped_at, now()) end,
    case when sent_at is null then coalesce(dropped_because, 'too_late') end
  from moved;
  get diagnostics v_notices = row_count;

  perform private.sum_up_nameless_usage(p_limit);
  return jsonb_build_object('stories', cardinality(v_stories), 'jobs', v_jobs, 'notices', v_notices,
    'keys', private.forget_idempotency_keys(p_limit), 'deliveries', private.forget_deliveries(p_limit));
end $$;
comment on function public.tidy_history is
  'Moves up to p_limit stories at rest to the history, and forgets as many idempotency keys and deliveries of webhooks: '
  '{stories, jobs, notices, keys, deliveries}.';

create function private.has_history() returns boolean language sql stable set search_path = '' as $$
  select exists (select from private.stories_at_rest(private.age_of_history(), 1))
    or exists (select from public.idempotency_keys where created_at < now() - private.idempotency_lifetime())
    or private.has_old_deliveries()
$$;
comment on function private.has_history is 'Whether tidy_history would find something.';

-- Brings the jobs and notices of a story back from the history. The caller holds the story's lock.
create function private.recall_history(p_story_id uuid) returns void language plpgsql set search_path = '' as $$
begin
  with back as (delete from public.asset_generation_history where story_id = p_story_id returning *)
  insert into public.asset_generation_jobs (
    id, story_id, user_id, asset_type, status, priority,
    inputs_settled, available_at, claim_order, state_changed_xid, queued_by_input,
    lease_token, lease_owner, lease_expires_at, attempt, retry_count, limited_since,
    progress, url, result, is_placeholder, asset_version, versions_made, asked_by, shown, metadata, checkpoint, options, sources,
    error_code, error_message, last_error, started_at, completed_at, created_at, updated_at,
    attempt_errors)
  select
    id, story_id, user_id, asset_type, status, priority,
    inputs_settled, available_at, claim_order, state_changed_xid, queued_by_input,
    lease_token, lease_owner, lease_expires_at, attempt, retry_count, limited_since,
    progress, url, result, is_placeholder, asset_version, versions_made, asked_by, shown, metadata, checkpoint, options, sources,
    error_code, error_message, last_error, started_at, completed_at, created_at, updated_at,
    attempt_errors
  from back;
  if not found then return; end if;
  -- A notice keeps its number, or its sender could not tell that it is the same one.
  with back as (delete from public.notification_history where story_id = p_story_id returning *)
  insert into public.notification_outbox (
    id, story_id, user_id, kind, created_at, available_at, attempts, lease_token, last_error, sent_at, message_id,
    dropped_at, dropped_because)
  overriding system value
  select
    id, story_id, user_id, kind, created_at, available_at, attempts, lease_token, last_error, sent_at, message_id,
    dropped_at, dropped_because
  from back;
end $$;
