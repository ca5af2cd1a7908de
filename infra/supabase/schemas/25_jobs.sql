-- The truth about what is being made: one job per asset. It is the queue, the lease and the result in one row.

create table public.asset_generation_jobs (
  id uuid primary key default gen_random_uuid(),
  story_id uuid not null references public.stories (id) on delete cascade,
  user_id uuid not null,
  asset_type text not null constraint jobs_asset_type_is_known check (asset_type in
    ('content', 'cover', 'scene_1', 'scene_2', 'scene_3', 'scene_4', 'audio', 'activities', 'pdf')),
  status text not null default 'queued' constraint jobs_status_is_known check (status in
    ('queued', 'generating', 'ready', 'failed', 'cancelled', 'skipped')),
  priority text not null default 'normal' constraint jobs_priority_is_known check (priority in ('normal', 'high', 'urgent')),
  inputs_settled boolean not null default false,
  available_at timestamptz not null default now(),
  claim_order timestamptz not null default now(),
  state_changed_xid bigint not null default pg_current_xact_id()::text::bigint,
  lease_token uuid,
  lease_owner text,
  lease_expires_at timestamptz,
  attempt integer not null default 0,
  retry_count integer not null default 0,
  limited_since timestamptz,
  progress smallint not null default 0 constraint jobs_progress_range check (progress between 0 and 100),
  url text,
  result jsonb not null default '{}'::jsonb,
  is_placeholder boolean not null default false,
  asset_version integer not null default 0,
  versions_made integer not null default 0,
  asked_by text not null default 'create' constraint jobs_asked_by_is_known check (asked_by in
    ('create', 'generate', 'retry', 'regenerate', 'text', 'input')),
  shown jsonb,
  metadata jsonb not null default '{}'::jsonb,
  checkpoint jsonb not null default '{}'::jsonb,
  options jsonb not null default '{}'::jsonb,
  sources jsonb not null default '{}'::jsonb,
  queued_by_input boolean not null default false,
  error_code text,
  error_message text,
  last_error jsonb,
  started_at timestamptz,
  completed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  attempt_errors jsonb[] not null default '{}',
  constraint jobs_one_per_asset unique (story_id, asset_type),
  constraint jobs_generating_holds_a_lease
    check (status <> 'generating' or (lease_token is not null and lease_expires_at is not null)),
  constraint jobs_only_generating_is_leased check (status = 'generating' or lease_expires_at is null),
  constraint jobs_ready_has_its_asset
    check (status <> 'ready' or asset_type = 'content' or url is not null or result ? 'data'),
  constraint jobs_final_has_a_time
    check ((status in ('ready', 'failed', 'cancelled', 'skipped')) = (completed_at is not null)),
  constraint jobs_error_code_is_known check (error_code = any (
    '{BOOK_FAILED,CANCELLED,CONTENT_POLICY_VIOLATION,DATABASE_UNAVAILABLE,IMAGE_VALIDATION_FAILED,INPUT_FAILED,INTERNAL,'
    'INVALID_VOICE,JOB_TIMEOUT,MISSING_REQUIRED_ASSETS,MODEL_GONE,MODEL_NOT_OPEN,PROVIDER_OUT_OF_CREDITS,'
    'PROVIDER_REFUSED_KEY,PROVIDER_REJECTED,PROVIDER_TIMEOUT,PROVIDER_UNAVAILABLE,RATE_LIMITED,TEXT_TOO_LONG,'
    'UNREADABLE_REFERENCE,UNSUPPORTED_SCRIPT,UNUSABLE_ANSWER,UNUSABLE_PICTURE,UPLOAD_FAILED}'::text[]))
);
comment on table public.asset_generation_jobs is 'One row per asset of a story: the queue, its leases and its results.';
comment on column public.asset_generation_jobs.user_id is
  'The story''s creator, copied here for fairness and row-level security.';
comment on column public.asset_generation_jobs.inputs_settled is
  'True once every input of the asset graph is ready, failed, cancelled or skipped; set by private.settle_inputs.';
comment on column public.asset_generation_jobs.available_at is
  'Not claimable before this moment: backoff, Retry-After, or the grace the direct invocation has.';
comment on column public.asset_generation_jobs.claim_order is
  'Claim the smallest first: the moment of becoming claimable plus a head start per priority, so waiting outranks urgency '
  'in the end.';
