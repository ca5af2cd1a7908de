-- What is being made: the story row the front end subscribes to, and one job per asset, which is the truth.
--
-- `stories.asset_generation_status` is derived: private.write_story (next migration) rebuilds it from the job rows in
-- the same transaction as every change, so the two can never disagree. The story row stays small, because Realtime drops
-- fields of a change above 1 MiB; leases, checkpoints and prompts live with the jobs.

create table public.stories (
  id uuid primary key default gen_random_uuid(),
  library_id uuid not null references public.libraries (id),
  creator_user_id uuid not null references public.users (id) on delete cascade,
  title text not null constraint stories_title_length check (char_length(title) between 1 and 255),
  content jsonb not null default '{}'::jsonb,
  status text not null default 'generating' constraint stories_status_is_known check (status in ('generating', 'ready', 'failed')),
  asset_generation_status jsonb not null default '{"overall": "generating", "assets": {}}'::jsonb,
  asset_generation_started_at timestamptz not null default now(),
  asset_generation_completed_at timestamptz,
  hue_extracted_colors jsonb not null default '{}'::jsonb,
  audio_words jsonb,
  audio_blocks jsonb,
  character_ids uuid[] not null constraint stories_have_characters check (cardinality(character_ids) between 1 and 5),
  story_type text not null,
  themes text[] not null default '{}',
  request jsonb not null default '{}'::jsonb,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.stories is 'One story and the state of everything made for it; watched by the front end through Realtime.';
comment on column public.stories.content is 'Title, four beats and moral once the text is ready, else {}.';
comment on column public.stories.status is 'generating until every job is settled; then failed if the text failed, else ready.';
comment on column public.stories.asset_generation_status is 'Derived by private.write_story from the jobs: overall and one entry per asset.';
comment on column public.stories.hue_extracted_colors is '{cover: [hex, hex, hex], scene_1: [...], ...}: three deep contrasting colours per picture.';
comment on column public.stories.audio_words is '[{txt, start, end}, ...] in seconds, in spoken order.';
comment on column public.stories.audio_blocks is '{a, b, c, d}: one HTML block per beat, a span per word.';
comment on column public.stories.request is 'The whole creation request, so that anything can be made again.';
comment on column public.stories.version is 'Grows by one with every update; the order of Realtime events.';

-- A story keeps its heroes as they were when it was asked for. Beside the row, for Realtime sends the whole row each time.
create table public.story_characters (
  story_id uuid primary key references public.stories (id) on delete cascade,
  characters jsonb not null
);
comment on table public.story_characters is 'The heroes of a story in their order, as they were when it was asked for, or asked for again before it had a text.';

create index idx_stories_status on public.stories (status);
create index idx_stories_generation on public.stories (asset_generation_started_at) where status = 'generating';
create index idx_stories_creator on public.stories (creator_user_id, created_at desc, id);
create index idx_stories_library on public.stories (library_id, created_at desc);

create function private.bump_story_version() returns trigger language plpgsql set search_path = '' as $$
begin
  new.version := old.version + 1;
  new.updated_at := now();
  return new;
end $$;
create trigger stories_bump_version before update on public.stories
  for each row execute function private.bump_story_version();

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
  entered_in bigint not null default pg_current_xact_id()::text::bigint,
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
  constraint jobs_one_per_asset unique (story_id, asset_type),
  constraint jobs_generating_holds_a_lease check (status <> 'generating' or (lease_token is not null and lease_expires_at is not null)),
  constraint jobs_only_generating_is_leased check (status = 'generating' or lease_expires_at is null),
  constraint jobs_ready_has_its_asset check (status <> 'ready' or asset_type = 'content' or url is not null or result ? 'data'),
  constraint jobs_final_has_a_time check ((status in ('ready', 'failed', 'cancelled', 'skipped')) = (completed_at is not null))
);
comment on table public.asset_generation_jobs is 'One row per asset of a story: the queue, its leases and its results.';
comment on column public.asset_generation_jobs.user_id is 'The story''s creator, copied here for fairness and row-level security.';
comment on column public.asset_generation_jobs.inputs_settled is 'True once every input of the asset graph is ready, failed, cancelled or skipped; set by private.settle_inputs.';
comment on column public.asset_generation_jobs.available_at is 'Not claimable before this moment: backoff, Retry-After, or the grace the direct invocation has.';
comment on column public.asset_generation_jobs.claim_order is 'Claim the smallest first: the moment of becoming claimable plus a head start per priority, so waiting outranks urgency in the end.';
comment on column public.asset_generation_jobs.entered_in is 'The transaction that put the job where it is, by status and inputs_settled; what the horizons of private.note_horizons are read against.';
comment on column public.asset_generation_jobs.lease_token is 'Fencing token of the claim in force, or of the last one; a writer with another token is refused.';
comment on column public.asset_generation_jobs.lease_owner is 'Who holds the lease: <request id>/<nonce> of the invocation at work, or claim:<request id>/<nonce> while a worker has only claimed it.';
comment on column public.asset_generation_jobs.attempt is 'Claims so far.';
comment on column public.asset_generation_jobs.retry_count is 'Retries after the first try; releases do not count.';
comment on column public.asset_generation_jobs.limited_since is 'Since when a provider''s rate limit has held this job up; such attempts are no retries for half an hour.';
comment on column public.asset_generation_jobs.result is 'What complete_job wrote beside the url: data of activities, bytes, sha256, duration.';
comment on column public.asset_generation_jobs.checkpoint is 'Results of paid steps so far; a retried job continues from here.';
comment on column public.asset_generation_jobs.options is 'Wishes of every retry and regenerate so far, the last word of each kind: voiceId, style, simplifyPrompt.';
comment on column public.asset_generation_jobs.sources is 'The versions of its inputs when it was last leased: {content: 2, cover: 1}; result.madeFrom holds those of what is published.';
comment on column public.asset_generation_jobs.queued_by_input is 'It was ready and waits only because an input is made again; it is ready again as it was where that brings no new version.';
comment on column public.asset_generation_jobs.last_error is 'Why the last try for a new version failed while the one before it serves on: {code, message, at}.';

-- Claiming must not feel the finished rows: only what can be claimed is in its index.
create index idx_jobs_claimable on public.asset_generation_jobs (user_id, claim_order)
  where status = 'queued' and inputs_settled;
create index idx_jobs_backoff on public.asset_generation_jobs (available_at)
  where status = 'queued' and inputs_settled;
create index idx_jobs_queued on public.asset_generation_jobs (status, created_at) where status = 'queued';
create index idx_jobs_story on public.asset_generation_jobs (story_id);
create index idx_jobs_timeout on public.asset_generation_jobs (started_at, status) where status = 'generating';
-- In the order of arrival, so that what is gone but cannot be cleaned away yet lies below a horizon and is not read again.
create index idx_jobs_waiting on public.asset_generation_jobs (entered_in) where status = 'queued' and inputs_settled;
create index idx_jobs_working on public.asset_generation_jobs (entered_in) where status = 'generating';
create index idx_jobs_user on public.asset_generation_jobs (user_id);

create table public.credit_ledger (
  id bigint generated always as identity primary key,
  user_id uuid not null references public.users (id) on delete cascade,
  story_id uuid not null,
  reason text not null constraint credit_reason_is_known check (reason in ('story_created', 'text_failed')),
  round integer not null default 1,
  delta integer not null constraint credit_delta_fits_reason check (delta = case reason when 'story_created' then -1 else 1 end),
  created_at timestamptz not null default now(),
  constraint credit_once_per_reason unique (story_id, reason, round)
);
comment on table public.credit_ledger is 'One credit per story, refunded at most once; users.stories_used is its running total.';
comment on column public.credit_ledger.round is 'Counts on when a story whose text failed (and was refunded) is tried again on a new credit.';
create index idx_credit_user on public.credit_ledger (user_id, created_at);