comment on column public.asset_generation_jobs.state_changed_xid is
  'The transaction that put the job where it is, by status and inputs_settled; what the scan floors of '
  'private.advance_scan_floors are read against.';
comment on column public.asset_generation_jobs.lease_token is
  'Fencing token of the claim in force, or of the last one; a writer with another token is refused.';
comment on column public.asset_generation_jobs.lease_owner is
  'Who holds the lease: <request id>/<nonce> of the invocation at work, or claim:<request id>/<nonce> while a worker has '
  'only claimed it.';
comment on column public.asset_generation_jobs.attempt is 'Claims so far.';
comment on column public.asset_generation_jobs.retry_count is 'Retries after the first try; releases do not count.';
comment on column public.asset_generation_jobs.limited_since is
  'Since when a provider''s rate limit has held this job up; such attempts are no retries for half an hour.';
comment on column public.asset_generation_jobs.result is
  'What complete_job wrote beside the url: data of activities, bytes, sha256, duration.';
comment on column public.asset_generation_jobs.asset_version is
  'The version that url and result are of; 0 while there is none.';
comment on column public.asset_generation_jobs.versions_made is
  'How many versions there were, placeholders included; the next one gets the number after it.';
comment on column public.asset_generation_jobs.asked_by is
  'What asked for the next version: a command of the user, a new text, or an input that is made again.';
comment on column public.asset_generation_jobs.shown is
  'While a new text is made: the columns as readers see them meanwhile, and as they are again if it comes to nothing. Else '
  'null: readers see the columns themselves.';
comment on column public.asset_generation_jobs.checkpoint is 'Results of paid steps so far; a retried job continues from here.';
comment on column public.asset_generation_jobs.options is
  'Wishes of every retry and regenerate so far, the last word of each kind: voiceId, style, simplifyPrompt.';
comment on column public.asset_generation_jobs.sources is
  'The versions of its inputs when it was last leased: {content: 2, cover: 1}; result.madeFrom holds those of what is '
  'published.';
comment on column public.asset_generation_jobs.queued_by_input is
  'It was ready and waits only because an input is made again; it is ready again as it was where that brings no new version.';
comment on column public.asset_generation_jobs.last_error is
  'Why the last try for a new version failed while the one before it serves on: {code, message, at}.';
comment on column public.asset_generation_jobs.attempt_errors is
  'How the attempts ended that brought nothing, the last twenty of them: {attempt, code, message, at}; the words are those '
  'the user was shown.';

-- Claiming must not feel the finished rows: only what can be claimed is in its index.
create index idx_jobs_claimable on public.asset_generation_jobs (user_id, claim_order)
  where status = 'queued' and inputs_settled;
create index idx_jobs_backoff on public.asset_generation_jobs (available_at)
  where status = 'queued' and inputs_settled;
-- In the order of arrival, so that what is gone but cannot be cleaned away yet lies below a floor and is not read again.
create index idx_jobs_waiting on public.asset_generation_jobs (state_changed_xid) where status = 'queued' and inputs_settled;
create index idx_jobs_working on public.asset_generation_jobs (state_changed_xid) where status = 'generating';
-- Row-level security of an owner's own rows.
create index idx_jobs_user on public.asset_generation_jobs (user_id);
-- Every story has one text job, so this finds old stories without passing over those that left.
create index idx_jobs_old_texts on public.asset_generation_jobs (completed_at)
  where asset_type = 'content' and completed_at is not null;
-- Promised by name, not used by us: the unique key begins with the story, and no query of ours filters by the others.
create index idx_jobs_queued on public.asset_generation_jobs (status, created_at) where status = 'queued';
create index idx_jobs_story on public.asset_generation_jobs (story_id);
create index idx_jobs_timeout on public.asset_generation_jobs (started_at, status) where status = 'generating';

create view public.dead_letters with (security_invoker = true) as
  select id as job_id, story_id, asset_type, error_code, error_message, attempt, retry_count, completed_at,
    attempt_errors
  from public.asset_generation_jobs where status = 'failed';
comment on view public.dead_letters is
  'Jobs that failed for good, with their cause and that of every attempt before; retry_assets brings them back.';

alter table public.asset_generation_jobs enable row level security;
create policy owners_read_jobs on public.asset_generation_jobs for select to authenticated
  using (user_id = (select auth.uid()));