create table public.usage_ledger (
  id bigint generated always as identity primary key,
  call_key text not null constraint usage_once_per_call unique,
  user_id uuid not null,
  story_id uuid not null,
  job_id uuid not null,
  asset_type text not null,
  provider text not null,
  model text not null,
  kind text not null,
  input_units bigint not null default 0,
  output_units bigint not null default 0,
  cost_usd numeric(12, 6) not null default 0,
  result_refused boolean not null default false,
  created_at timestamptz not null default now()
);
comment on column public.usage_ledger.result_refused is 'Paid for under a lease that was lost meanwhile: what it brought was not kept.';
comment on table public.usage_ledger is 'Every paid provider call: units as the provider counts them (tokens or characters) and an estimated price in USD.';
create index idx_usage_story on public.usage_ledger (story_id);
create index idx_usage_user on public.usage_ledger (user_id, created_at);

create table public.notification_outbox (
  id bigint generated always as identity primary key,
  story_id uuid not null references public.stories (id) on delete cascade,
  user_id uuid not null,
  kind text not null constraint outbox_kind_is_known check (kind in ('completion', 'failure')),
  overall text not null,
  created_at timestamptz not null default now(),
  sent_at timestamptz,
  dropped_at timestamptz,
  constraint outbox_one_notice_per_kind unique (story_id, kind)
);
comment on table public.notification_outbox is 'Notices to send, written with the transition that causes them; at most one of a kind per story.';
comment on column public.notification_outbox.dropped_at is 'When it was given up unsent: nobody wants to hear of it a month later.';
create index idx_outbox_unsent on public.notification_outbox (created_at) where sent_at is null and dropped_at is null;

create table public.idempotency_keys (
  user_id uuid not null references public.users (id) on delete cascade,
  operation text not null,
  key text not null constraint idempotency_key_length check (char_length(key) between 1 and 255),
  request_hash text not null,
  response jsonb not null,
  created_at timestamptz not null default now(),
  primary key (user_id, operation, key)
);
comment on table public.idempotency_keys is 'Answers already given, for 24 hours: the same key with the same body gets the same answer.';
create index idx_idempotency_age on public.idempotency_keys (created_at);

create view public.dead_letters with (security_invoker = true) as
  select id as job_id, story_id, asset_type, error_code, error_message, attempt, retry_count, completed_at
  from public.asset_generation_jobs where status = 'failed';
comment on view public.dead_letters is 'Jobs that failed for good, with their cause; retry_assets brings them back.';

alter table public.stories enable row level security;
alter table public.story_characters enable row level security;
alter table public.asset_generation_jobs enable row level security;
alter table public.credit_ledger enable row level security;
alter table public.usage_ledger enable row level security;
alter table public.notification_outbox enable row level security;
alter table public.idempotency_keys enable row level security;

create policy owners_read_stories on public.stories for select to authenticated
  using (creator_user_id = (select auth.uid()));
create policy owners_read_jobs on public.asset_generation_jobs for select to authenticated
  using (user_id = (select auth.uid()));
create policy owners_read_credits on public.credit_ledger for select to authenticated
  using (user_id = (select auth.uid()));

revoke all on public.stories, public.story_characters, public.asset_generation_jobs, public.credit_ledger, public.usage_ledger,
  public.notification_outbox, public.idempotency_keys, public.dead_letters from anon, authenticated, service_role;
-- Models, calls and prices are the operator's business.
grant select on public.stories, public.credit_ledger to authenticated;
-- Leases, checkpoints (prompts among them) and options stay inside.
grant select (id, story_id, user_id, asset_type, status, priority, retry_count, progress, url, is_placeholder, error_code,
  error_message, started_at, completed_at, created_at, updated_at) on public.asset_generation_jobs to authenticated;
grant select, insert, update, delete on public.stories, public.story_characters, public.asset_generation_jobs, public.credit_ledger,
  public.usage_ledger, public.notification_outbox, public.idempotency_keys to service_role;
grant select on public.dead_letters to service_role;

alter publication supabase_realtime add table public.stories;
