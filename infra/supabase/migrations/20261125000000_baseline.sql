-- Who may ask for stories: tiers and packs as data, the profile of each auth user, libraries, characters.
--
-- `users.id` equals `auth.users.id`. It is not a foreign key, because a valid token may arrive before the profile does
-- (create_story makes it then) and because `auth` belongs to another owner; triggers keep both in step.

create schema if not exists private;

create table public.tiers (
  code text primary key,
  name text not null,
  position integer not null,
  price_usd_month numeric(8, 2) constraint tiers_price_is_not_negative check (price_usd_month >= 0),
  story_limit integer constraint tiers_story_limit_is_not_negative check (story_limit >= 0),
  daily_generation_limit integer constraint tiers_daily_limit_is_not_negative check (daily_generation_limit >= 0),
  remakes_per_story integer constraint tiers_remakes_are_not_negative check (remakes_per_story >= 0),
  daily_cost_limit_usd numeric(10, 2) constraint tiers_daily_cost_is_not_negative check (daily_cost_limit_usd >= 0),
  requests_per_minute integer constraint tiers_requests_are_positive check (requests_per_minute > 0),
  webhook_limit integer constraint tiers_webhooks_are_not_negative check (webhook_limit >= 0),
  asset_types text[] not null,
  priorities text[] not null default '{normal}',
  character_voices boolean not null default false,
  character_sheets boolean not null default false,
  upgrade_options text[] not null default '{}',
  constraint tiers_assets_are_known check ('content' = any (asset_types)
    and asset_types <@ '{content,cover,scene_1,scene_2,scene_3,scene_4,audio,activities,pdf}'::text[]),
  -- Its default of assets could make no story else.
  constraint tiers_book_has_its_cover check ('cover' = any (asset_types) or not 'pdf' = any (asset_types)),
  constraint tiers_priorities_are_known check ('normal' = any (priorities)
    and priorities <@ '{normal,high,urgent}'::text[])
);
comment on table public.tiers is 'What each plan includes, allows and costs, as data; null means no limit.';
comment on column public.tiers.position is 'Its place in a list of plans, the smallest first.';
comment on column public.tiers.price_usd_month is 'US dollars a month; null = by agreement.';
comment on column public.tiers.story_limit is 'Stories a user may have made in all, refunds not counted; null = unlimited.';
comment on column public.tiers.daily_generation_limit is
  'Stories a user may start between two midnights UTC, those whose text failed not counted unless they are three times as '
  'many; null = unlimited.';
comment on column public.tiers.remakes_per_story is
  'How many assets of one story may be asked for again after they were made or begun, tries that failed and books not '
  'counted; null = unlimited.';
comment on column public.tiers.daily_cost_limit_usd is
  'USD that providers may be paid between two midnights UTC for what one user asks for again; null = unlimited.';
comment on column public.tiers.requests_per_minute is
  'Requests to the API that a user may make in a minute; null = unlimited.';
comment on column public.tiers.webhook_limit is 'Addresses for events that a user may have; null = unlimited.';
comment on column public.tiers.asset_types is
  'Asset types the plan includes, and what a story is made of that names none; others are refused with ERR_6002.';
comment on column public.tiers.priorities is 'Priorities a story may be asked for with; others are refused with ERR_6002.';
comment on column public.tiers.character_voices is
  'Whether heroes may speak with voices of their own; refused with ERR_6002, and read by the narrator where a plan lacks it.';
comment on column public.tiers.character_sheets is
  'Whether heroes may be drawn once for all their stories; refused with ERR_6002.';
comment on column public.tiers.upgrade_options is 'Codes of the plans and packs that allow more.';

-- A new text makes eight assets anew, for which 1.62 is set aside; it costs about 0.60.
insert into public.tiers (
  code, name, position, price_usd_month, story_limit, daily_generation_limit, remakes_per_story, daily_cost_limit_usd,
  requests_per_minute, webhook_limit, asset_types, priorities, character_voices, character_sheets,
  upgrade_options)
values
  ('free', 'Free', 1, 0, 2, null, 16, 4, 1800, 2,
    '{content,cover,scene_1,scene_2,scene_3,scene_4,audio,activities,pdf}',
    '{normal}', false, false, '{individual,story_pack_5}'),
  ('individual', 'Individual', 2, 9.99, 60, 10, 32, 10, 1800, 3,
    '{content,cover,scene_1,scene_2,scene_3,scene_4,audio,activities,pdf}',
    '{normal,high}', true, true, '{premium,story_pack_5}'),
  ('premium', 'Premium', 3, 29.99, 300, 40, 64, 30, 3000, 5,
    '{content,cover,scene_1,scene_2,scene_3,scene_4,audio,activities,pdf}',
    '{normal,high,urgent}', true, true, '{school}'),
  ('school', 'School', 4, null, null, null, null, null, null, 20,
    '{content,cover,scene_1,scene_2,scene_3,scene_4,audio,activities,pdf}',
    '{normal,high,urgent}', true, true, '{}');

create table public.packs (
  code text primary key,
  name text not null,
  position integer not null,
  stories integer not null constraint packs_hold_stories check (stories > 0),
  price_usd numeric(8, 2) not null constraint packs_price_is_not_negative check (price_usd >= 0)
);
comment on table public.packs is 'Stories that are bought once, on top of a plan''s limit.';
comment on column public.packs.stories is 'How many a pack adds to users.extra_stories.';
insert into public.packs (code, name, position, stories, price_usd) values ('story_pack_5', 'Five stories', 1, 5, 4.99);

create table public.users (
  id uuid primary key,
  email text,
  tier text not null default 'free' references public.tiers (code),
  stories_used integer not null default 0 constraint users_stories_used_is_not_negative check (stories_used >= 0),
  extra_stories integer not null default 0 constraint users_extra_stories_is_not_negative check (extra_stories >= 0),
  notices boolean not null default true,
  notices_stopped text constraint users_stop_is_known check (notices_stopped in ('bounce', 'complaint')),
  language text constraint users_language_is_a_code check (language ~ '^[a-z]{2}$'),
  created_at timestamptz not null default now(),
  constraint users_stopped_get_no_notices check (notices_stopped is null or not notices)
);
comment on table public.users is 'Profile of a row in auth.users: tier and the running total of its credit ledger.';
comment on column public.users.stories_used is
  'Stories accepted minus stories refunded; always equal to minus the sum of credit_ledger.';
comment on column public.users.extra_stories is 'Credits bought in packs, on top of the tier''s limit.';
comment on column public.users.notices is 'Whether a mail tells how each story ended.';
comment on column public.users.notices_stopped is 'What switched them off, where it was not the user.';
comment on column public.users.language is 'Of those mails; null = that of each story.';
-- A bounce names an address.
create index idx_users_email on public.users (lower(email));

create table public.libraries (
  id uuid primary key default gen_random_uuid(),
  owner_user_id uuid not null references public.users (id) on delete cascade,
  name text not null default 'My library' constraint libraries_name_length check (char_length(name) between 1 and 80),
  created_at timestamptz not null default now()
);
comment on table public.libraries is 'Shelves that stories stand on; each user has one from the start.';
create index idx_libraries_owner on public.libraries (owner_user_id, created_at);

create table public.characters (
  id uuid primary key default gen_random_uuid(),
  owner_user_id uuid not null references public.users (id) on delete cascade,
  name text not null constraint characters_name_length check (char_length(name) between 1 and 80),
  species text,
  age integer constraint characters_age_range check (age between 0 and 1000),
  traits text[] not null default '{}',
  appearance jsonb not null default '{}'::jsonb,
  personality text[] not null default '{}',
  reference_images text[] not null default '{}',
  reference_states jsonb not null default '{}'::jsonb,
  sheet jsonb,
  pronunciation text
    constraint characters_pronunciation_length check (char_length(pronunciation) between 1 and 80),
  voice_id text constraint characters_voice_length check (char_length(voice_id) between 1 and 100),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.characters is 'Heroes of stories, as their makers described them.';
comment on column public.characters.traits is
  'Inclusivity trait codes (shared/domain, 39 of them) that every picture must show.';
comment on column public.characters.reference_images is
  'Pictures the cover refers to, by where they come from: https URLs, and upload: with the id of an upload.';
comment on column public.characters.reference_states is
  'How each of them turned out: {source: status}, one of pending, ready, refused, unreadable.';
comment on column public.characters.sheet is
  'What became of the sheet of its looks, {status, reason}; null = nobody asked for one.';
comment on column public.characters.pronunciation is 'What a voice says in place of the name; null = the name.';
comment on column public.characters.voice_id is 'Who reads what the character says; null = the narrator.';
create index idx_characters_owner on public.characters (owner_user_id, created_at desc);

-- Owners read their own rows; nobody but service_role writes.
alter table public.packs enable row level security;
alter table public.tiers enable row level security;
alter table public.users enable row level security;
alter table public.libraries enable row level security;
alter table public.characters enable row level security;

create policy packs_are_public on public.packs for select to authenticated using (true);
create policy tiers_are_public on public.tiers for select to authenticated using (true);
create policy users_read_themselves on public.users for select to authenticated using (id = (select auth.uid()));
create policy owners_read_libraries on public.libraries for select to authenticated
  using (owner_user_id = (select auth.uid()));
create policy owners_read_characters on public.characters for select to authenticated
  using (owner_user_id = (select auth.uid()));

create table private.deleted_users (
  user_digest text primary key,
  unfinished_user_id uuid,
  deleted_at timestamptz not null default now()
);
comment on table private.deleted_users is
  'Digests of the ids of users that are gone, as long as an access token of theirs may still be valid.';
comment on column private.deleted_users.unfinished_user_id is 'Whose rows are not all gone yet; null afterwards.';
create index idx_deleted_users_age on private.deleted_users (deleted_at);
create index idx_deleted_users_unfinished on private.deleted_users (deleted_at) where unfinished_user_id is not null;
alter table private.deleted_users enable row level security;

-- Supabase Auth gives an access token seven days at most.
create function private.token_lifetime_max() returns interval language sql immutable set search_path = '' as $$
  select interval '8 days'
$$;

create function private.user_digest(p_user_id uuid) returns text language sql immutable set search_path = '' as $$
  select encode(sha256(convert_to('storytailor.user:' || p_user_id, 'UTF8')), 'hex')
$$;

create function private.note_deleted_user(p_user_id uuid) returns void language sql set search_path = '' as $$
  insert into private.deleted_users (user_digest) values (private.user_digest(p_user_id))
  on conflict (user_digest) do nothing
$$;

-- A token outlives its user; without this it would make a new profile with a fresh quota.
create function private.refuse_deleted_user(p_user_id uuid) returns void language plpgsql set search_path = '' as $$
begin
  if exists (select from private.deleted_users where user_digest = private.user_digest(p_user_id)) then
    raise exception using errcode = 'PT401', message = 'TOKEN_INVALID', detail = '{}';
  end if;
end $$;

-- Somebody signs up under an id that was there before: only who writes auth.users can do that.
create function private.forget_deleted_user(p_user_id uuid) returns void language sql set search_path = '' as $$
  delete from private.deleted_users where user_digest = private.user_digest(p_user_id)
$$;

-- A profile, the free tier and a default library, made at sign-up or on first use, whichever comes first.
create function private.ensure_profile(p_user_id uuid, p_email text) returns void
  language plpgsql set search_path = '' as $$
begin
  perform private.refuse_deleted_user(p_user_id);
  insert into public.users (id, email) values (p_user_id, nullif(p_email, '')) on conflict (id) do nothing;
  if found then
    insert into public.libraries (owner_user_id) values (p_user_id);
  end if;
end $$;

create function private.on_auth_user_created() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  perform private.forget_deleted_user(new.id);
  perform private.ensure_profile(new.id, new.email);
  return new;
end $$;

create trigger storytailor_user_created after insert on auth.users
  for each row execute function private.on_auth_user_created();

-- A new address has a clean record.
create function private.on_auth_user_moved() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  update public.users
  set email = new.email, notices = notices or notices_stopped is not null, notices_stopped = null
  where id = new.id;
  return new;
end $$;

create trigger storytailor_user_moved after update of email on auth.users
  for each row when (old.email is distinct from new.email) execute function private.on_auth_user_moved();
-- What is being made, as the front end sees it: the story row, which it subscribes to.
--
-- `stories.asset_generation_status` is derived: private.refresh_story_status rebuilds it from the job rows in the same
-- transaction as every change, so the two can never disagree. The story row stays small, because Realtime drops fields of a
-- change above 1 MiB; leases, checkpoints and prompts live with the jobs.

create table public.stories (
  id uuid primary key default gen_random_uuid(),
  library_id uuid not null references public.libraries (id),
  creator_user_id uuid not null references public.users (id) on delete cascade,
  title text not null constraint stories_title_length check (char_length(title) between 1 and 255),
  content jsonb not null default '{}'::jsonb,
  status text not null default 'generating'
    constraint stories_status_is_known check (status in ('generating', 'ready', 'failed')),
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
comment on table public.stories is
  'One story and the state of everything made for it; watched by the front end through Realtime.';
comment on column public.stories.content is
  'Title, four beats and moral; while a first text is written the beats that stand, with an empty moral; {} before.';
comment on column public.stories.status is 'generating until every job is settled; then failed if the text failed, else ready.';
comment on column public.stories.asset_generation_status is
  'Derived by private.refresh_story_status from the jobs: overall and one entry per asset.';
comment on column public.stories.hue_extracted_colors is
  '{cover: [hex, hex, hex], scene_1: [...], ...}: three deep contrasting colours per picture.';
comment on column public.stories.audio_words is '[{txt, start, end}, ...] in seconds, in spoken order.';
comment on column public.stories.audio_blocks is '{a, b, c, d}: one HTML block per beat, a span per word.';
comment on column public.stories.request is 'The whole creation request, so that anything can be made again.';
comment on column public.stories.version is 'Grows by one with every update; the order of Realtime events.';

-- A story keeps its heroes as they were when it was asked for. Beside the row, for Realtime sends the whole row each time.
create table public.story_characters (
  story_id uuid primary key references public.stories (id) on delete cascade,
  characters jsonb not null
);
comment on table public.story_characters is
  'The heroes of a story in their order, as they were when it was asked for, or asked for again before it had a text.';

-- Promised by name, not used by us.
create index idx_stories_status on public.stories (status);
create index idx_stories_generation on public.stories (asset_generation_started_at) where status = 'generating';
-- A user's list of stories, the newest first, page by page.
create index idx_stories_creator on public.stories (creator_user_id, created_at desc, id);
-- A library is deleted only when no story stands on it.
create index idx_stories_library on public.stories (library_id, created_at desc);

-- Texts and times of words are read for one story alone, and so is what its activities hold. What comes last is for shelves, a
-- tenth of the status; nothing of it is worked out where it is not asked for.
create view public.story_summaries with (security_invoker = true) as
  select id, creator_user_id, library_id, title, status,
    asset_generation_status #- '{assets,activities,data}' as asset_generation_status,
    story_type, themes, version, created_at, updated_at,
    asset_generation_status ->> 'overall' as overall,
    (select floor(avg(case when asset ->> 'status' in ('pending', 'generating', 'retrying')
        then (asset ->> 'progress')::numeric else 100 end))::integer
      from jsonb_each(asset_generation_status -> 'assets') as assets (name, asset)) as progress,
    (select count(*)::integer from jsonb_each(asset_generation_status -> 'assets') as assets (name, asset)
      where asset -> 'isPlaceholder' = 'true') as placeholders,
    asset_generation_status #> '{assets,cover}' #- '{metadata,validation}' as cover
  from public.stories;
comment on view public.story_summaries is 'Stories as lists show them: without anything large.';

alter table public.stories enable row level security;
alter table public.story_characters enable row level security;
create policy owners_read_stories on public.stories for select to authenticated
  using (creator_user_id = (select auth.uid()));

create function private.bump_story_version() returns trigger language plpgsql set search_path = '' as $$
begin
  new.version := old.version + 1;
  new.updated_at := now();
  return new;
end $$;
create trigger stories_bump_version before update on public.stories
  for each row execute function private.bump_story_version();

alter publication supabase_realtime add table public.stories;
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
-- What must never be counted twice: credits, paid calls, notices, answers given under an idempotency key.

create table public.credit_ledger (
  id bigint generated always as identity primary key,
  user_id uuid not null references public.users (id) on delete cascade,
  story_id uuid not null,
  reason text not null constraint credit_reason_is_known check
    (reason in ('story_created', 'text_cancelled', 'text_failed')),
  round integer not null default 1,
  delta integer not null
    constraint credit_delta_fits_reason check (delta = case reason when 'story_created' then -1 else 1 end),
  created_at timestamptz not null default now(),
  constraint credit_once_per_reason unique (story_id, reason, round)
);
comment on table public.credit_ledger is
  'One credit per story, refunded at most once; users.stories_used is its running total.';
comment on column public.credit_ledger.round is
  'Counts on when a story whose text failed (and was refunded) is tried again on a new credit.';
-- A story that gives one credit back for two reasons would give it back twice.
create unique index idx_credit_one_refund on public.credit_ledger (story_id, round) where delta > 0;
create index idx_credit_user on public.credit_ledger (user_id, created_at);

create table public.usage_ledger (
  id bigint generated always as identity primary key,
  call_key text not null constraint usage_once_per_call unique,
  user_id uuid,
  story_id uuid,
  job_id uuid,
  asset_type text,
  provider text not null,
  model text not null,
  kind text not null,
  input_units bigint not null default 0,
  output_units bigint not null default 0,
  cost_usd numeric(12, 6) not null default 0,
  price_version text not null default 'unknown',
  asset_version integer,
  result_refused boolean not null default false,
  created_at timestamptz not null default now()
);
comment on table public.usage_ledger is
  'Every paid provider call: units as the provider counts them (tokens or characters) and an estimated price in USD. The '
  'money of a job that is gone has no names.';
comment on column public.usage_ledger.price_version is
  'Of the price it was computed with: the date of a list price, or `setting` for one of MODEL_PRICES.';
comment on column public.usage_ledger.asset_version is 'The version of the asset that was being made.';
comment on column public.usage_ledger.result_refused is
  'Paid for under a lease that was lost meanwhile: what it brought was not kept.';
create index idx_usage_story on public.usage_ledger (story_id);
create index idx_usage_user on public.usage_ledger (user_id, created_at);

create table public.notification_outbox (
  id bigint generated always as identity primary key,
  story_id uuid not null references public.stories (id) on delete cascade,
  user_id uuid not null,
  kind text not null constraint outbox_kind_is_known check (kind in ('ready', 'partial', 'failed')),
  created_at timestamptz not null default now(),
  available_at timestamptz not null default now(),
  attempts integer not null default 0,
  lease_token uuid,
  last_error text,
  sent_at timestamptz,
  message_id text,
  dropped_at timestamptz,
  dropped_because text constraint outbox_drop_is_known check
    (dropped_because in ('no_address', 'superseded', 'too_late', 'undeliverable', 'unwanted')),
  constraint outbox_drop_has_a_reason check ((dropped_at is null) = (dropped_because is null)),
  constraint outbox_one_notice_per_kind unique (story_id, kind)
);
comment on table public.notification_outbox is
  'Notices to send, written with the transition that causes them; at most one of a kind per story.';
comment on column public.notification_outbox.kind is 'How the story ended, as `overall` says it.';
comment on column public.notification_outbox.available_at is
  'Not claimable before: a pause after a failure, or the end of the lease that is in force.';
comment on column public.notification_outbox.last_error is 'What the mail service said last, without an address.';
comment on column public.notification_outbox.dropped_because is
  'Why it was given up unsent: `undeliverable` is a dead letter, the others are nobody''s fault.';
create index idx_outbox_due on public.notification_outbox (available_at) where sent_at is null and dropped_at is null;

create table public.idempotency_keys (
  user_id uuid not null references public.users (id) on delete cascade,
  operation text not null,
  key text not null constraint idempotency_key_length check (char_length(key) between 1 and 255),
  request_hash text not null,
  response jsonb not null,
  created_at timestamptz not null default now(),
  primary key (user_id, operation, key)
);
comment on table public.idempotency_keys is
  'Answers already given, for 24 hours: the same key with the same body gets the same answer.';
create index idx_idempotency_age on public.idempotency_keys (created_at);

create function private.idempotency_lifetime() returns interval language sql immutable set search_path = '' as $$
  select interval '24 hours'
$$;

alter table public.credit_ledger enable row level security;
alter table public.usage_ledger enable row level security;
alter table public.notification_outbox enable row level security;
alter table public.idempotency_keys enable row level security;
-- Models, calls and prices are the operator's business: no policy opens the usage ledger.
create policy owners_read_credits on public.credit_ledger for select to authenticated
  using (user_id = (select auth.uid()));
-- What the ledgers keep of stories and users that are gone: sums without names.

-- How long an invocation that lost its lease may still store files and report calls: its longest life and a lease.
create function private.late_writer_grace() returns interval language sql immutable set search_path = '' as $$
  select interval '6 minutes'
$$;

create table private.usage_sums (
  day date not null,
  provider text not null,
  model text not null,
  kind text not null,
  calls bigint not null,
  input_units bigint not null,
  output_units bigint not null,
  cost_usd numeric(14, 6) not null,
  primary key (day, provider, model, kind)
);
comment on table private.usage_sums is
  'Paid calls of stories and users that are gone, by day (UTC); usage_ledger has those of all others.';
alter table private.usage_sums enable row level security;

create table private.credit_sums (
  day date not null,
  reason text not null,
  entries bigint not null,
  delta bigint not null,
  primary key (day, reason)
);
comment on table private.credit_sums is 'Credits of users that are gone, by day (UTC); credit_ledger has those of all others.';
alter table private.credit_sums enable row level security;

create index idx_usage_nameless on public.usage_ledger (created_at) where story_id is null;
-- The paid calls stay for the sums, without a name. As rows for a while: a call that is reported late or twice finds its key.
create function private.forget_names_of_usage(p_user_id uuid, p_story_id uuid) returns void
  language sql set search_path = '' as $$
  update public.usage_ledger set user_id = null, story_id = null, job_id = null
  where story_id = p_story_id or user_id = p_user_id
$$;

create function private.has_names_to_forget() returns boolean language sql stable set search_path = '' as $$
  select exists (select from public.usage_ledger where story_id is null and created_at < now() - private.late_writer_grace() * 2)
    or exists (select from private.deleted_users where deleted_at < now() - private.token_lifetime_max())
$$;

-- Housekeeping: calls without a name become sums once nobody can report them again.
create function private.sum_up_nameless_usage(p_limit integer) returns void language plpgsql set search_path = '' as $$
begin
  with gone as (
    delete from public.usage_ledger where id in (
      select id from public.usage_ledger where story_id is null and created_at < now() - private.late_writer_grace() * 2
      order by id limit p_limit for update skip locked)
    returning created_at, provider, model, kind, input_units, output_units, cost_usd)
  insert into private.usage_sums (day, provider, model, kind, calls, input_units, output_units, cost_usd)
  select (created_at at time zone 'UTC')::date, provider, model, kind, count(*), sum(input_units), sum(output_units),
    sum(cost_usd)
  from gone group by 1, 2, 3, 4 order by 1, 2, 3, 4
  on conflict (day, provider, model, kind) do update
  set
    calls = usage_sums.calls + excluded.calls,
    input_units = usage_sums.input_units + excluded.input_units,
    output_units = usage_sums.output_units + excluded.output_units,
    cost_usd = usage_sums.cost_usd + excluded.cost_usd;
  delete from private.deleted_users where deleted_at < now() - private.token_lifetime_max();
end $$;
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
-- Which version of an asset is made, and which is shown.
--
-- The jobs of a story hold what is being made, all of it of one text; the story's row holds what readers see, all of it of
-- one text too. Mostly both are the same, and an asset is shown as soon as it is there. While a new text is made they are
-- not: `shown` keeps of every job what readers go on seeing, and the row is written from that. Once everything is there,
-- all of it is shown at once (private.publish_new_text); if something that readers have cannot be made from the new text,
-- all of it is as before (private.give_up_new_text).

create table public.asset_versions (
  story_id uuid not null references public.stories (id) on delete cascade,
  asset_type text not null,
  version integer not null,
  text_version integer not null,
  url text,
  result jsonb not null,
  options jsonb not null,
  asked_by text not null,
  started_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (story_id, asset_type, version)
);
comment on table public.asset_versions is
  'Every version that was made of an asset, shown or not, written once; placeholders are none.';
comment on column public.asset_versions.text_version is
  'The version of the text it was made from, 0 where the story has none; a text is of its own.';
comment on column public.asset_versions.result is
  'What complete_job was given, with completedAt, madeFrom and metadata; a text and the times of its words are only here.';
alter table public.asset_versions enable row level security;

-- Where the manuscript of a text lies in the checkpoint of its job: its outline, and its beats as far as they are written.
create function private.manuscript_key(p_text_version integer) returns text language sql immutable set search_path = '' as $$
  select 'manuscript-' || p_text_version
$$;

-- Whether a text that is not there yet has its outline: what needs no more may be begun.
create function private.outline_stands(p_text public.asset_generation_jobs) returns boolean
  language sql immutable set search_path = '' as $$
  select p_text.status in ('queued', 'generating') and p_text.asset_version = 0
    and p_text.checkpoint ? private.manuscript_key(p_text.versions_made + 1)
$$;

-- What was made ahead of its text and waits for it; nothing once the job is wished for in another way.
create function private.finished_result(p_job public.asset_generation_jobs) returns jsonb
  language sql immutable set search_path = '' as $$
  select case when p_job.checkpoint #> '{finished,options}' = p_job.options then p_job.checkpoint #> '{finished,result}' end
$$;

-- The version of the text that assets are begun from: the one that is there, else the one that is being written.
create function private.text_version_to_be(p_story_id uuid) returns integer
  language sql stable set search_path = '' as $$
  select case asset_version when 0 then versions_made + 1 else asset_version end
  from public.asset_generation_jobs where story_id = p_story_id and asset_type = 'content'
$$;

-- A text that is begun anew has nothing of the one that came to nothing, which would have had the same number.
create function private.drop_manuscript(p_story_id uuid) returns void language sql set search_path = '' as $$
  update public.asset_generation_jobs j
  set checkpoint = j.checkpoint - private.manuscript_key(t.versions_made + 1) - ('art-' || t.versions_made + 1) - 'finished'
  from public.asset_generation_jobs t
  where t.story_id = p_story_id and t.asset_type = 'content' and j.story_id = p_story_id
    and j.checkpoint ?| array[private.manuscript_key(t.versions_made + 1), 'art-' || t.versions_made + 1, 'finished']
$$;

-- The versions of what an asset is made from, as they are now.
create function private.sources_of(p_story_id uuid, p_asset_type text) returns jsonb
  language sql stable set search_path = '' as $$
  select coalesce(jsonb_object_agg(i.asset_type, case i.asset_type when 'content'
    then private.text_version_to_be(p_story_id) else i.asset_version end), '{}'::jsonb)
  from public.asset_generation_jobs i
  where i.story_id = p_story_id and p_asset_type <> 'content'
    and (i.asset_type = 'content' or i.asset_type = any (public.asset_inputs(p_asset_type)))
$$;

-- The version of the text that assets are made from now; 0 while it is being written for the first time or anew.
create function private.text_version(p_story_id uuid) returns integer language sql stable set search_path = '' as $$
  select asset_version from public.asset_generation_jobs where story_id = p_story_id and asset_type = 'content'
$$;

-- Whether a new text is made while readers see the one before it.
create function private.new_text_is_made(p_story_id uuid) returns boolean language sql stable set search_path = '' as $$
  select exists (select from public.asset_generation_jobs
    where story_id = p_story_id and asset_type = 'content' and shown is not null)
$$;

-- What was delivered as the version that a job has.
create function private.result_of(p_story_id uuid, p_asset_type text) returns jsonb
  language sql stable set search_path = '' as $$
  select v.result
  from public.asset_generation_jobs j join public.asset_versions v
    on v.story_id = j.story_id and v.asset_type = j.asset_type and v.version = j.asset_version
  where j.story_id = p_story_id and j.asset_type = p_asset_type
$$;

-- What of a result stands in the story's row beside the status. Times belong to one recording: one without any takes those
-- of another away.
create function private.story_columns(p_asset_type text, p_result jsonb) returns jsonb
  language sql immutable set search_path = '' as $$
  select case p_asset_type
    when 'content' then jsonb_strip_nulls(jsonb_build_object('title', p_result -> 'title', 'content', p_result -> 'content'))
    when 'audio' then jsonb_build_object('audioWords', p_result -> 'words', 'audioBlocks', p_result -> 'blocks')
    else '{}'::jsonb
  end
$$;

-- What of a result stays with the job: all but what is large.
create function private.job_result(p_result jsonb) returns jsonb language sql immutable set search_path = '' as $$
  select p_result - '{content,title,words,blocks,prompt}'::text[]
$$;

-- Whether a version that the job has is still there when the try for another one ends without it: a true one, not a
-- placeholder.
create function private.earlier_version_stands(p_job public.asset_generation_jobs) returns boolean
  language sql immutable set search_path = '' as $$
  select p_job.asset_version > 0 and not p_job.is_placeholder
    and (p_job.asset_type = 'content' or p_job.url is not null or p_job.result ? 'data')
$$;

-- The pages of a book that were made from another text than the others would be: nothing is bound from two texts. Those that
-- the plan does not include any more are left out of it.
create function private.pages_of_another_text(p_story_id uuid) returns text[] language sql stable set search_path = '' as $$
  select coalesce(array_agg(asset_type order by asset_type), '{}') from public.asset_generation_jobs
  where story_id = p_story_id and asset_type = any (public.asset_inputs('pdf')) and private.is_settled(status)
    and result #> '{madeFrom,content}' <> to_jsonb(private.text_version(p_story_id))
    and private.plan_includes(p_story_id, asset_type)
$$;

-- The job is ready again with the version that stands. p_error says why there is no new one; null when none was tried.
create function private.restore_version(p_job_id uuid, p_error jsonb default null) returns void
  language sql set search_path = '' as $$
  update public.asset_generation_jobs
  set
    status = 'ready',
    progress = 100,
    queued_by_input = false,
    lease_owner = null,
    lease_expires_at = null,
    completed_at = coalesce((result ->> 'completedAt')::timestamptz, now()),
    metadata = coalesce(result -> 'metadata', '{}'::jsonb),
    error_code = null,
    error_message = null,
    last_error = coalesce(p_error, last_error)
  where id = p_job_id
$$;

-- The job is ready with a version of its history. Whoever makes another one loses the lease.
create function private.take_version(p_version public.asset_versions) returns void
  language sql set search_path = '' as $$
  update public.asset_generation_jobs
  set
    status = 'ready',
    progress = 100,
    url = p_version.url,
    result = private.job_result(p_version.result),
    is_placeholder = false,
    asset_version = p_version.version,
    metadata = coalesce(p_version.result -> 'metadata', '{}'::jsonb),
    queued_by_input = false,
    lease_token = null,
    lease_owner = null,
    lease_expires_at = null,
    completed_at = p_version.created_at,
    error_code = null,
    error_message = null,
    last_error = null
  where story_id = p_version.story_id and asset_type = p_version.asset_type
$$;

-- What readers see of a job, to be kept while a new text is made: its version that stands, or how it ended without one.
-- One that was only asked for waits to be made, from whichever text it will be.
create function private.what_is_shown(p_job public.asset_generation_jobs) returns jsonb
  language sql immutable set search_path = '' as $$
  select jsonb_build_object(
    'status', case when is_settled then p_job.status when stands then 'ready' else 'queued' end,
    'url', p_job.url,
    'result', p_job.result,
    'is_placeholder', p_job.is_placeholder,
    'asset_version', p_job.asset_version,
    'metadata', case when is_settled then p_job.metadata else coalesce(p_job.result -> 'metadata', '{}'::jsonb) end,
    'error_code', case when is_settled then p_job.error_code end,
    'error_message', case when is_settled then p_job.error_message end,
    'last_error', p_job.last_error,
    'completed_at', case when is_settled then to_jsonb(p_job.completed_at) when stands then p_job.result -> 'completedAt' end)
  from (select private.is_settled(p_job.status) as is_settled, private.earlier_version_stands(p_job) as stands) as known
$$;

-- What is asked for while a new text is made belongs to it, and waits to be made if that comes to nothing.
create function private.add_to_new_text(p_story_id uuid, p_asset_types text[]) returns void
  language sql set search_path = '' as $$
  update public.asset_generation_jobs j
  set shown = coalesce(shown, private.what_is_shown(j))
    || '{"status": "queued", "completed_at": null, "error_code": null, "error_message": null}'::jsonb
  where story_id = p_story_id and asset_type = any (p_asset_types) and shown ->> 'status' is distinct from 'ready'
    and private.new_text_is_made(p_story_id)
$$;

-- Every asset is again what readers saw all the time, and nobody works on the new text any more. p_error says why, at the
-- text and at p_asset_type; null when nothing failed.
create function private.give_up_new_text(p_story_id uuid, p_asset_type text, p_error jsonb) returns void
  language sql set search_path = '' as $$
  update public.asset_generation_jobs j
  set
    status = s.status,
    progress = case s.status when 'ready' then 100 when 'queued' then least(j.progress, 99) else j.progress end,
    url = s.url,
    result = s.result,
    is_placeholder = s.is_placeholder,
    asset_version = s.asset_version,
    metadata = s.metadata,
    error_code = s.error_code,
    error_message = s.error_message,
    last_error = case when j.asset_type in ('content', p_asset_type) then coalesce(p_error, s.last_error) else s.last_error end,
    completed_at = s.completed_at,
    inputs_settled = j.inputs_settled and s.status <> 'queued',
    retry_count = 0,
    available_at = now(),
    queued_by_input = false,
    lease_token = case when j.status = 'generating' and j.asset_type is distinct from p_asset_type then null
      else j.lease_token end,
    lease_owner = null,
    lease_expires_at = null,
    shown = null
  from public.asset_generation_jobs g cross join lateral jsonb_populate_record(g, g.shown) as s
  where g.story_id = p_story_id and g.shown is not null and j.id = g.id;
  select private.drop_manuscript(p_story_id)
$$;

-- Shows a new text and all that was made from it, once every job is settled. Answers what changes in the story's row.
create function private.publish_new_text(p_story_id uuid) returns jsonb language plpgsql set search_path = '' as $$
begin
  if not private.new_text_is_made(p_story_id)
    or exists (select from public.asset_generation_jobs where story_id = p_story_id and not private.is_settled(status)) then
    return '{}';
  end if;
  -- The placeholder of an asset that was not made again is of another text.
  update public.asset_generation_jobs set url = null, result = '{}'::jsonb, is_placeholder = false, asset_version = 0
  where story_id = p_story_id and status in ('cancelled', 'skipped');
  update public.asset_generation_jobs set shown = null where story_id = p_story_id and shown is not null;
  return private.story_columns('content', private.result_of(p_story_id, 'content'))
    || private.story_columns('audio', private.result_of(p_story_id, 'audio'));
end $$;

-- Ends a job as failed or cancelled, without a new version: the earlier one serves on where there is one, and a new text is
-- given up that cannot bring what readers have. Answers what changes in the story's row. The caller decides about the lease
-- token.
create function private.end_without_version(p_job public.asset_generation_jobs, p_status text, p_code text, p_message text,
  p_placeholder jsonb default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_error jsonb := jsonb_build_object('code', p_code, 'message', p_message, 'at', now());
  v_has_placeholder boolean := coalesce(p_placeholder ? 'url', false);
begin
  if p_job.asset_type = 'content' then perform private.drop_manuscript(p_job.story_id); end if;
  if private.earlier_version_stands(p_job) then
    perform private.restore_version(p_job.id, v_error);
    return '{}';
  end if;
  if p_job.shown ->> 'status' = 'ready' then
    perform private.give_up_new_text(p_job.story_id, p_job.asset_type, v_error);
    return '{}';
  end if;
  update public.asset_generation_jobs
  set
    status = p_status,
    queued_by_input = false,
    lease_owner = null,
    lease_expires_at = null,
    completed_at = now(),
    -- A placeholder stays what is shown.
    url = coalesce(p_placeholder ->> 'url', case when is_placeholder then url end),
    result = case
      when v_has_placeholder then jsonb_strip_nulls(jsonb_build_object('colors', p_placeholder -> 'colors'))
      when is_placeholder then result
      else '{}'::jsonb end,
    is_placeholder = is_placeholder or v_has_placeholder,
    asset_version = case when v_has_placeholder then versions_made + 1 else asset_version end,
    versions_made = versions_made + v_has_placeholder::integer,
    -- What the user cancels is not made from the text before, either.
    shown = case when p_status = 'cancelled' then shown || jsonb_build_object('status', 'cancelled', 'completed_at', now(),
      'error_code', p_code, 'error_message', p_message) else shown end,
    error_code = p_code,
    error_message = p_message
  where id = p_job.id;
  return case
    when p_job.shown is not null then '{}'::jsonb
    when p_job.asset_type = 'audio' then private.story_columns('audio', '{}')
    -- What readers saw of a text that came to nothing.
    when p_job.asset_type = 'content' then '{"content": {}}'::jsonb
    else '{}'::jsonb end;
end $$;
-- Character sheets: a hero drawn once from all sides, which the covers of all its stories are drawn from. Asked for by its
-- user, drawn under a lease, and kept as long as its character, for the looks that it shows.

create table private.character_sheets (
  character_id uuid not null references public.characters (id) on delete cascade,
  looks text not null,
  hero jsonb not null,
  status text not null default 'pending' constraint sheet_status_is_known check (status in ('pending', 'ready', 'failed')),
  reason text constraint sheet_reason_is_of_a_failure check ((reason is not null) = (status = 'failed')),
  available_at timestamptz not null,
  attempts integer not null default 0,
  lease_token uuid,
  lease_owner text,
  primary key (character_id, looks)
);
comment on table private.character_sheets is 'The sheets of characters that were asked for, one for each of their looks.';
comment on column private.character_sheets.looks is 'Digest of what the sheet shows (private.looks_of).';
comment on column private.character_sheets.hero is 'The character as it was when its sheet was asked for.';
comment on column private.character_sheets.reason is 'A failure code of jobs.';
comment on column private.character_sheets.available_at is
  'Not taken up by a sweep before: whoever was asked at once has its time, a failure its pause, a lease its end.';
comment on column private.character_sheets.attempts is 'Claims since it was asked for.';
create index idx_sheets_due on private.character_sheets (available_at) where status = 'pending';
alter table private.character_sheets enable row level security;

-- Of a character as a row or a story has it: all that decides how it is drawn, and not its name.
create function private.looks_of(p_hero jsonb) returns text language sql immutable set search_path = '' as $$
  select left(encode(sha256(convert_to(jsonb_build_array(p_hero -> 'species', p_hero -> 'age', p_hero -> 'traits',
    p_hero -> 'appearance', p_hero -> 'reference_images')::text, 'UTF8')), 'hex'), 32)
$$;

create function private.sheet_answer(p_character_id uuid, p_looks text) returns jsonb
  language sql stable set search_path = '' as $$
  select jsonb_strip_nulls(jsonb_build_object('status', status, 'reason', reason))
  from private.character_sheets where character_id = p_character_id and looks = p_looks
$$;

-- The row shows the sheet of the looks it has.
create function private.before_looks_changed() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  new.sheet := private.sheet_answer(new.id, private.looks_of(to_jsonb(new)));
  return new;
end $$;
create trigger characters_show_their_sheet
  before update of species, age, traits, appearance, reference_images on public.characters
  for each row execute function private.before_looks_changed();

create function private.after_sheet_changed() returns trigger language plpgsql set search_path = '' as $$
begin
  update public.characters c set sheet = private.sheet_answer(c.id, new.looks)
  where c.id = new.character_id and private.looks_of(to_jsonb(c)) = new.looks;
  return null;
end $$;
create trigger sheets_are_shown after insert or update of status on private.character_sheets
  for each row execute function private.after_sheet_changed();

-- The sheets of heroes as a story keeps them, {id: looks}.
create function private.sheets_of(p_heroes jsonb) returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_object_agg(s.character_id, s.looks), '{}')
  from jsonb_array_elements(p_heroes) as heroes (kept) join private.character_sheets s
    on s.character_id = (kept ->> 'id')::uuid and s.looks = private.looks_of(kept)
  where s.status = 'ready'
$$;
-- The emergency switch: what is refused while the platform is not simply running, and who turns it.
--
-- Every verb that begins something reads it in its own transaction, so it holds from the next call on and costs no round trip.
-- What is under way is finished in every state: its providers were paid.

-- Refusals are raised as PTnnn, which PostgREST answers as HTTP nnn; the message is the documented code, the detail JSON.
create function private.refuse(p_http integer, p_code text, p_detail jsonb default '{}'::jsonb) returns void
  language plpgsql set search_path = '' as $$
begin
  raise exception using errcode = 'PT' || p_http, message = p_code, detail = p_detail::text;
end $$;

create table private.platform_state (
  only_row boolean primary key default true constraint state_is_one_row check (only_row),
  state text not null default 'running'
    constraint state_is_known check (state in ('running', 'no_new_stories', 'no_new_work', 'read_only')),
  reason text constraint state_reason_length check (char_length(reason) between 1 and 500),
  changed_at timestamptz not null default now()
);
comment on table private.platform_state is 'One row: what the platform does at the moment; set by set_platform_state.';
comment on column private.platform_state.state is
  'running; no_new_stories: none are accepted; no_new_work: nothing is begun, what was asked for waits; read_only: as that, and '
  'users change nothing.';
comment on column private.platform_state.reason is 'What users are told, in a sentence or two.';
insert into private.platform_state default values;
alter table private.platform_state enable row level security;

-- Whether anything may be begun.
create function private.takes_work() returns boolean language sql stable set search_path = '' as $$
  select state in ('running', 'no_new_stories') from private.platform_state
$$;

-- Refuses while the platform is in one of these states, with the reason.
create function private.refuse_while(variadic p_states text[]) returns void
  language plpgsql set search_path = '' as $$
declare
  v_now private.platform_state;
begin
  select * into v_now from private.platform_state;
  if v_now.state = any (p_states) then
    perform private.refuse(503, 'PLATFORM_PAUSED', jsonb_strip_nulls(
      jsonb_build_object('state', v_now.state, 'reason', v_now.reason)));
  end if;
end $$;

create function public.platform_state() returns jsonb language sql stable set search_path = '' as $$
  select jsonb_strip_nulls(jsonb_build_object('state', state, 'reason', reason, 'since', changed_at)) from private.platform_state
$$;
comment on function public.platform_state is 'What the platform does at the moment: {state, reason, since}.';

create function public.set_platform_state(p_state text, p_reason text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_was text := (select state from private.platform_state);
begin
  update private.platform_state
  set state = p_state, reason = p_reason, changed_at = case when state = p_state then changed_at else now() end
  where only_row;
  return public.platform_state() || jsonb_build_object(
    'was', v_was,
    'working', (select count(*) from public.asset_generation_jobs where status = 'generating'),
    'waiting', (select count(*) from public.asset_generation_jobs where status = 'queued'));
end $$;
comment on function public.set_platform_state is
  'Turns the switch; asked again, changes nothing: {state, reason, since, was, working, waiting}, the last two in jobs.';

-- The shop: where a user sells, and which of their books are products there or on their way (S2-024 to S2-029).
--
-- One row for each story and shop, however often it is asked for, sent by whoever sends notices, under the same leases. What
-- opens a shop is sealed by the functions, with a key that no database has, in a schema that PostgREST does not serve.

create table private.shops (
  user_id uuid primary key references public.users (id) on delete cascade,
  domain text not null constraint shops_domain_is_one check (domain ~ '^[a-z0-9][a-z0-9-]{0,62}\.myshopify\.com$'),
  sealed_access text not null constraint shops_access_is_sealed check (sealed_access ~ '^v1\.[A-Za-z0-9+/]{40,}={0,2}$'),
  problem text constraint shops_problem_is_a_code check (problem ~ '^SHOP_[A-Z_]+$'),
  connected_at timestamptz not null default now()
);
comment on table private.shops is 'Where users sell, one shop each.';
comment on column private.shops.sealed_access is 'What opens it, under SHOP_KEY, bound to user and shop.';
comment on column private.shops.problem is 'Why it took nothing the last time, where only its owner can mend that.';

create table private.shop_products (
  id uuid primary key default gen_random_uuid(),
  story_id uuid not null references public.stories (id) on delete cascade,
  user_id uuid not null references public.users (id) on delete cascade,
  domain text not null,
  title text not null constraint products_title_length check (char_length(title) between 1 and 255),
  description text not null constraint products_description_length check (char_length(description) <= 5000),
  cover_url text not null,
  book_url text not null,
  created_at timestamptz not null default now(),
  status text not null default 'pending' constraint products_status_is_known check
    (status in ('pending', 'created', 'failed')),
  available_at timestamptz not null default now(),
  attempts integer not null default 0,
  lease_token uuid,
  settled_at timestamptz,
  product_id text,
  error_code text,
  error_message text,
  constraint products_one_per_story_and_shop unique (story_id, domain),
  constraint products_settled_has_a_time check ((status = 'pending') = (settled_at is null)),
  constraint products_created_has_an_id check ((status = 'created') = (product_id is not null)),
  constraint products_failed_says_why check (status <> 'failed' or error_code is not null)
);
comment on table private.shop_products is
  'Books that are products of a shop, or to be: as they were when they were asked for. Gone with their story.';
comment on column private.shop_products.available_at is
  'Not claimable before: a pause after a failure, or the end of the lease that is in force.';
comment on column private.shop_products.attempts is 'Claims since it was asked for last.';
comment on column private.shop_products.product_id is 'As the shop names it.';
comment on column private.shop_products.error_code is 'Of the last try; while pending, of one that is followed by another.';
create index idx_shop_products_due on private.shop_products (available_at) where status = 'pending';
create index idx_shop_products_user on private.shop_products (user_id, domain);

alter table private.shops enable row level security;
alter table private.shop_products enable row level security;
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
-- How often the assets of a story may be made again (tiers.remakes_per_story): what counts, and what is given back.

create table private.remake_ledger (
  id bigint generated always as identity primary key,
  story_id uuid not null references public.stories (id) on delete cascade,
  job_id uuid not null,
  asset_type text not null,
  counts boolean not null,
  attempts_before integer not null,
  outcome text constraint remake_outcome_is_known check (outcome in ('made', 'cancelled', 'failed', 'untouched')),
  created_at timestamptz not null default now()
);
comment on table private.remake_ledger is
  'One row each time a user asks again for an asset that was made or begun. What such tries cost draws on the day''s money of '
  'the plan, tiers.daily_cost_limit_usd.';
comment on column private.remake_ledger.counts is
  'It draws on tiers.remakes_per_story; a new try at what failed does not.';
comment on column private.remake_ledger.outcome is
  'How the try ended, null while it is under way. Given back where it failed, or ended before anybody began it.';
create index idx_remakes_story on private.remake_ledger (story_id);
create index idx_remakes_job on private.remake_ledger (job_id, id);
alter table private.remake_ledger enable row level security;

-- Whether a job is at, or was cancelled in, a try that a user asked for again.
create function private.is_remake(p_job_id uuid) returns boolean language sql stable set search_path = '' as $$
  select coalesce((select outcome is null or outcome = 'cancelled' from private.remake_ledger
    where job_id = p_job_id order by id desc limit 1), false)
$$;

-- How the try that was asked for ended. An asset whose earlier version serves on says why in last_error; what went with a
-- text that came to nothing ends as that did.
create function private.settle_remake() returns trigger language plpgsql set search_path = '' as $$
declare
  v_error jsonb;
begin
  if not exists (select from private.remake_ledger where job_id = new.id and outcome is null) then return null; end if;
  -- By this transaction, not by one that came before.
  if new.status = 'ready' and (new.result ->> 'completedAt')::timestamptz = now() then
    update private.remake_ledger set outcome = 'made' where job_id = new.id and outcome is null;
    return null;
  end if;
  v_error := case
    when new.status <> 'ready' then jsonb_build_object('code', new.error_code)
    when new.last_error is distinct from old.last_error then new.last_error
    else (select last_error from public.asset_generation_jobs where story_id = new.story_id and asset_type = 'content') end;
  update private.remake_ledger set outcome = case
    when new.attempt = attempts_before then 'untouched'
    when v_error ->> 'code' = 'CANCELLED' then 'cancelled'
    else 'failed' end
  where job_id = new.id and outcome is null;
  return null;
end $$;
create trigger jobs_settle_remake after update on public.asset_generation_jobs for each row
  when (old.status in ('queued', 'generating') and new.status in ('ready', 'failed', 'cancelled'))
  execute function private.settle_remake();

-- Tries at these assets that a restored version overtakes: they were the user's own, and count once they were begun.
create function private.overtake_remakes(p_story_id uuid, p_asset_types text[]) returns void
  language sql set search_path = '' as $$
  update private.remake_ledger r
  set outcome = case when j.attempt = r.attempts_before then 'untouched' else 'cancelled' end
  from public.asset_generation_jobs j
  where r.story_id = p_story_id and r.asset_type = any (p_asset_types) and r.outcome is null and j.id = r.job_id
$$;
-- What may be spent in a day, by a user and by the platform. How often an asset may be made again is counted by
-- 41_remakes.sql.
--
-- Money is counted in two places. What was spent stands in private.spending, to which whoever records a paid call adds. What
-- the leases under way may still come to is read off their jobs, each at the most that one lease costs
-- (private.asset_costs). Both are read in one statement under the claim turn, and a lease is granted only while their sum
-- stays within the limits: so no call is paid for after a limit, and nothing has to be given back where a lease ends.

create table private.asset_costs (
  asset_type text primary key,
  typical_usd numeric(12, 6) not null,
  reserve_usd numeric(12, 6) not null,
  constraint costs_reserve_is_the_most check (reserve_usd >= typical_usd and typical_usd >= 0)
);
comment on table private.asset_costs is
  'What making an asset, or the sheet of a character, costs at the prices of the default models, in USD.';
comment on column private.asset_costs.typical_usd is 'When nothing goes wrong.';
comment on column private.asset_costs.reserve_usd is
  'The most one lease comes to: three pictures, every question asked twice, a long text read in parts that are read twice. 0 = no '
  'provider is asked.';
insert into private.asset_costs (asset_type, typical_usd, reserve_usd) values
  ('content', 0.038, 0.15),
  ('cover', 0.08, 0.22),
  ('scene_1', 0.042, 0.15),
  ('scene_2', 0.042, 0.15),
  ('scene_3', 0.042, 0.15),
  ('scene_4', 0.042, 0.15),
  ('audio', 0.3, 0.6),
  ('activities', 0.015, 0.05),
  ('sheet', 0.05, 0.15),
  ('pdf', 0, 0);
alter table private.asset_costs enable row level security;

create table private.platform_limits (
  only_row boolean primary key default true constraint platform_is_one_row check (only_row),
  daily_cost_usd numeric(12, 2) constraint platform_daily_cost_is_not_negative check (daily_cost_usd >= 0),
  paused boolean not null default false,
  address_requests_per_minute integer default 3000
    constraint platform_requests_are_positive check (address_requests_per_minute > 0)
);
comment on table private.platform_limits is 'One row, set by the operator: what providers may be paid for all users together.';
comment on column private.platform_limits.daily_cost_usd is
  'USD between two midnights UTC; null = unlimited. What waits then is made when the day turns, or when this is raised.';
comment on column private.platform_limits.paused is
  'Nothing that costs money is begun until this is false again; what is under way is finished.';
comment on column private.platform_limits.address_requests_per_minute is
  'Requests to the API from one address in a minute, whoever makes them; null = unlimited.';
insert into private.platform_limits default values;
alter table private.platform_limits enable row level security;

create table private.spending (
  id bigint generated always as identity primary key,
  day date not null,
  payer uuid not null,
  spent_usd numeric(14, 6) not null
);
comment on table private.spending is
  'What was paid to providers by day (UTC): of the platform (private.platform) everything, of a user what was asked for again. '
  'Several rows of one sum, so that nobody waits to add to it.';
create index idx_spending on private.spending (day, payer);
alter table private.spending enable row level security;

create table private.taken_leases (
  lease_token uuid primary key,
  payer uuid not null,
  cost_usd numeric(12, 6) not null,
  holds_until timestamptz not null
);
comment on table private.taken_leases is
  'Leases that were taken away from a worker who may not know of it yet and still pay for calls; payer as in private.spending.';
create index idx_taken_leases on private.taken_leases (holds_until);
alter table private.taken_leases enable row level security;

-- Who pays for everything.
create function private.platform() returns uuid language sql immutable set search_path = '' as $$
  select '00000000-0000-0000-0000-000000000000'::uuid
$$;

create function private.today() returns date language sql stable set search_path = '' as $$
  select (now() at time zone 'UTC')::date
$$;

create function private.end_of_day() returns timestamptz language sql stable set search_path = '' as $$
  select date_trunc('day', now(), 'UTC') + interval '1 day'
$$;

-- Adds to a sum of the day: in a row that nobody holds, else in a new one.
create function private.add_spending(p_payer uuid, p_cost_usd numeric) returns void
  language plpgsql set search_path = '' as $$
begin
  update private.spending set spent_usd = spent_usd + p_cost_usd
  where id = (select id from private.spending where day = private.today() and payer = p_payer
    order by id limit 1 for update skip locked);
  if not found then
    insert into private.spending (day, payer, spent_usd) values (private.today(), p_payer, p_cost_usd);
  end if;
end $$;

-- How long a worker may go on paying for a job that was taken away from it: its longest life.
create function private.taken_lease_holds() returns interval language sql immutable set search_path = '' as $$
  select interval '5 minutes'
$$;

-- Marks that this transaction ends a lease by its holder's own word, who pays no more for it.
create function private.note_own_end(p_lease_token uuid) returns void language sql volatile set search_path = '' as $$
  select set_config('storytailor.ended_lease', p_lease_token::text, true)
$$;

create function private.note_taken_lease() returns trigger language plpgsql set search_path = '' as $$
begin
  insert into private.taken_leases (lease_token, payer, cost_usd, holds_until)
  select
    old.lease_token,
    case when private.is_remake(old.id) then old.user_id else private.platform() end,
    reserve_usd,
    now() + private.taken_lease_holds()
  from private.asset_costs where asset_type = old.asset_type and reserve_usd > 0
  on conflict (lease_token) do nothing;
  return null;
end $$;
create trigger jobs_note_taken_lease after update on public.asset_generation_jobs for each row
  when (old.status = 'generating' and (new.status <> 'generating' or new.lease_token is distinct from old.lease_token)
    and coalesce(old.lease_owner, '') not like 'claim:%'
    and old.lease_token::text is distinct from current_setting('storytailor.ended_lease', true))
  execute function private.note_taken_lease();

-- Adds paid calls to the ledger, each once, and what they cost to the sums of the platform and of p_payer, if any.
create function private.add_usage(p_job public.asset_generation_jobs, p_usage jsonb, p_refused boolean, p_payer uuid)
  returns void language plpgsql set search_path = '' as $$
declare
  v_cost_usd numeric;
begin
  if p_usage is null or p_usage = '[]' then return; end if;
  with added as (
    insert into public.usage_ledger (
      call_key,
      user_id,
      story_id,
      job_id,
      asset_type,
      asset_version,
      provider,
      model,
      kind,
      input_units,
      output_units,
      cost_usd,
      price_version,
      result_refused)
    select
      u."callKey",
      p_job.user_id,
      p_job.story_id,
      p_job.id,
      p_job.asset_type,
      p_job.versions_made + 1,
      u.provider,
      u.model,
      u.kind,
      coalesce(u."inputUnits", 0),
      coalesce(u."outputUnits", 0),
      coalesce(u."costUsd", 0),
      coalesce(u."priceVersion", 'unknown'),
      p_refused
    from jsonb_to_recordset(p_usage) as u ("callKey" text, provider text, model text, kind text,
      "inputUnits" bigint, "outputUnits" bigint, "costUsd" numeric, "priceVersion" text)
    on conflict (call_key) do nothing returning cost_usd)
  select sum(cost_usd) into v_cost_usd from added;
  if v_cost_usd > 0 then
    perform private.add_spending(private.platform(), v_cost_usd);
    if p_payer is not null then perform private.add_spending(p_payer, v_cost_usd); end if;
  end if;
end $$;

-- Money was spent whether or not the lease still holds or its job is still there, so it is recorded in any case, once per
-- call; without a job it has no names. Where the lease holds its holder pays no more under it, but for report_progress.
create function private.record_usage(p_job public.asset_generation_jobs, p_usage jsonb, p_stale text) returns void
  language plpgsql set search_path = '' as $$
begin
  if p_stale is null then perform private.note_own_end(p_job.lease_token); end if;
  perform private.add_usage(p_job, p_usage, p_stale is not null,
    case when private.is_remake(p_job.id) then p_job.user_id end);
end $$;

-- What the sheets that are asked for may still come to, of one payer: reserved from the moment they are.
create function private.reserved_for_sheets(p_payer uuid) returns numeric language plpgsql stable set search_path = '' as $$
begin
  return (select count(*) * (select reserve_usd from private.asset_costs where asset_type = 'sheet')
    from private.character_sheets s join public.characters c on c.id = s.character_id
    where s.status = 'pending' and p_payer in (c.owner_user_id, private.platform()));
end $$;

-- What is left of the day for the platform, and for what these users ask for again, where a limit holds: {payer: usd}; null
-- without any limit.
create function private.spending_room(p_users uuid[]) returns jsonb
  language plpgsql stable set search_path = '' as $$
declare
  v_limits jsonb;
begin
  select jsonb_object_agg(payer, limit_usd) into v_limits from (
    select private.platform() as payer, case when paused then 0 else daily_cost_usd end as limit_usd
    from private.platform_limits where paused or daily_cost_usd is not null
    union all
    select u.id, t.daily_cost_limit_usd from public.users u join public.tiers t on t.code = u.tier
    where u.id = any (p_users) and t.daily_cost_limit_usd is not null) as limited;
  if v_limits is null then return null; end if;
  -- One statement: what moves from a lease to the spending meanwhile would be in neither of two.
  return (select jsonb_object_agg(l.key, l.value::numeric
      - coalesce((select sum(spent_usd) from private.spending where day = private.today() and payer = l.key::uuid), 0)
      - coalesce(case when l.key::uuid = private.platform()
          then (select sum(c.reserve_usd)
            from public.asset_generation_jobs j join private.asset_costs c on c.asset_type = j.asset_type
            where j.status = 'generating')
          else (select sum(c.reserve_usd)
            from public.asset_generation_jobs j join private.asset_costs c on c.asset_type = j.asset_type
            where j.user_id = l.key::uuid and j.status = 'generating' and private.is_remake(j.id)) end, 0)
      - coalesce((select sum(cost_usd) from private.taken_leases
          where holds_until > now() and l.key::uuid in (payer, private.platform())), 0)
      - private.reserved_for_sheets(l.key::uuid))
    from jsonb_each_text(v_limits) as l);
end $$;

-- What is too dear for what the platform has left of the day; everything while nothing may be begun.
create function private.assets_over_budget() returns text[] language sql stable set search_path = '' as $$
  select coalesce(array_agg(c.asset_type), '{}')
  from (select (private.spending_room('{}') ->> private.platform()::text)::numeric as usd) as room, private.asset_costs c
  where not private.takes_work() or (c.reserve_usd > 0 and c.reserve_usd > room.usd)
$$;

-- Whether the plan of a user has less than this left today, whatever becomes of the leases under way.
create function private.has_spent_the_day(p_user_id uuid, p_cost_usd numeric) returns boolean
  language sql stable set search_path = '' as $$
  select t.daily_cost_limit_usd - p_cost_usd < coalesce((select sum(spent_usd) from private.spending
    where day = private.today() and payer = p_user_id), 0)
  from public.users u join public.tiers t on t.code = u.tier where u.id = p_user_id
$$;

-- As many of these jobs as there is money for, the first to be claimed first. The caller holds the claim turn and the
-- stories. What a user has no money left for waits until the day turns; what only leases under way stand before, a moment.
create function private.jobs_within_budget(p_job_ids uuid[]) returns uuid[]
  language plpgsql set search_path = '' as $$
declare
  v_room jsonb := private.spending_room(array(
    select distinct user_id from public.asset_generation_jobs where id = any (p_job_ids) and private.is_remake(id)));
  v_chosen uuid[] := '{}';
  v_job record;
begin
  if not private.takes_work() then return '{}'; end if;
  if v_room is null then return p_job_ids; end if;
  for v_job in
    select
      j.id,
      j.user_id,
      case when private.is_remake(j.id) then j.user_id else private.platform() end as payer,
      nullif(c.reserve_usd, 0) as usd
    from public.asset_generation_jobs j join private.asset_costs c on c.asset_type = j.asset_type
    where j.id = any (p_job_ids) order by j.claim_order, j.asset_type
  loop
    -- Null, where nothing limits or nothing is paid, is not true.
    if v_job.payer = v_job.user_id and v_job.usd > (v_room ->> v_job.payer::text)::numeric then
      update public.asset_generation_jobs
      set available_at = case when private.has_spent_the_day(v_job.user_id, v_job.usd) then private.end_of_day()
        else now() + interval '5 seconds' end
      where id = v_job.id;
      continue;
    end if;
    continue when v_job.usd > (v_room ->> private.platform()::text)::numeric;
    v_chosen := v_chosen || v_job.id;
    select jsonb_object_agg(r.key, r.value::numeric
      - case when r.key::uuid in (v_job.payer, private.platform()) then coalesce(v_job.usd, 0) else 0 end)
    into v_room from jsonb_each_text(v_room) as r;
  end loop;
  return v_chosen;
end $$;

create function private.typical_cost(p_asset_types text[]) returns numeric language sql stable set search_path = '' as $$
  select coalesce(sum(typical_usd), 0) from private.asset_costs where asset_type = any (p_asset_types)
$$;

-- Refuses what the platform has no money left for today, or not while it is paused. What costs nothing is never refused.
create function private.refuse_over_platform_limit(p_asset_types text[]) returns void
  language plpgsql set search_path = '' as $$
declare
  v_cost_usd numeric := private.typical_cost(p_asset_types);
begin
  if cardinality(p_asset_types) > 0 then perform private.refuse_while('no_new_work', 'read_only'); end if;
  if v_cost_usd = 0 then return; end if;
  if (select paused from private.platform_limits) then perform private.refuse(503, 'PLATFORM_PAUSED'); end if;
  if v_cost_usd > (private.spending_room('{}') ->> private.platform()::text)::numeric then
    perform private.refuse(503, 'PLATFORM_PAUSED',
      jsonb_build_object('retryAfterSeconds', ceil(extract(epoch from private.end_of_day() - now()))));
  end if;
end $$;

-- Refuses what a user asks for again when the plan's money of the day may not reach for it beside what waits already: what
-- is accepted is made today.
create function private.refuse_over_spend_limit(p_user public.users, p_asset_types text[]) returns void
  language plpgsql set search_path = '' as $$
declare
  v_cost_usd numeric := (select sum(reserve_usd) from private.asset_costs where asset_type = any (p_asset_types));
  v_left numeric := (private.spending_room(array[p_user.id]) ->> p_user.id::text)::numeric;
begin
  -- Null, where nothing is asked for or nothing limits, is not true.
  if (v_cost_usd = 0 or v_left is null) is not false then return; end if;
  v_left := v_left - (
    select coalesce(sum(c.reserve_usd), 0)
    from public.asset_generation_jobs j join private.asset_costs c on c.asset_type = j.asset_type
    where j.user_id = p_user.id and j.status = 'queued' and private.is_remake(j.id));
  if v_cost_usd > v_left then
    perform private.refuse(429, 'SPEND_LIMIT', jsonb_build_object(
      'tier', p_user.tier,
      'dailyLimitUsd', (select daily_cost_limit_usd from public.tiers where code = p_user.tier),
      'leftUsd', round(greatest(v_left, 0), 2),
      'askedUsd', round(v_cost_usd, 2),
      'retryAfterSeconds', ceil(extract(epoch from private.end_of_day() - now()))));
  end if;
end $$;

-- What a story cost its user: an asset that failed, or that a placeholder stands in for, was paid for and is not charged.
create function private.charged_cost(p_story_id uuid) returns numeric language sql stable set search_path = '' as $$
  select coalesce(sum(u.cost_usd), 0)
  from public.usage_ledger u join public.asset_generation_jobs j on j.id = u.job_id
  where u.story_id = p_story_id and j.status not in ('failed', 'skipped') and not j.is_placeholder
$$;

-- Sums of days that nobody asks about any more, and leases that nobody pays under.
create function private.tidy_spending() returns void language sql set search_path = '' as $$
  delete from private.taken_leases where holds_until < now();
  delete from private.spending where day < private.today() - 40;
$$;

create function private.on_user_deleted() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  delete from private.spending where payer = old.id;
  delete from private.taken_leases where payer = old.id;
  return null;
end $$;
create trigger users_leave_no_spending after delete on public.users
  for each row execute function private.on_user_deleted();
-- How many requests a user, or an address, makes in a minute: take_requests.
--
-- Processes of the API take shares of a minute's requests and count those by themselves, so that a request seldom costs a round
-- trip of its own. A share that is not used up is lost with the minute: the limit is kept, and reached a little early.

create table private.request_windows (
  payer text not null,
  began_at timestamptz not null,
  taken integer not null,
  primary key (payer, began_at)
);
comment on table private.request_windows is
  'Requests that processes took for a user (`user:<id>`) or for a digest of an address (`address:<digest>`), by minute.';
alter table private.request_windows enable row level security;

create function private.request_window() returns timestamptz language sql stable set search_path = '' as $$
  select date_trunc('minute', now())
$$;

-- A twentieth of the limit, for whoever asks: {limit, left, granted}. `left` is what nobody has taken yet. Null without a limit.
create function private.take_share(p_payer text, p_limit integer) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_share integer := greatest(1, p_limit / 20);
  v_taken integer;
begin
  if p_limit is null then return null; end if;
  insert into private.request_windows (payer, began_at, taken) values (p_payer, private.request_window(), v_share)
  on conflict (payer, began_at) do update set taken = request_windows.taken + v_share where request_windows.taken < p_limit
  returning taken into v_taken;
  return jsonb_build_object(
    'limit', p_limit,
    'left', greatest(0, p_limit - coalesce(v_taken, p_limit)),
    'granted', case when v_taken is null then 0 else v_share - greatest(0, v_taken - p_limit) end);
end $$;

create function public.take_requests(p_user_id uuid default null, p_address text default null) returns jsonb
  language plpgsql set search_path = '' as $$
begin
  return jsonb_build_object(
    'user', case when p_user_id is not null then private.take_share('user:' || p_user_id, (
      -- Who has no profile yet is about to have that of the free plan.
      select requests_per_minute from public.tiers
      where code = coalesce((select tier from public.users where id = p_user_id), 'free'))) end,
    'address', case when p_address is not null then private.take_share('address:' || p_address,
      (select address_requests_per_minute from private.platform_limits)) end,
    'resetSeconds', extract(epoch from private.request_window() + interval '1 minute' - now()));
end $$;
comment on function public.take_requests is
  'A share of this minute''s requests, of a user, an address or both: {user, address, resetSeconds}; null where nothing limits.';

create function private.tidy_requests() returns void language sql set search_path = '' as $$
  delete from private.request_windows where began_at < private.request_window()
$$;

create function private.on_requester_deleted() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  delete from private.request_windows where payer = 'user:' || old.id;
  return null;
end $$;
create trigger users_leave_no_requests after delete on public.users
  for each row execute function private.on_requester_deleted();
-- Webhooks: where users want to be told that a story ended or is gone, and what is to be told there (S2-030, S2-031).
--
-- An event is written by the transaction that causes it, one row for each endpoint that wants it, and sent by whoever sends
-- notices, under the same leases. Secrets stand in a schema that PostgREST does not serve, readable by service_role alone.

create table private.webhook_endpoints (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.users (id) on delete cascade,
  url text not null constraint webhooks_url_is_https check (url like 'https://%' and char_length(url) <= 2048),
  events text[] not null constraint webhooks_events_are_known check (cardinality(events) > 0
    and events <@ '{story.ready,story.partial,story.failed,story.deleted}'::text[]),
  enabled boolean not null default true,
  disabled_because text constraint webhooks_end_is_known check (disabled_because in ('gone')),
  secret text not null constraint webhooks_secret_is_one check (secret ~ '^whsec_[A-Za-z0-9+/]{43}=$'),
  former_secret text,
  former_secret_until timestamptz,
  created_at timestamptz not null default now(),
  constraint webhooks_only_disabled_have_a_reason check (disabled_because is null or not enabled)
);
comment on table private.webhook_endpoints is 'Addresses that users gave for the events of their stories.';
comment on column private.webhook_endpoints.disabled_because is
  'What switched it off, where it was not its user: it answered 410 Gone.';
comment on column private.webhook_endpoints.secret is 'Told to its user when it is made; signs every delivery.';
comment on column private.webhook_endpoints.former_secret is 'Signs as well until former_secret_until, after a rotation.';
create index idx_webhook_endpoints_user on private.webhook_endpoints (user_id, created_at);

create table private.webhook_deliveries (
  id uuid primary key default gen_random_uuid(),
  endpoint_id uuid not null references private.webhook_endpoints (id) on delete cascade,
  story_id uuid not null,
  event text not null,
  data jsonb not null,
  created_at timestamptz not null default now(),
  status text not null default 'pending' constraint deliveries_status_is_known check
    (status in ('pending', 'delivered', 'dead')),
  available_at timestamptz not null default now(),
  attempts integer not null default 0,
  lease_token uuid,
  settled_at timestamptz,
  log jsonb[] not null default '{}',
  constraint deliveries_settled_has_a_time check ((status = 'pending') = (settled_at is null))
);
comment on table private.webhook_deliveries is
  'Events for one endpoint each: to be sent, accepted, or given up after five tries. The id is the webhook-id of every try.';
comment on column private.webhook_deliveries.story_id is 'No foreign key: that a story was deleted is told, too.';
comment on column private.webhook_deliveries.data is 'Ids, states and times; nothing of what a story tells.';
comment on column private.webhook_deliveries.available_at is
  'Not claimable before: a pause after a failure, or the end of the lease that is in force.';
comment on column private.webhook_deliveries.attempts is 'Claims since it was asked for last.';
comment on column private.webhook_deliveries.log is
  'How its last twenty tries ended: {attempt, at, status, error, durationMs}; no status where nothing answered.';
create index idx_deliveries_due on private.webhook_deliveries (available_at) where status = 'pending';
create index idx_deliveries_waiting on private.webhook_deliveries (endpoint_id, available_at) where status = 'pending';
create index idx_deliveries_of_endpoint on private.webhook_deliveries (endpoint_id, created_at desc, id);
create index idx_deliveries_settled on private.webhook_deliveries (settled_at) where status <> 'pending';

alter table private.webhook_endpoints enable row level security;
alter table private.webhook_deliveries enable row level security;

-- To every endpoint of the user that wants this event. An endpoint that is just being deleted is waited for, so that its key
-- is not missed by whoever settles a story.
create function private.queue_webhooks(p_user_id uuid, p_story_id uuid, p_event text, p_data jsonb) returns void
  language sql set search_path = '' as $$
  insert into private.webhook_deliveries (endpoint_id, story_id, event, data)
  select e.id, p_story_id, p_event, jsonb_build_object('storyId', p_story_id) || p_data
  from private.webhook_endpoints e
  where e.user_id = p_user_id and e.enabled and p_event = any (e.events)
  order by e.id for key share of e
$$;

-- Of notices and deliveries: longer than their sender waits for one answer, note included.
create function private.sender_lease() returns interval language sql immutable set search_path = '' as $$
  select interval '30 seconds'
$$;

-- A sender is woken by whoever causes an event. What is due for longer was left by one that died, or is a later try; products
-- of shops among it.
create function private.has_overdue_deliveries() returns boolean language sql stable set search_path = '' as $$
  select exists (select from private.webhook_deliveries
      where status = 'pending' and available_at <= now() - interval '2 seconds')
    or exists (select from private.shop_products
      where status = 'pending' and available_at <= now() - interval '2 seconds')
$$;

create function private.webhook_lifetime() returns interval language sql immutable set search_path = '' as $$
  select interval '30 days'
$$;

create function private.has_old_deliveries() returns boolean language sql stable set search_path = '' as $$
  select exists (select from private.webhook_deliveries
    where status <> 'pending' and settled_at < now() - private.webhook_lifetime())
$$;
comment on function private.has_old_deliveries is 'Whether private.forget_deliveries would find something.';

-- Delivered and dead ones leave the log after a month.
create function private.forget_deliveries(p_limit integer) returns bigint language plpgsql set search_path = '' as $$
declare
  v_forgotten bigint;
begin
  delete from private.webhook_deliveries d using (
    select id from private.webhook_deliveries
    where status <> 'pending' and settled_at < now() - private.webhook_lifetime() order by settled_at limit p_limit
    for update skip locked) as old
  where d.id = old.id;
  get diagnostics v_forgotten = row_count;
  return v_forgotten;
end $$;
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
-- Snapshots: every settled story as one JSON file in the bucket, so that rows that are lost or damaged can be brought back
-- (S2-060). Which stories are to be written stands here, under leases; who may touch the bucket writes them.

create table private.snapshot_queue (
  story_id uuid primary key references public.stories (id) on delete cascade,
  wanted_since timestamptz not null default now(),
  available_at timestamptz not null default 'infinity',
  attempts integer not null default 0,
  lease_token uuid,
  last_error text
);
comment on table private.snapshot_queue is
  'Settled stories that changed since their last snapshot. While one stands here its row is newer than the file.';
comment on column private.snapshot_queue.available_at is
  'Not claimable before: infinity until the next sweep, so that changes share one file; a pause, or the end of a lease.';
create index idx_snapshots_due on private.snapshot_queue (available_at);
alter table private.snapshot_queue enable row level security;

create function private.queue_snapshot(p_story_id uuid) returns void language sql set search_path = '' as $$
  insert into private.snapshot_queue (story_id) values (p_story_id)
  on conflict (story_id) do update
  set wanted_since = now(), available_at = excluded.available_at, attempts = 0, lease_token = null
$$;
comment on function private.queue_snapshot is
  'Wants it again where it is wanted already: whoever is at it under a lease writes as of before, and is not believed.';

-- The sweep lets everything be written that changed since the one before.
create function private.release_snapshots() returns void language sql set search_path = '' as $$
  update private.snapshot_queue set available_at = now() where available_at = 'infinity'
$$;

create function private.has_snapshots() returns boolean language sql stable set search_path = '' as $$
  select exists (select from private.snapshot_queue where available_at <= now())
$$;
comment on function private.has_snapshots is 'Whether claim_snapshots would find something.';
-- What is to be deleted outside the database, under leases, because S3 and CloudFront may refuse and processes may die.
--
-- An invocation that worked on a story may still store a file when the row is gone: so its files are deleted at once, and
-- again when no such invocation can be left.

create table private.deletion_queue (
  id bigint generated always as identity primary key,
  story_id uuid,
  character_id uuid constraint deletion_once_per_character unique,
  kind text not null constraint deletion_kind_is_known check (kind in ('files', 'orphans', 'cdn', 'references')),
  wanted_since timestamptz not null default now(),
  available_at timestamptz not null default now(),
  passes integer not null default 0,
  attempts integer not null default 0,
  claimed_at timestamptz,
  lease_token uuid,
  lease_owner text,
  last_error text,
  ended_attempts jsonb not null default '[]'::jsonb,
  constraint deletion_once_per_kind unique (story_id, kind),
  constraint deletion_is_of_one check (num_nonnulls(story_id, character_id) = 1
    and (kind = 'references') = (character_id is not null))
);
comment on table private.deletion_queue is
  'What is to be deleted outside the database: the files of a story that is gone, what the CDN keeps of them, files of a '
  'story that is there which were published and never accepted (orphans), and pictures that users brought of a character and '
  'that its row does not name (references).';
comment on column private.deletion_queue.available_at is
  'Not claimable before: the second pass, a pause after a failure, or the end of the lease that is in force.';
comment on column private.deletion_queue.passes is 'How often all files that were there have been deleted.';
comment on column private.deletion_queue.attempts is
  'Claims since the last pass that succeeded; many of them mean that S3 or CloudFront refuses.';
comment on column private.deletion_queue.ended_attempts is
  'Of orphans: the attempts that ended without a version, [[asset, attempt], ...]; files of others are not looked at.';
create index idx_deletion_due on private.deletion_queue (available_at);
alter table private.deletion_queue enable row level security;

create function private.queue_deletion(p_story_id uuid, p_kind text, p_delay interval, p_ended_attempts jsonb default '[]')
  returns void language sql set search_path = '' as $$
  insert into private.deletion_queue (story_id, kind, available_at, ended_attempts)
  values (p_story_id, p_kind, now() + p_delay, p_ended_attempts)
  on conflict (story_id, kind) do update
  set
    wanted_since = now(),
    available_at = excluded.available_at,
    passes = 0,
    attempts = 0,
    lease_token = null,
    lease_owner = null,
    ended_attempts = deletion_queue.ended_attempts || excluded.ended_attempts
$$;
comment on function private.queue_deletion is
  'Wants it again where it is wanted already: whoever is at it under a lease deletes as of before, and is not believed.';

-- A picture that is being fetched may come late, as a story's file may.
create function private.queue_reference_deletion(p_character_id uuid) returns void language sql set search_path = '' as $$
  insert into private.deletion_queue (character_id, kind) values (p_character_id, 'references')
  on conflict (character_id) do update
  set wanted_since = now(), available_at = now(), passes = 0, attempts = 0, lease_token = null, lease_owner = null
$$;

-- An attempt that ended without a version may have published a file before, and one that showed a preview did: it is looked
-- for when nobody can be at it.
create function private.after_attempt_without_version() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  perform private.queue_deletion(new.story_id, 'orphans', private.late_writer_grace(),
    jsonb_build_array(jsonb_build_array(new.asset_type, old.attempt)));
  return null;
end $$;
create trigger jobs_note_orphans after update of status on public.asset_generation_jobs
  for each row when (old.status = 'generating' and new.status <> 'generating'
    and (new.versions_made = old.versions_made or old.metadata ? 'previewUrl')
    and new.asset_type not in ('content', 'activities') and old.lease_owner not like 'claim:%')
  execute function private.after_attempt_without_version();

create function private.has_deletions() returns boolean language sql stable set search_path = '' as $$
  select exists (select from private.deletion_queue where available_at <= now())
    or exists (select from private.deleted_users where unfinished_user_id is not null)
$$;
comment on function private.has_deletions is 'Whether claim_deletions would find something.';

-- What an invocation that is known to be dead had claimed is due at once.
create function private.release_deletions_of(p_request_id text) returns void language sql set search_path = '' as $$
  update private.deletion_queue set lease_token = null, lease_owner = null, available_at = now()
  where starts_with(lease_owner, p_request_id || '/')
$$;
-- What assets take and cost, learnt from those that were made last: rolling medians, for estimates and for progress.
--
-- The functions hold documented figures (shared/domain) for assets of which too few were made yet.

create table private.asset_medians (
  asset_type text primary key,
  seconds double precision not null,
  cost_usd double precision,
  samples bigint not null,
  computed_at timestamptz not null
);
comment on table private.asset_medians is 'The middle of what the last stories took, per asset; the sweep computes it.';
comment on column private.asset_medians.seconds is 'From the lease of the attempt that brought it to its end.';
comment on column private.asset_medians.cost_usd is 'All billed calls for it, failed attempts too; null where none is billed.';
alter table private.asset_medians enable row level security;

-- Stories that are looked at; and how many assets of a kind must be among them for a median to be believed.
create function private.median_stories() returns integer language sql immutable set search_path = '' as $$
  select 200
$$;
create function private.median_samples_min() returns integer language sql immutable set search_path = '' as $$
  select 20
$$;

-- First versions alone: the ledger does not say which version a call was for. Placeholders are no measure.
create function private.learn_medians() returns void language sql set search_path = '' as $$
  with recent as (
    select story_id from public.asset_generation_jobs
    where asset_type = 'content' and completed_at is not null order by completed_at desc limit private.median_stories()
  ),
  made as (
    select
      j.asset_type,
      extract(epoch from j.completed_at - j.started_at)::double precision as seconds,
      (select sum(u.cost_usd)::double precision from public.usage_ledger u
        where u.story_id = j.story_id and u.asset_type = j.asset_type) as cost_usd
    from recent join public.asset_generation_jobs j on j.story_id = recent.story_id
    where j.status = 'ready' and j.asset_version = 1 and j.versions_made = 1 and not j.is_placeholder
      and j.completed_at > j.started_at
  )
  insert into private.asset_medians (asset_type, seconds, cost_usd, samples, computed_at)
  select
    asset_type,
    percentile_cont(0.5) within group (order by seconds),
    percentile_cont(0.5) within group (order by cost_usd),
    count(*),
    now()
  from made group by asset_type having count(*) >= private.median_samples_min() order by asset_type
  on conflict (asset_type) do update set seconds = excluded.seconds, cost_usd = excluded.cost_usd,
    samples = excluded.samples, computed_at = excluded.computed_at
  -- Sweeps that come together compute the same.
  where asset_medians.computed_at < now() - interval '5 minutes'
$$;

create function private.typical_seconds(p_asset_type text) returns double precision
  language sql stable set search_path = '' as $$
  select seconds from private.asset_medians where asset_type = p_asset_type
$$;

create function public.asset_medians() returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('assetType', asset_type, 'seconds', seconds, 'costUsd', cost_usd)
    order by asset_type), '[]'::jsonb)
  from private.asset_medians
$$;
comment on function public.asset_medians is
  'What assets take and cost by our own measure: [{assetType, seconds, costUsd}]; those of which too few were made are not in it.';
-- Pictures that users bring of their characters: each is fetched once, looked at and kept. What is to be fetched stands in a
-- queue under leases; how it went, in the character's row.

create table private.reference_queue (
  character_id uuid primary key references public.characters (id) on delete cascade,
  available_at timestamptz not null,
  attempts integer not null default 0,
  lease_token uuid,
  lease_owner text
);
comment on table private.reference_queue is 'Characters that have references which nobody has looked at.';
comment on column private.reference_queue.available_at is
  'Not taken up by a sweep before: whoever was asked at once has its time, a failure its pause, a lease its end.';
comment on column private.reference_queue.attempts is 'Claims since its references were changed.';
create index idx_references_due on private.reference_queue (available_at);
alter table private.reference_queue enable row level security;

create function private.has_references() returns boolean language sql stable set search_path = '' as $$
  select exists (select from private.reference_queue where available_at <= now())
$$;
comment on function private.has_references is 'Whether claim_references would find something that is due.';

create function private.pending_references(p_states jsonb) returns text[] language sql immutable set search_path = '' as $$
  select array(select key from jsonb_each(p_states) where value = '"pending"' order by key)
$$;

-- What is named again keeps its state.
create function private.before_references_changed() returns trigger language plpgsql set search_path = '' as $$
begin
  new.reference_states := (
    select coalesce(jsonb_object_agg(source, coalesce(old.reference_states -> source, '"pending"'::jsonb)), '{}')
    from unnest(new.reference_images) as source);
  return new;
end $$;
create trigger characters_keep_reference_states before insert or update of reference_images on public.characters
  for each row execute function private.before_references_changed();

create function private.after_references_changed() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  if cardinality(private.pending_references(new.reference_states)) > 0 then
    insert into private.reference_queue (character_id, available_at) values (new.id, now() + interval '10 seconds')
    on conflict (character_id) do update
    set
      attempts = 0,
      available_at = case when reference_queue.lease_token is null then excluded.available_at
        else reference_queue.available_at end;
  else
    delete from private.reference_queue where character_id = new.id;
  end if;
  if not coalesce(old.reference_images, '{}') <@ new.reference_images then
    perform private.queue_reference_deletion(new.id);
  end if;
  return null;
end $$;
create trigger characters_queue_references after insert or update of reference_images on public.characters
  for each row execute function private.after_references_changed();

-- What was sent and never named, the bucket forgets by itself.
create function private.before_character_deleted() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  if old.reference_states <> '{}' or exists (select from private.character_sheets where character_id = old.id) then
    perform private.queue_reference_deletion(old.id);
  end if;
  return old;
end $$;
create trigger characters_leave_no_files before delete on public.characters
  for each row execute function private.before_character_deleted();

-- Whoever names characters does not wait until they are due. Each call names itself, so that one whose answer was lost is
-- answered again.
create function public.claim_references(p_owner text, p_character_ids uuid[] default null, p_limit integer default 1,
  p_lease_seconds integer default 120) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_ids uuid[] := array(select character_id from private.reference_queue where lease_owner = p_owner);
begin
  if cardinality(v_ids) = 0 then
    v_ids := array(select character_id from private.reference_queue
      where (p_character_ids is null and available_at <= now())
        or (character_id = any (p_character_ids) and (lease_token is null or available_at <= now()))
      order by available_at, character_id limit case when p_character_ids is null then p_limit end
      for update skip locked);
    update private.reference_queue
    set
      lease_token = gen_random_uuid(),
      lease_owner = p_owner,
      available_at = now() + make_interval(secs => p_lease_seconds),
      attempts = attempts + 1
    where character_id = any (v_ids);
  end if;
  return jsonb_build_object(
    'leased', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'characterId', q.character_id,
        'leaseToken', q.lease_token,
        'attempts', q.attempts,
        'sources', private.pending_references(c.reference_states))), '[]')
      from private.reference_queue q join public.characters c on c.id = q.character_id where c.id = any (v_ids)),
    'states', (
      select coalesce(jsonb_object_agg(id, reference_states), '{}')
      from public.characters where id = any (p_character_ids)),
    'more', p_character_ids is null and private.has_references());
end $$;
comment on function public.claim_references is
  'Leases references to be fetched, of these characters or of p_limit that are due: {leased: [{characterId, leaseToken, '
  'attempts, sources}], states, more}; states are those of the characters named.';

-- p_outcomes: {source: status}; what could not be had this time is pending still.
create function public.note_references(p_character_id uuid, p_lease_token uuid, p_outcomes jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_states jsonb;
  v_pending text[];
  v_is_new boolean;
begin
  select reference_states into v_states from public.characters where id = p_character_id for update;
  perform from private.reference_queue where character_id = p_character_id and lease_token = p_lease_token for update;
  if not found then return '{"accepted": false, "more": false}'::jsonb; end if;
  -- What was taken away meanwhile stays away.
  v_states := v_states || (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(p_outcomes)
    where v_states ->> key = 'pending');
  update public.characters set reference_states = v_states where id = p_character_id;
  v_pending := private.pending_references(v_states);
  -- Named while the others were fetched.
  v_is_new := exists (select from unnest(v_pending) as source where not p_outcomes ? source);
  if cardinality(v_pending) = 0 then
    delete from private.reference_queue where character_id = p_character_id;
  else
    update private.reference_queue
    set
      lease_token = null,
      lease_owner = null,
      available_at = now() + case when v_is_new then interval '0' else make_interval(secs => 30 * 2 ^ least(attempts, 6)) end
    where character_id = p_character_id;
  end if;
  return jsonb_build_object('accepted', true, 'more', v_is_new);
end $$;
comment on function public.note_references is
  'Says how references turned out, and ends their lease: {accepted, more}; more = others were named meanwhile. Changes nothing '
  'under another lease.';
-- What others are shown of a story and its jobs: the status JSON of the row, and what an invocation needs to begin.

-- What readers see of one job. A content job that waits shows as generating, as POST /stories promises; what is made with a
-- new text is not ready before all of it is shown. `stale` is what was made from another version of an input than the one
-- that is shown. p_shown is the job as readers see it, p_versions are those of all assets of the story that they see.
create function private.asset_state(p_job public.asset_generation_jobs, p_shown public.asset_generation_jobs,
  p_versions jsonb) returns jsonb
  language sql immutable set search_path = '' as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'status', case
      when p_job.status = 'ready' and p_job.shown is not null then 'generating'
      when p_job.status <> 'queued' then p_job.status
      when p_job.retry_count > 0 then 'retrying'
      when p_job.asset_type = 'content' then 'generating'
      else 'pending' end,
    'progress', case when p_job.status <> 'ready' then p_job.progress when p_job.shown is null then 100 else 99 end,
    'url', p_shown.url,
    'startedAt', p_job.started_at,
    'completedAt', case when p_job.status = 'ready' then p_shown.completed_at end,
    'error', case when p_job.status in ('failed', 'cancelled') then p_job.error_message end,
    'code', case when p_job.status in ('failed', 'cancelled') then p_job.error_code end,
    'isPlaceholder', case when p_shown.is_placeholder then true end,
    'version', nullif(p_shown.asset_version, 0),
    'textVersion', case when p_job.asset_type = 'content' then to_jsonb(nullif(p_shown.asset_version, 0))
      else p_shown.result #> '{madeFrom,content}' end,
    'stale', case when exists (
      select from jsonb_each(p_shown.result -> 'madeFrom') as source where source.value <> p_versions -> source.key)
      then true end,
    'lastError', p_job.last_error,
    'data', p_shown.result -> 'data',
    -- What lies beside a picture belongs to that one, and not to a placeholder.
    'metadata', nullif(case when p_shown.url is null or p_shown.is_placeholder
      then p_shown.metadata - '{screenUrl,thumbnailUrl}'::text[] else p_shown.metadata end, '{}'::jsonb)))
$$;

create function public.overall_status(p_assets jsonb) returns text
  language sql immutable set search_path = '' as $$
  select case
    when p_assets #>> '{content,status}' in ('failed', 'cancelled') then p_assets #>> '{content,status}'
    when bool_or(value ->> 'status' in ('pending', 'generating', 'retrying')) then 'generating'
    when bool_and(value ->> 'status' in ('ready', 'skipped')) then 'ready'
    else 'partial'
  end
  from jsonb_each(p_assets)
$$;
comment on function public.overall_status is 'Pure: the overall state of a story from the states of its assets.';

-- Writes the story row once per event: the columns of p_patch, the status derived from the jobs, and what a final
-- state brings with it (completion time, notice, refund). The caller holds the story's row lock.
create function private.refresh_story_status(p_story_id uuid, p_patch jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_versions jsonb;
  v_assets jsonb;
  v_hue jsonb;
  v_overall text;
  v_was text := (select asset_generation_status ->> 'overall' from public.stories where id = p_story_id);
  v_round integer;
  v_user uuid;
  v_created_at timestamptz;
  v_settled_at timestamptz;
begin
  select jsonb_object_agg(asset_type, coalesce(shown -> 'asset_version', to_jsonb(asset_version))) into v_versions
  from public.asset_generation_jobs where story_id = p_story_id;
  select
    jsonb_object_agg(j.asset_type, private.asset_state(j, s, v_versions)),
    jsonb_object_agg(j.asset_type, s.result -> 'colors') filter (where s.result ? 'colors')
  into v_assets, v_hue
  from public.asset_generation_jobs j cross join lateral jsonb_populate_record(j, j.shown) as s
  where j.story_id = p_story_id;
  v_overall := public.overall_status(v_assets);

  update public.stories s
  set
    title = coalesce(p_patch ->> 'title', s.title),
    content = coalesce(p_patch -> 'content', s.content),
    hue_extracted_colors = coalesce(v_hue, '{}'::jsonb),
    -- A null that is there takes the times away; one that is not there leaves them.
    audio_words = case when p_patch ? 'audioWords' then nullif(p_patch -> 'audioWords', 'null') else s.audio_words end,
    audio_blocks = case when p_patch ? 'audioBlocks' then nullif(p_patch -> 'audioBlocks', 'null') else s.audio_blocks end,
    -- Without a text there is no story, whether it failed or was cancelled.
    status = case v_overall when 'generating' then 'generating' when 'failed' then 'failed' when 'cancelled' then 'failed'
      else 'ready' end,
    asset_generation_status = jsonb_strip_nulls(jsonb_build_object('overall', v_overall,
        'textVersion', v_assets #> '{content,textVersion}'))
      || jsonb_build_object('assets', v_assets),
    -- The moment it was settled first; what is written of it later does not move it.
    asset_generation_completed_at = case
      when v_overall = 'generating' then null
      else coalesce(s.asset_generation_completed_at, now()) end
  where s.id = p_story_id
  returning s.creator_user_id, s.created_at, s.asset_generation_completed_at into v_user, v_created_at, v_settled_at;

  if v_overall <> 'generating' then perform private.queue_snapshot(p_story_id); end if;
  -- What the user cancelled is no news to them.
  if v_overall not in ('generating', 'cancelled') then
    insert into public.notification_outbox (story_id, user_id, kind) values (p_story_id, v_user, v_overall)
    on conflict (story_id, kind) do nothing;
    -- Systems are told each time it ends, and where it ends otherwise than before.
    if v_overall is distinct from v_was then
      perform private.queue_webhooks(v_user, p_story_id, 'story.' || v_overall, jsonb_strip_nulls(jsonb_build_object(
        'status', v_overall,
        'code', case v_overall when 'failed' then v_assets #>> '{content,code}' end,
        'textVersion', v_assets #> '{content,textVersion}',
        'assets', (select jsonb_object_agg(key, value -> 'status') from jsonb_each(v_assets)),
        'createdAt', v_created_at,
        'settledAt', v_settled_at)));
    end if;
  end if;

  -- There is no text, so nothing was delivered. One refund per round, whatever ended it: the keys of the ledger, not this
  -- question, are what keeps a second one out.
  if v_overall in ('failed', 'cancelled') then
    select max(round) into v_round from public.credit_ledger where story_id = p_story_id and reason = 'story_created';
    insert into public.credit_ledger (user_id, story_id, reason, round, delta)
    values (v_user, p_story_id, 'text_' || v_overall, v_round, 1) on conflict do nothing;
    if found then
      update public.users set stories_used = stories_used - 1 where id = v_user;
    end if;
  end if;
  return jsonb_build_object('overall', v_overall, 'was', v_was);
end $$;

-- What any of the story's pictures found out from this text and saved: the palette journey, and each scene's analysis by its
-- number. Each text has its own, so one that is shown again finds it again.
create function private.art_checkpoint(p_story_id uuid, p_text_version integer) returns jsonb
  language sql stable set search_path = '' as $$
  with found as (
    select checkpoint -> ('art-' || p_text_version) as art from public.asset_generation_jobs where story_id = p_story_id)
  select jsonb_build_object(
    'journey', (select art -> 'journey' from found where art -> 'journey' <> 'null' limit 1),
    'scenes', (select coalesce(jsonb_object_agg(scene.key, scene.value), '{}'::jsonb)
      from found, jsonb_each(art -> 'scenes') as scene))
$$;

-- What a job needs to know of its siblings: those of the text that is worked from, which readers may not see yet. What was
-- made from another text is handed to nobody.
create function private.story_view(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'assets', jsonb_object_agg(asset_type, jsonb_strip_nulls(jsonb_build_object(
      'status', status,
      'version', case asset_type when 'content' then private.text_version_to_be(p_story_id) else asset_version end,
      'url', case when is_of_text then url end,
      'screenUrl', case when is_of_text then result #> '{metadata,screenUrl}' end,
      'thumbnailUrl', case when is_of_text then result #> '{metadata,thumbnailUrl}' end,
      'data', case when is_of_text then result -> 'data' end,
      'isPlaceholder', is_placeholder))),
    'hue', coalesce(jsonb_object_agg(asset_type, result -> 'colors') filter (where result ? 'colors' and is_of_text), '{}'::jsonb),
    'art', private.art_checkpoint(p_story_id, private.text_version_to_be(p_story_id)))
  from public.asset_generation_jobs
  cross join lateral (
    select coalesce(result #> '{madeFrom,content}' = to_jsonb(private.text_version(p_story_id)), true) as is_of_text) as known
  where story_id = p_story_id
$$;

-- The heroes as the story keeps them, with voices of their own as far as today's plan has these.
create function private.heroes_of(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select case when (private.plan_of(p_story_id)).character_voices then characters
    else (select coalesce(jsonb_agg(hero - 'voice_id' order by place), '[]'::jsonb)
      from jsonb_array_elements(characters) with ordinality as heroes (hero, place)) end
  from public.story_characters where story_id = p_story_id
$$;

-- What an invocation needs to know of its story: its heroes as they were, their references and sheets as they turned out by
-- now. While its text is written, what stands of it.
create function private.story_payload(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'storyId', s.id,
    'userId', s.creator_user_id,
    'title', coalesce(text.result ->> 'title', s.title),
    'content', coalesce(text.result -> 'content', '{}'::jsonb),
    'manuscript', (select t.checkpoint -> private.manuscript_key(private.text_version_to_be(s.id))
      from public.asset_generation_jobs t where t.story_id = s.id and t.asset_type = 'content'),
    'request', s.request,
    'view', private.story_view(s.id),
    'characters', private.heroes_of(s.id),
    'references', (select coalesce(jsonb_object_agg(c.id, c.reference_states), '{}') from public.characters c
      where c.id = any (s.character_ids) and c.reference_states <> '{}'),
    'sheets', private.sheets_of(private.heroes_of(s.id)))
  from public.stories s cross join private.result_of(s.id, 'content') as text (result) where s.id = p_story_id
$$;

-- The text that assets are made from, for an invocation that goes on with a story and began before there was one; null for
-- every other, and until there is one.
create function private.text_for(p_story_id uuid, p_continue jsonb) returns jsonb
  language sql stable set search_path = '' as $$
  select text.result -> 'content' from private.result_of(p_story_id, 'content') as text (result)
  where (p_continue -> 'needsText')::boolean
$$;

-- Jobs as they are handed to whoever holds their leases, in the order of claiming.
create function private.leased_jobs(p_job_ids uuid[]) returns jsonb
  language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object(
      'jobId', id,
      'storyId', story_id,
      'assetType', asset_type,
      'leaseToken', lease_token,
      'attempt', attempt,
      'retryCount', retry_count,
      'maxRetries', public.max_retries(asset_type),
      'assetVersion', versions_made,
      'progress', progress,
      'typicalSeconds', private.typical_seconds(asset_type),
      'earlierVersionStands', private.earlier_version_stands(j) or coalesce(shown ->> 'status' = 'ready', false),
      'finished', private.finished_result(j),
      'checkpoint', checkpoint - 'finished',
      'options', options)
      order by claim_order, asset_type), '[]'::jsonb)
  from public.asset_generation_jobs j where id = any (p_job_ids)
$$;

-- How a story ended, for the one log line that says so: null unless this very transaction ended it.
create function private.story_summary(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'storyId', s.id,
    'overall', s.asset_generation_status ->> 'overall',
    'ready', count(*) filter (where j.status = 'ready'),
    'failed', count(*) filter (where j.status = 'failed'),
    'placeholders', count(*) filter (where j.is_placeholder),
    -- No money or no valid key: a human is needed, and no retry helps.
    'hardFailures', count(*) filter (where j.status = 'failed'
      and j.error_code in ('PROVIDER_OUT_OF_CREDITS', 'PROVIDER_REFUSED_KEY')),
    'retries', sum(j.retry_count),
    'seconds', extract(epoch from now() - s.asset_generation_started_at),
    'costUsd', private.charged_cost(s.id))
  from public.stories s join public.asset_generation_jobs j on j.story_id = s.id
  where s.id = p_story_id and s.asset_generation_completed_at = now()
    and s.asset_generation_status ->> 'overall' <> 'generating'
  group by s.id
$$;
-- Sheets that are to be drawn: claim_sheet, note_sheet.

create function private.sheet_attempts_max() returns integer language sql immutable set search_path = '' as $$ select 3 $$;

create function private.has_sheets() returns boolean language plpgsql stable set search_path = '' as $$
begin
  return private.takes_work()
    and exists (select from private.character_sheets where status = 'pending' and available_at <= now());
end $$;
comment on function private.has_sheets is 'Whether claim_sheet would find one that is due.';

-- Whoever names a character does not wait until it is due. Each call names itself, so that one whose answer was lost is
-- answered again.
create function public.claim_sheet(p_owner text, p_character_id uuid default null, p_lease_seconds integer default 240)
  returns jsonb language plpgsql set search_path = '' as $$
declare
  v_sheet private.character_sheets;
begin
  select * into v_sheet from private.character_sheets where lease_owner = p_owner;
  if not found and private.takes_work() then
    select s.* into v_sheet from private.character_sheets s join public.characters c on c.id = s.character_id
    where s.status = 'pending' and (s.available_at <= now() or (s.character_id = p_character_id and s.lease_token is null))
      and (p_character_id is null or s.character_id = p_character_id)
    order by s.available_at limit 1 for update skip locked;
    if found and v_sheet.attempts >= private.sheet_attempts_max() then
      -- Whoever held it each time never told.
      update private.character_sheets
      set status = 'failed', reason = 'JOB_TIMEOUT', lease_token = null, lease_owner = null
      where character_id = v_sheet.character_id and looks = v_sheet.looks;
      v_sheet := null;
    elsif found then
      update private.character_sheets
      set
        lease_token = gen_random_uuid(),
        lease_owner = p_owner,
        available_at = now() + make_interval(secs => p_lease_seconds),
        attempts = attempts + 1
      where character_id = v_sheet.character_id and looks = v_sheet.looks
      returning * into v_sheet;
    end if;
  end if;
  return jsonb_build_object(
    'leased', case when v_sheet.character_id is not null then jsonb_build_object(
      'hero', v_sheet.hero,
      'looks', v_sheet.looks,
      'leaseToken', v_sheet.lease_token,
      'references', (select reference_states from public.characters where id = v_sheet.character_id)) end,
    'more', p_character_id is null and private.has_sheets());
end $$;
comment on function public.claim_sheet is
  'Leases the sheet of this character, or one that is due: {leased: null or {hero, looks, leaseToken, references}, more}.';

-- p_outcome: null while it is drawn, {status: ready}, or {status: pending or failed, reason}. What was paid for is recorded
-- whether or not the lease is in force.
create function public.note_sheet(p_character_id uuid, p_looks text, p_lease_token uuid, p_usage jsonb,
  p_outcome jsonb default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_payer public.asset_generation_jobs;
  v_sheet private.character_sheets;
  v_holds boolean;
  v_status text := p_outcome ->> 'status';
begin
  select owner_user_id into v_payer.user_id from public.characters where id = p_character_id for update;
  select * into v_sheet from private.character_sheets
  where character_id = p_character_id and looks = p_looks and lease_token = p_lease_token for update;
  v_holds := found;
  perform private.add_usage(v_payer, p_usage, not v_holds, v_payer.user_id);
  if v_holds and p_outcome is not null then
    if v_status = 'pending' and v_sheet.attempts >= private.sheet_attempts_max() then v_status := 'failed'; end if;
    update private.character_sheets
    set
      status = v_status,
      reason = case when v_status = 'failed' then p_outcome ->> 'reason' end,
      lease_token = null,
      lease_owner = null,
      available_at = now() + make_interval(secs => 30 * 2 ^ attempts)
    where character_id = p_character_id and looks = p_looks;
  end if;
  return jsonb_build_object('accepted', v_holds);
end $$;
comment on function public.note_sheet is
  'Says what was paid for a sheet, and how it turned out, which ends its lease: {accepted}. Under another lease only what was '
  'paid is noted. What is pending still is due again after a pause, and has failed after three claims.';
-- What follows from a change: inputs that are settled now, jobs that the same invocation goes on with, the story's row.

-- Jobs whose inputs are settled become claimable; jobs that can never have a text are cancelled with it.
create function private.settle_inputs(p_story_id uuid) returns void
  language plpgsql set search_path = '' as $$
begin
  update public.asset_generation_jobs j
  set
    status = 'cancelled',
    completed_at = now(),
    lease_expires_at = null,
    error_code = 'INPUT_FAILED',
    error_message = 'The story text could not be made'
  where j.story_id = p_story_id and j.asset_type <> 'content' and j.status in ('queued', 'generating')
    and exists (select from public.asset_generation_jobs c
      where c.story_id = p_story_id and c.asset_type = 'content' and c.status in ('failed', 'cancelled'));

  -- Whoever reads along while a text is written goes home with its writer; what they recorded is found again.
  update public.asset_generation_jobs j
  set status = 'queued', lease_token = null, lease_owner = null, lease_expires_at = null, available_at = now()
  where j.story_id = p_story_id and j.status = 'generating' and public.text_needed(j.asset_type) = 'beat'
    and exists (select from public.asset_generation_jobs t
      where t.story_id = p_story_id and t.asset_type = 'content' and t.asset_version = 0 and t.status = 'queued');

  -- What waited only for an input that stayed as it was has nothing to do. One asset after the other, for the book may wait
  -- for a scene that is restored just now.
  perform private.restore_version(j.id, null)
  from public.asset_generation_jobs j
  where j.story_id = p_story_id and j.status = 'queued' and j.queued_by_input and private.earlier_version_stands(j)
    and j.result -> 'madeFrom' = private.sources_of(j.story_id, j.asset_type)
    and not exists (select from public.asset_generation_jobs i
      where i.story_id = p_story_id and not private.is_settled(i.status)
        and (i.asset_type = 'content' or i.asset_type = any (public.asset_inputs(j.asset_type)))
        and not (i.status = 'queued' and i.queued_by_input));

  update public.asset_generation_jobs j
  set
    inputs_settled = true,
    claim_order = greatest(now(), j.available_at) + private.head_start(j.priority)
  where j.story_id = p_story_id and j.status = 'queued' and not j.inputs_settled
    -- Everything needs the text, a scene without a cover too; some no more of it than its outline, until they are made.
    and not exists (select from public.asset_generation_jobs i
      where i.story_id = p_story_id and i.id <> j.id
        and (i.asset_type = 'content' or i.asset_type = any (public.asset_inputs(j.asset_type)))
        and case
          when i.asset_type <> 'content' then not private.is_settled(i.status)
          when public.text_needed(j.asset_type) = 'outline' and private.finished_result(j) is null
            then i.status <> 'ready' and not private.outline_stands(i)
          else i.status <> 'ready' end);

  -- Pages that stayed behind when the text was written anew stand in no book beside others.
  perform private.end_without_version(j, 'failed', 'MISSING_REQUIRED_ASSETS', 'Some of its pages belong to an earlier text')
  from public.asset_generation_jobs j
  where j.story_id = p_story_id and j.asset_type = 'pdf' and j.status = 'queued' and j.inputs_settled
    and private.pages_of_another_text(p_story_id) <> '{}';
end $$;

-- The caller holds the claim turn.
create function private.lease_jobs(p_job_ids uuid[], p_owner text, p_lease_seconds integer) returns setof uuid
  language plpgsql set search_path = '' as $$
begin
  perform private.take_calls(p_job_ids);
  return query update public.asset_generation_jobs
  set
    status = 'generating',
    lease_token = gen_random_uuid(),
    lease_owner = p_owner,
    lease_expires_at = now() + make_interval(secs => p_lease_seconds),
    attempt = attempt + 1,
    started_at = now(),
    error_code = null,
    error_message = null,
    queued_by_input = false,
    sources = private.sources_of(story_id, asset_type)
  where id = any (p_job_ids)
  returning id;
end $$;

-- A snapshot that somebody holds keeps every dead row version, and an index scan visits each of them. So claims start at
-- a floor: no job that waits (or is at work) came there before it. It is the oldest such job, or the oldest transaction
-- that still runs and may bring an older one; the holder of a snapshot who writes nothing does not count. Kept in
-- sequences, because those are written in place and leave nothing dead.
create sequence private.queued_scan_floor as bigint minvalue 0 start 0;
create sequence private.generating_scan_floor as bigint minvalue 0 start 0;

-- A floor ahead of this very transaction is of another cluster, from a backup: everything is read then.
create function private.queued_floor() returns bigint language plpgsql stable set search_path = '' as $$
begin
  return (select case when last_value <= pg_current_xact_id()::text::bigint then last_value else 0 end
    from private.queued_scan_floor);
end $$;
create function private.generating_floor() returns bigint language plpgsql stable set search_path = '' as $$
begin
  return (select case when last_value <= pg_current_xact_id()::text::bigint then last_value else 0 end
    from private.generating_scan_floor);
end $$;

-- To be called before the transaction moves a job: what it takes back must not lie below the floor. Each floor comes
-- out of one statement, or a job could slip in between the oldest job and the oldest transaction.
create function private.advance_scan_floors() returns void language sql volatile set search_path = '' as $$
  select setval('private.queued_scan_floor', least(
    (select min(state_changed_xid) from public.asset_generation_jobs
      where status = 'queued' and inputs_settled and state_changed_xid >= private.queued_floor()),
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint));
  select setval('private.generating_scan_floor', least(
    (select min(state_changed_xid) from public.asset_generation_jobs
      where status = 'generating' and state_changed_xid >= private.generating_floor()),
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint));
$$;

-- Whether some job could be claimed now, of another story than this one. Computes with available_at, because its own
-- index would be read from the beginning.
create function private.others_can_be_claimed(p_not_now text[], p_story_id uuid) returns boolean
  language sql stable set search_path = '' as $$
  select exists (select from public.asset_generation_jobs
    where status = 'queued' and inputs_settled and state_changed_xid >= private.queued_floor()
      and available_at + interval '0' <= now() and asset_type <> all (p_not_now) and story_id is distinct from p_story_id)
$$;

create function private.jobs_in_flight() returns bigint language sql stable set search_path = '' as $$
  select count(*) from public.asset_generation_jobs
  where status = 'generating' and state_changed_xid >= private.generating_floor()
$$;

-- Whether an asset may be begun beside the writing of its text, by the one who writes it: its first beat stands.
create function private.may_read_along(p_job public.asset_generation_jobs, p_owner text) returns boolean
  language sql stable set search_path = '' as $$
  select public.text_needed(p_job.asset_type) = 'beat' and exists (select from public.asset_generation_jobs t
    where t.story_id = p_job.story_id and t.asset_type = 'content' and t.status = 'generating' and t.lease_owner = p_owner
      and private.outline_stands(t)
      and jsonb_array_length(t.checkpoint #> array[private.manuscript_key(t.versions_made + 1), 'beats']) > 0)
$$;

-- Leases the next jobs of one story to the invocation that just made them claimable, so that no dispatch stands
-- between a picture and the next. Only while there is room for everybody: under contention the worker decides fairly.
create function private.continue_story_here(p_story_id uuid, p_owner text, p_limit integer, p_lease_seconds integer,
  p_max_in_flight integer) returns uuid[]
  language plpgsql set search_path = '' as $$
declare
  v_ids uuid[];
  v_capacity jsonb;
begin
  if p_owner is null or p_limit <= 0 then return '{}'; end if;
  select array_agg(id) into v_ids from (
    select id from public.asset_generation_jobs j
    where story_id = p_story_id and status = 'queued' and available_at <= now()
      and (inputs_settled or private.may_read_along(j, p_owner)) and not private.travels_alone(retry_count)
    order by claim_order limit p_limit for update) as next_jobs;
  -- Without a claim turn: most changes make nothing claimable, and must not wait for the claims of others.
  if v_ids is null then return '{}'; end if;

  perform private.take_claim_turn();
  v_capacity := private.provider_capacity();
  v_ids := private.jobs_within_budget(private.jobs_within_capacity(v_ids, v_capacity));
  -- Under the cap all or none: with half of them here a worker would have to be woken for the rest anyway.
  if cardinality(v_ids) = 0 or private.jobs_in_flight() + cardinality(v_ids) > p_max_in_flight then return '{}'; end if;
  if private.others_can_be_claimed(private.assets_at_limit(v_capacity) || private.assets_over_budget(), p_story_id) then
    return '{}';
  end if;
  return array(select private.lease_jobs(v_ids, p_owner, p_lease_seconds));
end $$;

-- What every verb ends with: settle what follows, lease it to the caller where that is allowed, write the story once.
-- Answers how many jobs are claimable (the caller wakes the worker when there are any): those of the story, and one more
-- when a job of another waits for a slot that is free now; and the jobs leased to the caller.
create function private.settle_and_continue(p_story_id uuid, p_patch jsonb default '{}'::jsonb,
  p_continue jsonb default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_ids uuid[] := '{}';
  v_claimable bigint;
  v_written jsonb;
  v_patch jsonb;
begin
  perform private.settle_inputs(p_story_id);
  v_patch := p_patch || private.publish_new_text(p_story_id);
  if p_continue is not null then
    v_ids := private.continue_story_here(p_story_id, p_continue ->> 'owner', (p_continue ->> 'limit')::integer,
      (p_continue ->> 'leaseSeconds')::integer, (p_continue ->> 'maxInFlight')::integer);
  end if;
  v_written := private.refresh_story_status(p_story_id, v_patch);
  select count(*) + private.waiting_jobs_with_free_slot() into v_claimable from public.asset_generation_jobs
  where story_id = p_story_id and status = 'queued' and inputs_settled;
  return v_written || jsonb_build_object(
    'claimable', v_claimable,
    'leased', private.leased_jobs(v_ids),
    'view', case when cardinality(v_ids) > 0 then private.story_view(p_story_id) end,
    'text', case when cardinality(v_ids) > 0 then private.text_for(p_story_id, p_continue) end,
    'summary', private.story_summary(p_story_id));
end $$;
-- Leases that end without a result: handed back, run out, or left by an invocation that died.
--
-- Lock order everywhere: the story's row, without which nobody writes its jobs, then the claim turn, then the user's row.

-- From so many claims on, one that never came to work is counted as a retry, so that a job does not come and go for ever.
create function private.unstarted_claims_max() returns integer language sql immutable set search_path = '' as $$
  select 20
$$;

-- Leases that one claim or sweep settles at most, so that its transaction stays short.
create function private.expiry_batch() returns integer language sql immutable set search_path = '' as $$
  select 100
$$;

-- Hands a claimed job back: it could not be invoked, or the invocation has no time left for it. What was paid for is told.
create function public.release_job(p_job_id uuid, p_lease_token uuid, p_delay_seconds double precision default 0,
  p_usage jsonb default null) returns jsonb language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs;
  v_stale text;
begin
  perform from public.stories where id = (select story_id from public.asset_generation_jobs where id = p_job_id) for update;
  select * into v_job from public.asset_generation_jobs where id = p_job_id for update;
  v_stale := private.is_stale(v_job, p_lease_token);
  perform private.record_usage(v_job, p_usage, v_stale);
  if v_stale is not null then return jsonb_build_object('accepted', false, 'reason', v_stale); end if;
  update public.asset_generation_jobs
  set
    status = 'queued',
    lease_token = null,
    lease_owner = null,
    lease_expires_at = null,
    available_at = now() + make_interval(secs => p_delay_seconds),
    claim_order = now() + make_interval(secs => p_delay_seconds) + private.head_start(priority)
  where id = p_job_id;
  return '{"accepted": true}'::jsonb || private.settle_and_continue(v_job.story_id);
end $$;

-- The verdict on a job whose worker is gone: back to the queue while retries remain, else failed. The caller holds the
-- story's lock. Answers whether it goes on.
create function private.retry_or_fail_expired_job(p_job public.asset_generation_jobs) returns boolean
  language plpgsql set search_path = '' as $$
declare
  v_goes_on boolean := p_job.retry_count < public.max_retries(p_job.asset_type);
  v_patch jsonb := '{}'::jsonb;
begin
  perform private.record_attempt_error(p_job.id, 'JOB_TIMEOUT', 'Job timeout');
  if v_goes_on then
    update public.asset_generation_jobs
    set
      status = 'queued',
      retry_count = retry_count + 1,
      progress = 0,
      lease_token = null,
      lease_owner = null,
      lease_expires_at = null,
      available_at = now(),
      claim_order = now() + private.head_start(priority)
    where id = p_job.id;
  else
    v_patch := private.end_without_version(p_job, 'failed', 'JOB_TIMEOUT', 'Job timeout');
    -- The worker may be alive after all: what it brings late must not pass for an answer that was lost.
    update public.asset_generation_jobs set lease_token = null where id = p_job.id;
  end if;
  perform private.settle_and_continue(p_job.story_id, v_patch);
  return v_goes_on;
end $$;

-- How those of these stories ended that this transaction ended; null when it ended none.
create function private.story_summaries(p_story_ids uuid[]) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_agg(summary)
  from (select distinct unnest(p_story_ids) as id) as s, private.story_summary(s.id) as summary
  where summary is not null
$$;

-- Settles jobs whose worker stopped extending its lease. Takes only what nobody holds, in a bounded batch, one verdict
-- per job.
create function private.expire_leases(p_limit integer) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs;
  v_requeued integer := 0;
  v_expired integer := 0;
  v_stories uuid[] := '{}';
begin
  for v_job in
    select j.* from public.asset_generation_jobs j join public.stories s on s.id = j.story_id
    where j.status = 'generating' and j.state_changed_xid >= private.generating_floor() and j.lease_expires_at < now()
    order by j.lease_expires_at limit p_limit for update of s skip locked
  loop
    -- A heartbeat may have come before the lock, or the text failed in this batch and cancelled what needs it.
    continue when not exists (select from public.asset_generation_jobs
      where id = v_job.id and status = 'generating' and lease_expires_at < now());
    if private.retry_or_fail_expired_job(v_job) then
      v_requeued := v_requeued + 1;
    else
      v_expired := v_expired + 1;
      v_stories := v_stories || v_job.story_id;
    end if;
  end loop;
  return jsonb_strip_nulls(jsonb_build_object('expired', v_expired, 'requeued', v_requeued,
    'ended', private.story_summaries(v_stories)));
end $$;

-- What a dead invocation held: leases it owned, claims it had not handed over, and the claims its event named that it
-- never got to start. A token that another invocation started is not among them.
create function private.jobs_leased_to_request(p_request_id text, p_tokens uuid[])
  returns setof public.asset_generation_jobs language sql stable set search_path = '' as $$
  select * from public.asset_generation_jobs
  where status = 'generating' and (starts_with(lease_owner, p_request_id || '/')
    or lease_owner = 'claim:' || p_request_id or starts_with(lease_owner, 'claim:' || p_request_id || '/')
    or (lease_token = any (p_tokens) and not private.is_started(lease_owner)))
$$;

-- Ends those leases now. A claim whose work never began cost no attempt: it goes back after a pause, so that a function
-- that cannot start does not spin; but not for ever.
create function private.expire_leases_of_request(p_limit integer, p_request_id text, p_tokens uuid[]) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs;
  v_requeued integer := 0;
  v_expired integer := 0;
  v_stories uuid[] := '{}';
begin
  -- In the order of their ids, as report_progress locks several stories, or the two could wait for each other.
  perform from public.stories
  where id in (select story_id from private.jobs_leased_to_request(p_request_id, p_tokens)) order by id for update;
  for v_job in
    select * from private.jobs_leased_to_request(p_request_id, p_tokens) order by lease_expires_at limit p_limit
  loop
    -- A text that failed in this batch has cancelled what needs it.
    continue when not exists (select from public.asset_generation_jobs where id = v_job.id and status = 'generating');
    if not private.is_started(v_job.lease_owner) and v_job.attempt < private.unstarted_claims_max() then
      perform public.release_job(v_job.id, v_job.lease_token, 5);
      v_requeued := v_requeued + 1;
    elsif private.retry_or_fail_expired_job(v_job) then
      v_requeued := v_requeued + 1;
    else
      v_expired := v_expired + 1;
      v_stories := v_stories || v_job.story_id;
    end if;
  end loop;
  return jsonb_strip_nulls(jsonb_build_object('expired', v_expired, 'requeued', v_requeued,
    'ended', private.story_summaries(v_stories)));
end $$;

create function public.expire_stuck_jobs(p_limit integer default 100, p_dead_request text default null,
  p_lease_tokens uuid[] default '{}', p_new_story uuid default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  -- A statement of its own, or the questions below would be answered as of before it.
  v_counts jsonb := case when p_dead_request is null then private.expire_leases(p_limit)
    else private.expire_leases_of_request(p_limit, p_dead_request, p_lease_tokens) end;
begin
  if p_dead_request is null then
    perform private.learn_medians();
    perform private.release_snapshots();
  end if;
  if p_dead_request is not null then
    perform private.release_limit_waiter('claim:' || p_dead_request);
    perform private.release_deletions_of(p_dead_request);
  end if;
  perform private.tidy_spending();
  perform private.tidy_requests();
  if p_new_story is not null then
    -- The grace its own invocation had is over. Once only: whoever claims it now counts an attempt.
    perform from public.stories where id = p_new_story for update;
    update public.asset_generation_jobs set available_at = now()
    where story_id = p_new_story and asset_type = 'content' and status = 'queued' and attempt = 0 and available_at > now();
  end if;
  return v_counts || jsonb_build_object(
    'tidy', private.has_history() or private.has_names_to_forget(),
    'spentTodayUsd', (select coalesce(sum(spent_usd), 0) from private.spending
      where day = private.today() and payer = private.platform()),
    'more', case when p_dead_request is null
      then exists (select from public.asset_generation_jobs where status = 'generating' and lease_expires_at < now())
      else exists (select from private.jobs_leased_to_request(p_dead_request, p_lease_tokens)) end,
    -- The worker hands deletions and snapshots on as well.
    'claimable', private.has_deletions() or private.has_snapshots() or exists (select from public.asset_generation_jobs
      where status = 'queued' and inputs_settled and available_at <= now()));
end $$;
comment on function public.expire_stuck_jobs is
  'Settles leases that ran out, or those of an invocation known to be dead: {expired, requeued, ended, more, claimable, tidy}.';
-- Getting a lease and working under it: start_content, claim_asset_jobs, start_assets, report_progress.
--
-- Claiming takes stories with SKIP LOCKED and waits for none; it says `more` when it passed something over.

-- Grants the text job of a story to one invocation: with the lease of a claim, or by claiming it here. A second
-- delivery of the same event is not granted, for the first one owns the lease by then.
create function public.start_content(p_story_id uuid, p_owner text, p_lease_token uuid default null,
  p_lease_seconds integer default 60, p_max_in_flight integer default 1000) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs;
  v_stale text;
begin
  perform from public.stories where id = p_story_id for update;
  if not found then return jsonb_build_object('granted', false, 'reason', 'NO_SUCH_STORY'); end if;
  select * into v_job from public.asset_generation_jobs where story_id = p_story_id and asset_type = 'content' for update;

  -- The first attempt need not wait for available_at: that is the grace which keeps sweeps away from this very invocation.
  if p_lease_token is null and v_job.status = 'queued' and (v_job.attempt = 0 or v_job.available_at <= now()) then
    perform private.take_claim_turn();
    if private.jobs_in_flight() >= p_max_in_flight
      or 'content' = any (private.assets_at_limit(private.provider_capacity())) then
      update public.asset_generation_jobs set available_at = now() where id = v_job.id;
      return jsonb_build_object('granted', false, 'reason', 'AT_CAPACITY');
    end if;
    if private.jobs_within_budget(array[v_job.id]) = '{}' then
      -- As above, unless it waits for its user's money by now: no worker waits for a moment at which nothing can begin.
      update public.asset_generation_jobs set available_at = now()
      where id = v_job.id and available_at = v_job.available_at;
      return jsonb_build_object('granted', false, 'reason', 'AT_CAPACITY');
    end if;
    perform private.lease_jobs(array[v_job.id], p_owner, p_lease_seconds);
    perform private.refresh_story_status(p_story_id, '{}'::jsonb);
  elsif v_job.status = 'generating' and v_job.lease_owner = p_owner then
    null; -- The first answer was lost on its way; give it again.
  else
    v_stale := coalesce(
      private.is_stale(v_job, p_lease_token),
      case when private.is_started(v_job.lease_owner) then 'LEASE_LOST' end);
    if v_stale is not null then return jsonb_build_object('granted', false, 'reason', v_stale); end if;
    update public.asset_generation_jobs
    set lease_owner = p_owner, lease_expires_at = now() + make_interval(secs => p_lease_seconds) where id = v_job.id;
  end if;
  return jsonb_build_object('granted', true, 'job', private.leased_jobs(array[v_job.id]) -> 0,
    'story', private.story_payload(p_story_id));
end $$;

-- Up to so many waiting jobs are read whole by a claim; of a longer queue only the first jobs of each user are.
create function private.short_queue_max() returns integer language sql immutable set search_path = '' as $$
  select 200
$$;

-- Chooses up to p_limit jobs. Users take turns, those with the fewest jobs in flight first; within a user and a turn the
-- smallest claim_order wins, which is priority first and age in the end. Passes over the assets in p_not_now, whose
-- provider takes no calls at the moment. Planned anew each time: one plan for every limit knows of none.
create function private.choose_jobs(p_limit integer, p_not_now text[] default '{}') returns uuid[]
  language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
begin
  return (
  -- One more than is short, which says whether the queue is; read from the floor on, by an index in the order of arrival.
  with recursive arrived as materialized (
    select id, user_id, claim_order, available_at, asset_type from public.asset_generation_jobs
    where status = 'queued' and inputs_settled and state_changed_xid >= private.queued_floor()
    order by state_changed_xid limit private.short_queue_max() + 1
  ),
  queue as (select count(*) <= private.short_queue_max() as is_short from arrived),
  -- The users of a long queue, from one to the next by the index, for `distinct` would read every job of each.
  waiting_users as (
    (select user_id from public.asset_generation_jobs
      where status = 'queued' and inputs_settled and not (select is_short from queue) order by user_id limit 1)
    union all
    select (select j.user_id from public.asset_generation_jobs j
      where j.status = 'queued' and j.inputs_settled and j.user_id > w.user_id order by j.user_id limit 1)
    from waiting_users w where w.user_id is not null
  ),
  in_flight as (
    select user_id, count(*) as jobs from public.asset_generation_jobs
    where status = 'generating' and state_changed_xid >= private.generating_floor() group by user_id
  ),
  -- Nobody's second job goes before a user whose first one does not.
  next_users as (
    select w.user_id from waiting_users w
    cross join lateral (
      select j.claim_order from public.asset_generation_jobs j
      where j.user_id = w.user_id and j.status = 'queued' and j.inputs_settled and j.available_at <= now()
        and j.asset_type <> all (p_not_now)
      order by j.claim_order limit 1) first_job
    left join in_flight f on f.user_id = w.user_id
    where w.user_id is not null
    order by coalesce(f.jobs, 0), first_job.claim_order limit p_limit
  ),
  claimable as (
    select id, user_id, claim_order from arrived
    where (select is_short from queue) and available_at <= now() and asset_type <> all (p_not_now)
    union all
    select c.id, u.user_id, c.claim_order
    from next_users u
    cross join lateral (
      select j.id, j.claim_order from public.asset_generation_jobs j
      where j.user_id = u.user_id and j.status = 'queued' and j.inputs_settled and j.available_at <= now()
        and j.asset_type <> all (p_not_now)
      order by j.claim_order limit p_limit) c
  ),
  -- Who has three jobs in flight begins with the fourth turn.
  candidates as (
    select c.id, c.claim_order,
      coalesce(f.jobs, 0) + row_number() over (partition by c.user_id order by c.claim_order) as turn
    from claimable c left join in_flight f on f.user_id = c.user_id
  )
  select coalesce(array_agg(id order by turn, claim_order), '{}')
  from (select * from candidates order by turn, claim_order limit p_limit) as chosen
  );
end $$;

create function public.claim_asset_jobs(p_limit integer default 10, p_lease_seconds integer default 60,
  p_max_in_flight integer default 1000, p_owner text default null, p_wait_seconds double precision default 60)
  returns jsonb language plpgsql set search_path = '' as $$
declare
  v_room bigint;
  v_capacity jsonb;
  v_ids uuid[];
  v_story uuid;
  v_too_dear text[];
  v_expired jsonb;
begin
  perform private.advance_scan_floors();
  v_expired := private.expire_leases(private.expiry_batch());
  perform private.take_claim_turn();
  v_capacity := private.provider_capacity();
  -- The same call again, because its answer was lost: what it claimed is still leased to it.
  v_ids := array(select id from public.asset_generation_jobs where status = 'generating' and lease_owner = p_owner
    and state_changed_xid >= private.generating_floor());
  v_room := least(p_limit, p_max_in_flight - private.jobs_in_flight());
  if cardinality(v_ids) = 0 and v_room > 0 then
    v_ids := private.jobs_within_capacity(
      private.choose_jobs(v_room::integer, private.assets_at_limit(v_capacity) || private.assets_over_budget()),
      v_capacity);
    v_ids := array(
      select j.id from public.asset_generation_jobs j join public.stories s on s.id = j.story_id
      where j.id = any (v_ids)
      for update of s skip locked);
    -- What happened to them before their stories were locked, and nothing after: whoever writes a job locks its story.
    v_ids := private.jobs_within_budget(array(select id from public.asset_generation_jobs
      where id = any (v_ids) and status = 'queued' and inputs_settled and available_at <= now()));
    perform private.lease_jobs(v_ids, p_owner, p_lease_seconds);
    for v_story in select distinct story_id from public.asset_generation_jobs where id = any (v_ids) loop
      perform private.refresh_story_status(v_story, '{}'::jsonb);
    end loop;
    -- Without any limit it is null before and after.
    if v_capacity is not null then v_capacity := private.provider_capacity(); end if;
  end if;
  v_too_dear := private.assets_over_budget();
  return jsonb_build_object(
    'jobs', private.leased_jobs(coalesce(v_ids, '{}')),
    'ended', v_expired -> 'ended',
    'deletions', private.has_deletions() or private.has_snapshots() or private.has_references()
      or private.has_sheets(),
    'deliveries', private.has_overdue_deliveries(),
    'more', v_room > 0 and p_max_in_flight > private.jobs_in_flight()
      and private.others_can_be_claimed(private.assets_at_limit(v_capacity) || v_too_dear, null),
    -- What is left behind: by the cap, a limit, or for want of money.
    'oldestClaimableSeconds', (select extract(epoch from now() - min(available_at)) from public.asset_generation_jobs
      where status = 'queued' and inputs_settled and available_at <= now()),
    -- A pause of what there is money for that ends, a provider that takes calls again, or a lease that missed its
    -- heartbeats (each restores it in full) and will end: one caller at a time is told.
    'nextInSeconds', extract(epoch from private.wait_for(least(
      private.next_capacity_at(v_capacity),
      (select min(available_at) from public.asset_generation_jobs
        where status = 'queued' and inputs_settled and available_at > now() and asset_type <> all (v_too_dear)),
      (select min(lease_expires_at) from public.asset_generation_jobs
        where status = 'generating' and state_changed_xid >= private.generating_floor()
          and lease_expires_at < now() + make_interval(secs => p_lease_seconds * 0.5))),
      p_owner, p_wait_seconds) - now()));
end $$;
comment on function public.claim_asset_jobs is
  'Claims up to p_limit jobs, never more than p_max_in_flight in all: {jobs, ended, more, oldestClaimableSeconds, nextInSeconds}.';

-- An invocation takes up the jobs that were claimed for it and reads what it needs, in one round trip.
create function public.start_assets(p_story_id uuid, p_jobs jsonb, p_owner text, p_lease_seconds integer default 60)
  returns jsonb language plpgsql set search_path = '' as $$
declare
  v_ids uuid[];
begin
  perform from public.stories where id = p_story_id for update;
  with started as (
    update public.asset_generation_jobs j
    set lease_owner = p_owner, lease_expires_at = now() + make_interval(secs => p_lease_seconds)
    from jsonb_to_recordset(p_jobs) as w ("jobId" uuid, "leaseToken" uuid)
    where j.id = w."jobId" and j.story_id = p_story_id and j.status = 'generating'
      and j.lease_token = w."leaseToken" and (not private.is_started(j.lease_owner) or j.lease_owner = p_owner)
    returning j.id)
  select coalesce(array_agg(id), '{}') into v_ids from started;
  return jsonb_build_object('jobs', private.leased_jobs(v_ids), 'story', private.story_payload(p_story_id));
end $$;

-- As far as an asset may be said to be before its result is there.
create function private.progress_max() returns smallint language sql immutable set search_path = '' as $$
  select 95::smallint
$$;

-- What a checkpoint holds after a report. Two reports of one attempt may arrive in the other order: what the one found out of
-- the pictures of a text stays beside what the other did.
create function private.merge_checkpoints(p_kept jsonb, p_new jsonb) returns jsonb
  language sql immutable set search_path = '' as $$
  select p_kept || coalesce(p_new, '{}'::jsonb) || coalesce(jsonb_object_agg(key,
    (p_kept -> key) || jsonb_strip_nulls(value) || jsonb_build_object('scenes',
      coalesce(p_kept #> array[key, 'scenes'], '{}'::jsonb) || coalesce(value -> 'scenes', '{}'::jsonb))), '{}'::jsonb)
  from jsonb_each(p_new)
  where key like 'art-%' and p_kept ? key
$$;

-- What an invocation reports of all its jobs: extends the leases, merges metadata and checkpoints, raises progress.
-- Answers the jobs that are no longer the caller's, so that it stops paying for them, and whether something is still to be
-- shown: {lost, deferred}.
create function public.report_progress(p_jobs jsonb, p_lease_seconds integer default 60) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_story record;
  v_deferred boolean := false;
begin
  perform from public.stories
  where id in (select j.story_id from jsonb_to_recordset(p_jobs) as w ("jobId" uuid)
    join public.asset_generation_jobs j on j.id = w."jobId")
  order by id for update;

  update public.asset_generation_jobs j
  set
    lease_expires_at = now() + make_interval(secs => p_lease_seconds),
    -- Never back, and never nearly done before the asset is there.
    progress = greatest(j.progress, least(coalesce(w."progress", 0), private.progress_max())),
    metadata = j.metadata || coalesce(w."metadata", '{}'::jsonb),
    checkpoint = private.merge_checkpoints(j.checkpoint, w."checkpoint")
  from jsonb_to_recordset(p_jobs) as w (
    "jobId" uuid, "leaseToken" uuid, "progress" smallint, "metadata" jsonb, "checkpoint" jsonb)
  where j.id = w."jobId" and j.status = 'generating' and j.lease_token = w."leaseToken";

  -- A heartbeat that changes nothing a reader sees sends no Realtime event; and mere progress is shown once a second at
  -- most, however many invocations work at the story: the next heartbeat shows what this one may not.
  for v_story in
    select s.id, bool_or(w."metadata" is not null) or s.updated_at <= now() - interval '1 second' as is_due
    from jsonb_to_recordset(p_jobs) as w ("jobId" uuid, "leaseToken" uuid, "metadata" jsonb)
    join public.asset_generation_jobs j
      on j.id = w."jobId" and j.status = 'generating' and j.lease_token = w."leaseToken"
    join public.stories s on s.id = j.story_id
    where w."metadata" is not null
      or j.progress > coalesce((s.asset_generation_status #>> array['assets', j.asset_type, 'progress'])::integer, 0)
    group by s.id
  loop
    if v_story.is_due then
      perform private.refresh_story_status(v_story.id, '{}'::jsonb);
    else
      v_deferred := true;
    end if;
  end loop;
  perform private.record_usage(j, w."usage", private.is_stale(j, w."leaseToken"))
  from jsonb_to_recordset(p_jobs) as w ("jobId" uuid, "leaseToken" uuid, "usage" jsonb)
  left join public.asset_generation_jobs j on j.id = w."jobId" where w."usage" is not null;
  perform private.take_extra_calls((
    select jsonb_object_agg(kind, calls) from (
      select e.key as kind, sum(e.value::integer) as calls
      from jsonb_to_recordset(p_jobs) as w ("extraCalls" jsonb), jsonb_each_text(w."extraCalls") as e (key, value)
      group by e.key) as taken));

  return case when v_deferred then '{"deferred": true}'::jsonb else '{}'::jsonb end || jsonb_build_object('lost', (
    select coalesce(
      jsonb_agg(jsonb_build_object('jobId', w."jobId", 'reason', private.is_stale(j, w."leaseToken"))), '[]'::jsonb)
    from jsonb_to_recordset(p_jobs) as w ("jobId" uuid, "leaseToken" uuid)
    left join public.asset_generation_jobs j on j.id = w."jobId"
    where private.is_stale(j, w."leaseToken") is not null));
end $$;

-- The heartbeat, by a name of its own: it comes every few seconds, and is counted apart from what a story needs. Whoever
-- counts calls, the gateway of the local stack or the log of a hosted project, sees method and path and no argument.
create function public.extend_leases(p_jobs jsonb, p_lease_seconds integer default 60) returns jsonb
  language sql set search_path = '' as $$
  select public.report_progress(p_jobs, p_lease_seconds)
$$;
comment on function public.extend_leases is 'The heartbeat of one invocation for all its jobs, as report_progress.';
-- Ending a job: save_story_content, complete_job, fail_job. Each takes the lease token, refuses a stale one, may be
-- repeated when its answer was lost, and leases what follows to the caller when asked to (p_continue).

create function private.lock_job(p_job_id uuid) returns public.asset_generation_jobs
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs;
begin
  perform from public.stories where id = (select story_id from public.asset_generation_jobs where id = p_job_id) for update;
  select * into v_job from public.asset_generation_jobs where id = p_job_id for update;
  return v_job;
end $$;

-- The answer to a repeated call whose effect is already there: the jobs it leased to this owner are still leased to it,
-- but for those it names in `holding`, which it had before.
create function private.replayed_settlement(p_story_id uuid, p_continue jsonb) returns jsonb
  language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'accepted', true,
    'replayed', true,
    'overall', s.asset_generation_status ->> 'overall',
    'view', private.story_view(s.id),
    'text', private.text_for(s.id, p_continue),
    'claimable', (select count(*) from public.asset_generation_jobs
      where story_id = s.id and status = 'queued' and inputs_settled),
    'leased', private.leased_jobs(array(select id from public.asset_generation_jobs
      where story_id = s.id and status = 'generating' and lease_owner = p_continue ->> 'owner'
        and asset_type <> all (array(select jsonb_array_elements_text(coalesce(p_continue -> 'holding', '[]'::jsonb)))))))
  from public.stories s where s.id = p_story_id
$$;

-- An invocation goes on with the story only while it works from the text that the others are made from.
create function private.may_continue(p_job public.asset_generation_jobs, p_continue jsonb) returns jsonb
  language sql stable set search_path = '' as $$
  select case when p_job.asset_type = 'content'
    or p_job.sources -> 'content' = to_jsonb(private.text_version_to_be(p_job.story_id)) then p_continue end
$$;

-- Where the narration was ready before the book, and brought the page of this very version: that page plays it.
create function private.page_with_voice(p_book public.asset_generation_jobs, p_version integer) returns jsonb
  language sql stable set search_path = '' as $$
  select coalesce((select jsonb_build_object('htmlUrl', result #> '{page,url}') from public.asset_generation_jobs
    where story_id = p_book.story_id and p_book.asset_type = 'pdf' and asset_type = 'audio' and status = 'ready'
      and result #> '{page,of}' = to_jsonb(p_version)), '{}'::jsonb)
$$;

create function public.complete_job(p_job_id uuid, p_lease_token uuid, p_result jsonb, p_usage jsonb default null,
  p_continue jsonb default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs := private.lock_job(p_job_id);
  v_stale text := private.is_stale(v_job, p_lease_token);
  v_version integer := v_job.versions_made + 1;
  v_metadata jsonb := v_job.metadata - 'previewUrl' || coalesce(p_result -> 'metadata', '{}'::jsonb)
    || private.page_with_voice(v_job, v_version);
  v_result jsonb := p_result - 'url'
    || jsonb_build_object('completedAt', now(), 'madeFrom', v_job.sources, 'metadata', v_metadata);
begin
  perform private.record_usage(v_job, p_usage, v_stale);
  -- The token stays with a finished job, and so tells a repeated call from a late one.
  if v_job.status = 'ready' and v_job.lease_token = p_lease_token then
    return private.replayed_settlement(v_job.story_id, p_continue);
  end if;
  if v_stale is not null then return jsonb_build_object('accepted', false, 'reason', v_stale); end if;
  -- What was begun from its outline is shown no sooner than the text, which may come to nothing. The lease stays while
  -- somebody writes; else the result is kept, for the text may wait for hours.
  if v_job.asset_type <> 'content' and private.text_version(v_job.story_id) = 0 then
    if exists (select from public.asset_generation_jobs
      where story_id = v_job.story_id and asset_type = 'content' and status = 'generating') then
      return jsonb_build_object('accepted', false, 'reason', 'TEXT_NOT_READY');
    end if;
    update public.asset_generation_jobs
    set
      status = 'queued',
      inputs_settled = false,
      checkpoint = checkpoint || jsonb_build_object('finished', jsonb_build_object('options', options, 'result', p_result)),
      lease_token = null,
      lease_owner = null,
      lease_expires_at = null,
      available_at = now()
    where id = p_job_id;
    return '{"accepted": true, "waitsForText": true}'::jsonb || private.settle_and_continue(v_job.story_id);
  end if;

  insert into public.asset_versions (
    story_id, asset_type, version, text_version, url, result, options, asked_by, started_at)
  values (
    v_job.story_id,
    v_job.asset_type,
    v_version,
    case v_job.asset_type when 'content' then v_version else coalesce((v_job.sources ->> 'content')::integer, 0) end,
    p_result ->> 'url',
    v_result,
    v_job.options,
    v_job.asked_by,
    v_job.started_at);
  update public.asset_generation_jobs
  set
    status = 'ready',
    progress = 100,
    url = p_result ->> 'url',
    result = private.job_result(v_result),
    is_placeholder = false,
    asset_version = v_version,
    versions_made = v_version,
    metadata = v_metadata,
    lease_owner = null,
    lease_expires_at = null,
    completed_at = now(),
    error_code = null,
    error_message = null,
    last_error = null
  where id = p_job_id;
  -- A narration that was ready after the book brings the page that plays it.
  if p_result ? 'page' then
    update public.asset_generation_jobs
    set metadata = metadata || jsonb_build_object('htmlUrl', p_result #> '{page,url}')
    where story_id = v_job.story_id and asset_type = 'pdf' and status = 'ready'
      and to_jsonb(asset_version) = p_result #> '{page,of}';
  end if;

  return '{"accepted": true}'::jsonb || private.settle_and_continue(v_job.story_id,
    -- What belongs to a new text is shown with all of it.
    case when v_job.shown is null then private.story_columns(v_job.asset_type, v_result) else '{}'::jsonb end,
    private.may_continue(v_job, p_continue));
end $$;
comment on function public.complete_job is
  'Settles a job as ready with {url, data, colors, words, blocks, metadata, page}: {accepted, overall, claimable, leased, '
  'summary}. Before there is a text: refused with TEXT_NOT_READY while one is written, else kept for it (waitsForText).';

-- What stands of a text while it is written: {outline, beats}. Whatever needs no more of it is claimable from then on, and
-- readers of a story without a text see it grow.
create function public.save_manuscript(p_job_id uuid, p_lease_token uuid, p_manuscript jsonb, p_progress integer default 0,
  p_lease_seconds integer default 60, p_continue jsonb default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs := private.lock_job(p_job_id);
  v_stale text := private.is_stale(v_job, p_lease_token);
  v_key text := private.manuscript_key(v_job.versions_made + 1);
  v_patch jsonb := '{}'::jsonb;
begin
  if v_stale is not null then return jsonb_build_object('accepted', false, 'reason', v_stale); end if;
  -- The same call again, because its answer was lost, or one that was overtaken.
  if jsonb_array_length(v_job.checkpoint #> array[v_key, 'beats']) >= jsonb_array_length(p_manuscript -> 'beats') then
    return private.replayed_settlement(v_job.story_id, p_continue);
  end if;
  update public.asset_generation_jobs
  set
    checkpoint = checkpoint || jsonb_build_object(v_key, p_manuscript),
    progress = greatest(progress, least(p_progress, private.progress_max())),
    lease_expires_at = now() + make_interval(secs => p_lease_seconds)
  where id = p_job_id;
  if v_job.shown is null and v_job.asset_version = 0 then
    v_patch := jsonb_build_object('title', p_manuscript #> '{outline,title}');
    if p_manuscript #> '{beats,0}' is not null then
      v_patch := v_patch || jsonb_build_object('content', jsonb_build_object('title', p_manuscript #> '{outline,title}',
        'beats', p_manuscript -> 'beats', 'moral', ''));
    end if;
  end if;
  return '{"accepted": true}'::jsonb || private.settle_and_continue(v_job.story_id, v_patch, p_continue);
end $$;
comment on function public.save_manuscript is
  'Saves what stands of a text that is being written, {outline, beats}: {accepted, overall, claimable, leased}.';

create function public.save_story_content(p_job_id uuid, p_lease_token uuid, p_title text, p_content jsonb,
  p_usage jsonb default null, p_continue jsonb default null) returns jsonb
  language sql set search_path = '' as $$
  select public.complete_job(p_job_id, p_lease_token, jsonb_build_object('title', p_title, 'content', p_content),
    p_usage, p_continue)
$$;

-- How long a provider's rate limit may hold a job up before such attempts count as retries.
create function private.rate_limit_grace() returns interval language sql immutable set search_path = '' as $$
  select interval '30 minutes'
$$;

-- Ends an attempt that failed: back to the queue after a pause while it is retryable and retries remain, else failed,
-- with a placeholder url where one was made.
-- A rate limit is nobody's failure: the job keeps its place and its retries, and with a Retry-After every job that makes
-- such calls waits as long. Without one this job waits as long as it has been held up so far, 2 to 60 s.
create function public.fail_job(p_job_id uuid, p_lease_token uuid, p_error_code text, p_error_message text,
  p_retryable boolean, p_retry_after_seconds double precision default null, p_placeholder jsonb default null,
  p_usage jsonb default null, p_continue jsonb default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_job public.asset_generation_jobs := private.lock_job(p_job_id);
  v_stale text := private.is_stale(v_job, p_lease_token);
  v_jitter double precision := private.retry_jitter(p_job_id, v_job.attempt);
  v_limited boolean := p_retryable and p_error_code = 'RATE_LIMITED'
    and coalesce(v_job.limited_since, now()) > now() - private.rate_limit_grace();
  v_pause interval;
  v_patch jsonb := '{}'::jsonb;
begin
  perform private.record_usage(v_job, p_usage, v_stale);
  -- `ready` is a try that failed and was restored to the version that stands.
  if v_job.status in ('failed', 'queued', 'ready') and v_job.lease_token = p_lease_token then
    return private.replayed_settlement(v_job.story_id, p_continue);
  end if;
  if v_stale is not null then return jsonb_build_object('accepted', false, 'reason', v_stale); end if;

  perform private.record_attempt_error(p_job_id, p_error_code, p_error_message);
  if v_limited then
    v_pause := make_interval(secs => coalesce(p_retry_after_seconds,
      v_jitter * greatest(2, least(60, coalesce(extract(epoch from now() - v_job.limited_since), 0)))));
    -- Its claim_order stays, and its progress: nothing of the attempt was wrong.
    update public.asset_generation_jobs
    set
      status = 'queued',
      limited_since = coalesce(limited_since, now()),
      lease_owner = null,
      lease_expires_at = null,
      available_at = now() + v_pause,
      error_code = p_error_code,
      error_message = p_error_message
    where id = p_job_id;
    if p_retry_after_seconds is not null then
      perform private.pause_calls(v_job.asset_type, now() + v_pause);
    end if;
  elsif p_retryable and v_job.retry_count < public.max_retries(v_job.asset_type) then
    v_pause := make_interval(secs => coalesce(p_retry_after_seconds,
      public.retry_delay_seconds(v_job.asset_type, v_job.retry_count) * v_jitter));
    update public.asset_generation_jobs
    set
      status = 'queued',
      retry_count = retry_count + 1,
      progress = 0,
      lease_owner = null,
      lease_expires_at = null,
      available_at = now() + v_pause,
      claim_order = now() + v_pause + private.head_start(priority),
      error_code = p_error_code,
      error_message = p_error_message
    where id = p_job_id;
    -- The caller may get the retry in the same breath; readers see `retrying` before progress starts over.
    if p_continue is not null then perform private.refresh_story_status(v_job.story_id, '{}'::jsonb); end if;
  else
    v_patch := private.end_without_version(v_job, 'failed', p_error_code, p_error_message, p_placeholder);
  end if;
  return jsonb_build_object('accepted', true, 'retryInSeconds', extract(epoch from v_pause))
    || private.settle_and_continue(v_job.story_id, v_patch, private.may_continue(v_job, p_continue));
end $$;
-- What support is given of a story: everything that tells how it was made, and nothing of what it tells.

-- Which members an object has, for theirs may be anybody's words.
create function private.members_of(p_object jsonb) returns jsonb language sql immutable set search_path = '' as $$
  select coalesce(jsonb_agg(member order by member), '[]'::jsonb) from jsonb_object_keys(p_object) as member
$$;

create function public.support_bundle(p_story_id uuid) returns jsonb
  language plpgsql stable set search_path = '' as $$
declare
  v_story public.stories;
  v_heroes jsonb;
begin
  select * into v_story from public.stories where id = p_story_id;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  select c.characters into v_heroes from public.story_characters c where c.story_id = p_story_id;
  return jsonb_build_object(
    -- To be struck out of whatever else is told, and told nobody themselves.
    'names', (select coalesce(jsonb_agg(hero -> 'name'), '[]'::jsonb)
      from jsonb_array_elements(coalesce(v_heroes, '[]'::jsonb)) as hero),
    'story', jsonb_build_object(
      'id', v_story.id,
      'version', v_story.version,
      'status', v_story.status,
      'overall', v_story.asset_generation_status ->> 'overall',
      'createdAt', v_story.created_at,
      'startedAt', v_story.asset_generation_started_at,
      'completedAt', v_story.asset_generation_completed_at,
      'updatedAt', v_story.updated_at,
      'characters', cardinality(v_story.character_ids),
      'themes', cardinality(v_story.themes),
      'titleLength', char_length(v_story.title),
      'beatLengths', (select coalesce(jsonb_agg(char_length(beat ->> 'text')), '[]'::jsonb)
        from jsonb_array_elements(coalesce(v_story.content -> 'beats', '[]'::jsonb)) as beat),
      'spokenWords', jsonb_array_length(coalesce(v_story.audio_words, '[]'::jsonb)),
      'wishedFor', private.members_of(v_story.request),
      'language', v_story.request -> 'language',
      'readerAge', v_story.request -> 'readerAge',
      'assetTypes', v_story.request -> 'asset_types'),
    'jobs', (select coalesce(jsonb_agg(to_jsonb(j) - '{user_id,url,result,shown,metadata,checkpoint,options,lease_token}'::text[]
        || jsonb_build_object(
          'hasFile', j.url is not null,
          'result', private.members_of(j.result),
          'metadata', private.members_of(j.metadata),
          'checkpoint', private.members_of(j.checkpoint),
          'options', private.members_of(j.options)) order by j.asset_type), '[]'::jsonb)
      from (select * from public.asset_generation_jobs where story_id = p_story_id
        union all select * from public.asset_generation_history where story_id = p_story_id) as j),
    'versions', (select coalesce(jsonb_agg(jsonb_build_object(
          'assetType', v.asset_type,
          'version', v.version,
          'textVersion', v.text_version,
          'askedBy', v.asked_by,
          'startedAt', v.started_at,
          'createdAt', v.created_at) order by v.created_at), '[]'::jsonb)
      from public.asset_versions v where v.story_id = p_story_id),
    'calls', (select coalesce(jsonb_agg(to_jsonb(u) - '{user_id,story_id}'::text[] order by u.id), '[]'::jsonb)
      from public.usage_ledger u where u.story_id = p_story_id),
    'notices', (select coalesce(jsonb_agg(to_jsonb(n) - '{user_id,story_id,lease_token}'::text[] order by n.id), '[]'::jsonb)
      from (select * from public.notification_outbox where story_id = p_story_id
        union all select * from public.notification_history where story_id = p_story_id) as n),
    'deliveries', (select coalesce(jsonb_agg(to_jsonb(d) - '{story_id,lease_token,data}'::text[] order by d.created_at),
        '[]'::jsonb)
      from private.webhook_deliveries d where d.story_id = p_story_id));
end $$;
comment on function public.support_bundle is
  'How a story was made: states, attempts, errors, versions, calls, notices and deliveries, without anybody''s words; and the '
  'names to strike out of what is told beside it. For operators, of any story. Refuses with PT404 STORY_NOT_FOUND.';
-- The speech provider's voices as they were listed last, for a process that begins while the provider does not answer.

create table private.voice_list (
  only_row boolean primary key default true constraint voice_list_is_one_row check (only_row),
  voices jsonb not null constraint voice_list_has_voices check (jsonb_array_length(voices) > 0),
  listed_at timestamptz not null
);
comment on table private.voice_list is 'One row, as soon as the provider has answered once.';
alter table private.voice_list enable row level security;

create function public.keep_voices(p_voices jsonb) returns void language sql set search_path = '' as $$
  insert into private.voice_list (voices, listed_at) values (p_voices, now())
  on conflict (only_row) do update set voices = excluded.voices, listed_at = excluded.listed_at
  -- Every process lists them every ten minutes, and hardly ever is there anything new.
  where voice_list.voices <> excluded.voices or voice_list.listed_at < now() - interval '1 hour'
$$;
comment on function public.keep_voices is 'Keeps the voices of the provider''s last answer: [{id, name, …}].';

create function public.kept_voices() returns jsonb language sql stable set search_path = '' as $$
  select voices from private.voice_list
$$;
comment on function public.kept_voices is 'The voices that keep_voices was told of last; null before the first time.';
-- Shared books: share_story makes a link, unshare_story takes it back, shared_story is what it opens.

create table private.shares (
  story_id uuid primary key references public.stories (id) on delete cascade,
  token text not null constraint shares_token_is_unguessable unique check (token ~ '^[0-9a-f]{64}$'),
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
);
comment on table private.shares is 'Stories that whoever has the token may read, until it expires or is taken back. One a story.';

create function private.share_lifetime() returns interval language sql immutable set search_path = '' as $$
  select interval '30 days'
$$;

create function public.share_story(p_user_id uuid, p_story_id uuid) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_is_readable boolean;
begin
  perform private.refuse_while('read_only');
  select asset_generation_status ? 'textVersion' into v_is_readable from public.stories
  where id = p_story_id and creator_user_id = p_user_id for update;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  if not v_is_readable then perform private.refuse(409, 'MISSING_REQUIRED_ASSETS', '{"missing": ["content"]}'); end if;
  -- A link that ran out stays closed: who had it then need not have it now.
  delete from private.shares where story_id = p_story_id and expires_at <= now();
  insert into private.shares (story_id, token, expires_at)
  values (p_story_id, replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), now() + private.share_lifetime())
  on conflict (story_id) do update set expires_at = excluded.expires_at;
  return (select jsonb_build_object('token', token, 'expiresAt', expires_at) from private.shares where story_id = p_story_id);
end $$;
comment on function public.share_story is
  'Lets whoever has the token read a story for 30 days; asked again, the same token for 30 days more. Refuses with PT404 '
  'STORY_NOT_FOUND, PT409 MISSING_REQUIRED_ASSETS.';

create function public.unshare_story(p_user_id uuid, p_story_id uuid) returns jsonb
  language plpgsql set search_path = '' as $$
begin
  perform private.refuse_while('read_only');
  perform from public.stories where id = p_story_id and creator_user_id = p_user_id for update;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  delete from private.shares where story_id = p_story_id;
  return to_jsonb(found);
end $$;
comment on function public.unshare_story is
  'Takes a story''s link back; answers whether there was one. Refuses with PT404 STORY_NOT_FOUND.';

-- What a book needs and nothing of its user: no wishes, prompts, voices, costs or other ids.
create function public.shared_story(p_token text) returns jsonb language sql stable set search_path = '' as $$
  select coalesce((select jsonb_build_object(
    'id', s.id,
    'title', s.title,
    'content', s.content,
    'hue_extracted_colors', s.hue_extracted_colors,
    'audio_words', s.audio_words,
    'audio_blocks', s.audio_blocks,
    'asset_generation_status', jsonb_build_object(
      'overall', s.asset_generation_status -> 'overall',
      'assets', (
        select jsonb_object_agg(asset.key, jsonb_strip_nulls(jsonb_build_object(
          'status', asset.value -> 'status',
          'progress', asset.value -> 'progress',
          'url', asset.value -> 'url',
          'isPlaceholder', asset.value -> 'isPlaceholder',
          'data', asset.value -> 'data',
          'metadata', (select jsonb_object_agg(known.key, known.value) from jsonb_each(asset.value -> 'metadata') as known
            where known.key in ('htmlUrl', 'screenUrl', 'thumbnailUrl')))))
        from jsonb_each(s.asset_generation_status -> 'assets') as asset)),
    'expiresAt', h.expires_at)
  from private.shares h join public.stories s on s.id = h.story_id
  where h.token = p_token and h.expires_at > now()), 'null'::jsonb)
$$;
comment on function public.shared_story is 'The story that a token opens, as a book needs it; null when it opens none (any more).';
-- Snapshots and what they are for: claim_snapshots, complete_snapshots, recover_story.

-- Everything that a story's status, history and files are told from, in one statement. `schema` says how it is to be read.
create function private.story_snapshot(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'schema', 1,
    'storyId', s.id,
    'version', s.version,
    'takenAt', now(),
    'story', to_jsonb(s),
    'characters', (select h.characters from public.story_characters h where h.story_id = s.id),
    'jobs', (select jsonb_agg(j.job order by j.job ->> 'asset_type') from (
      select to_jsonb(j) as job from public.asset_generation_jobs j where j.story_id = s.id
      union all
      select to_jsonb(h) from public.asset_generation_history h where h.story_id = s.id) as j),
    'versions', (select coalesce(jsonb_agg(to_jsonb(v) order by v.asset_type, v.version), '[]'::jsonb)
      from public.asset_versions v where v.story_id = s.id),
    'notices', (select coalesce(jsonb_agg(n.notice order by n.notice -> 'id'), '[]'::jsonb) from (
      select to_jsonb(o) as notice from public.notification_outbox o where o.story_id = s.id
      union all
      select to_jsonb(h) from public.notification_history h where h.story_id = s.id) as n),
    'credits', (select coalesce(jsonb_agg(c.id order by c.id), '[]'::jsonb) from public.credit_ledger c where c.story_id = s.id),
    'calls', (select coalesce(jsonb_agg(jsonb_build_object('id', u.id, 'jobId', u.job_id) order by u.id), '[]'::jsonb)
      from public.usage_ledger u where u.story_id = s.id))
  from public.stories s where s.id = p_story_id
$$;

create function public.claim_snapshots(p_limit integer default 5, p_lease_seconds integer default 60) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_token uuid := gen_random_uuid();
  v_ids uuid[];
begin
  -- What is made again is wanted again when it is settled.
  delete from private.snapshot_queue q using public.stories s
  where q.available_at <= now() and s.id = q.story_id and s.asset_generation_status ->> 'overall' = 'generating';
  v_ids := array(select story_id from private.snapshot_queue where available_at <= now()
    order by available_at, story_id limit p_limit for update skip locked);
  update private.snapshot_queue
  set lease_token = v_token, attempts = attempts + 1, available_at = now() + make_interval(secs => p_lease_seconds)
  where story_id = any (v_ids);
  return jsonb_build_object(
    'leaseToken', v_token,
    'snapshots', (select coalesce(jsonb_agg(private.story_snapshot(id)), '[]'::jsonb) from unnest(v_ids) as id),
    'more', private.has_snapshots());
end $$;
comment on function public.claim_snapshots is
  'Leases up to p_limit settled stories whose snapshot is to be written: {leaseToken, snapshots, more}.';

create function public.complete_snapshots(p_lease_token uuid, p_written uuid[], p_failed jsonb default '[]') returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_written bigint;
begin
  delete from private.snapshot_queue where lease_token = p_lease_token and story_id = any (p_written);
  get diagnostics v_written = row_count;
  update private.snapshot_queue q
  set
    lease_token = null,
    last_error = failed.told ->> 'error',
    available_at = now() + make_interval(secs => least(900, 2 ^ least(q.attempts, 10)))
  from jsonb_array_elements(p_failed) as failed (told)
  where q.lease_token = p_lease_token and q.story_id = (failed.told ->> 'storyId')::uuid;
  return jsonb_build_object('written', v_written);
end $$;
comment on function public.complete_snapshots is
  'What was claimed is in the bucket, or failed with an error and is due again after a pause: {written}.';

-- What of a snapshot says how the story is. Its place on a shelf and what was told of it are not damage.
create function private.essence(p_snapshot jsonb) returns jsonb language sql immutable set search_path = '' as $$
  select (p_snapshot #- '{story,version}' #- '{story,updated_at}' #- '{story,library_id}')
    - '{version,takenAt,notices,credits,calls}'::text[]
$$;

-- Whether the rows know more than the snapshot: a change that is not in it yet, work that goes on, or a version it lacks.
create function private.is_newer_than(p_story_id uuid, p_snapshot jsonb) returns boolean
  language sql stable set search_path = '' as $$
  select exists (select from private.snapshot_queue where story_id = p_story_id)
    or exists (select from public.asset_generation_jobs where story_id = p_story_id and not private.is_settled(status))
    or exists (select from public.asset_versions v where v.story_id = p_story_id and not exists (
      select from jsonb_array_elements(p_snapshot -> 'versions') as known (version)
      where known.version ->> 'asset_type' = v.asset_type and known.version -> 'version' = to_jsonb(v.version)))
$$;

-- The rows beside the story's own, as the snapshot has them. The caller holds the story's lock.
create function private.put_back_rows(p_story_id uuid, p_snapshot jsonb) returns void
  language plpgsql set search_path = '' as $$
begin
  delete from public.asset_generation_jobs where story_id = p_story_id;
  delete from public.asset_generation_history where story_id = p_story_id;
  delete from public.asset_versions where story_id = p_story_id;
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
  from jsonb_populate_recordset(null::public.asset_generation_jobs, p_snapshot -> 'jobs');
  insert into public.asset_versions (
    story_id, asset_type, version, text_version, url, result, options, asked_by, started_at, created_at)
  select story_id, asset_type, version, text_version, url, result, options, asked_by, started_at, created_at
  from jsonb_populate_recordset(null::public.asset_versions, p_snapshot -> 'versions');
  insert into public.story_characters (story_id, characters)
  select p_story_id, p_snapshot -> 'characters' where p_snapshot -> 'characters' <> 'null'::jsonb
  on conflict (story_id) do update set characters = excluded.characters;
  -- What was told of it is not told again.
  insert into public.notification_outbox (
    id, story_id, user_id, kind, created_at, available_at, attempts, lease_token, last_error, sent_at, message_id,
    dropped_at, dropped_because)
  overriding system value
  select
    id, story_id, user_id, kind, created_at, available_at, attempts, lease_token, last_error, sent_at, message_id,
    dropped_at, dropped_because
  from jsonb_populate_recordset(null::public.notification_outbox, p_snapshot -> 'notices')
  on conflict do nothing;
end $$;

-- Its credit and its paid calls bear its name again. A credit that is lost as well is taken anew, for a story has one.
create function private.put_back_names(p_story_id uuid, p_user_id uuid, p_snapshot jsonb) returns void
  language plpgsql set search_path = '' as $$
begin
  perform from public.users where id = p_user_id for update;
  update public.credit_ledger set story_id = p_story_id
  where user_id = p_user_id and id in (select id::bigint from jsonb_array_elements_text(p_snapshot -> 'credits') as id);
  if not exists (select from public.credit_ledger where story_id = p_story_id) then
    insert into public.credit_ledger (user_id, story_id, reason, delta) values (p_user_id, p_story_id, 'story_created', -1);
    update public.users set stories_used = stories_used + 1 where id = p_user_id;
  end if;
  update public.usage_ledger u set user_id = p_user_id, story_id = p_story_id, job_id = known.job
  from (select (call ->> 'id')::bigint as id, (call ->> 'jobId')::uuid as job
    from jsonb_array_elements(p_snapshot -> 'calls') as call) as known
  where u.id = known.id and u.story_id is null;
end $$;

create function public.recover_story(p_snapshot jsonb) returns jsonb language plpgsql set search_path = '' as $$
declare
  v_id uuid := (p_snapshot ->> 'storyId')::uuid;
  v_row public.stories := jsonb_populate_record(null::public.stories, p_snapshot -> 'story');
  v_was public.stories;
begin
  if p_snapshot -> 'schema' is distinct from '1'::jsonb or v_row.id is distinct from v_id then
    perform private.refuse(409, 'UNKNOWN_SNAPSHOT');
  end if;
  select * into v_was from public.stories where id = v_id for update;
  if not exists (select from public.users where id = v_row.creator_user_id) then
    perform private.refuse(404, 'STORY_NOT_RECOVERABLE');
  end if;
  if v_was.id is not null then
    if private.is_newer_than(v_id, p_snapshot) then perform private.refuse(409, 'STORY_IS_NEWER'); end if;
    if private.essence(private.story_snapshot(v_id)) = private.essence(p_snapshot) then
      return '{"outcome": "whole"}'::jsonb;
    end if;
  end if;
  -- Where its user put it since; else where it was, or where stories go that name no library.
  v_row.library_id := (select id from public.libraries where owner_user_id = v_row.creator_user_id
    order by id is not distinct from v_was.library_id desc, id = v_row.library_id desc, created_at limit 1);
  if v_was.id is null then
    v_row.version := v_row.version + 1;
    v_row.updated_at := now();
    insert into public.stories (
      id, library_id, creator_user_id, title, content, status, asset_generation_status,
      asset_generation_started_at, asset_generation_completed_at, hue_extracted_colors, audio_words, audio_blocks, character_ids,
      story_type, themes, request, version, created_at, updated_at)
    values (
      v_row.id, v_row.library_id, v_row.creator_user_id, v_row.title, v_row.content, v_row.status,
      v_row.asset_generation_status, v_row.asset_generation_started_at, v_row.asset_generation_completed_at,
      v_row.hue_extracted_colors, v_row.audio_words, v_row.audio_blocks, v_row.character_ids, v_row.story_type,
      v_row.themes, v_row.request, v_row.version, v_row.created_at, v_row.updated_at);
  else
    update public.stories
    set
      library_id = v_row.library_id,
      title = v_row.title,
      content = v_row.content,
      status = v_row.status,
      asset_generation_status = v_row.asset_generation_status,
      asset_generation_started_at = v_row.asset_generation_started_at,
      asset_generation_completed_at = v_row.asset_generation_completed_at,
      hue_extracted_colors = v_row.hue_extracted_colors,
      audio_words = v_row.audio_words,
      audio_blocks = v_row.audio_blocks,
      character_ids = v_row.character_ids,
      story_type = v_row.story_type,
      themes = v_row.themes,
      request = v_row.request
    where id = v_id;
  end if;
  perform private.put_back_rows(v_id, p_snapshot);
  perform private.put_back_names(v_id, v_row.creator_user_id, p_snapshot);
  -- Its files are wanted again.
  delete from private.deletion_queue where story_id = v_id;
  return '{"outcome": "recovered"}'::jsonb;
end $$;
comment on function public.recover_story is
  'Brings a lost or damaged story back as its snapshot has it: {outcome}, recovered or whole. Refuses with PT404 '
  'STORY_NOT_RECOVERABLE when its user is gone, PT409 STORY_IS_NEWER when the rows know more than the snapshot, PT409 '
  'UNKNOWN_SNAPSHOT.';
-- Asking for a story: profile, idempotency, quota, story, jobs and debit in one transaction.

-- The answer given before under this key, or null. The caller holds the user's row lock, so equal keys take turns.
create function private.find_idempotent_response(p_user_id uuid, p_operation text, p_key text, p_hash text) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_known public.idempotency_keys;
begin
  if p_key is null then return null; end if;
  -- Housekeeping may be late; a key that is too old may be used for something else.
  delete from public.idempotency_keys
  where user_id = p_user_id and operation = p_operation and key = p_key
    and created_at < now() - private.idempotency_lifetime();
  select * into v_known from public.idempotency_keys
  where user_id = p_user_id and operation = p_operation and key = p_key;
  if not found then return null; end if;
  if v_known.request_hash <> p_hash then perform private.refuse(422, 'IDEMPOTENCY_KEY_REUSED'); end if;
  if v_known.response ? 'gone' then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  return v_known.response || '{"replayed": true}'::jsonb;
end $$;

create function private.save_idempotent_response(p_user_id uuid, p_operation text, p_key text, p_hash text, p_response jsonb)
  returns jsonb language plpgsql set search_path = '' as $$
begin
  if p_key is not null then
    insert into public.idempotency_keys (user_id, operation, key, request_hash, response)
    values (p_user_id, p_operation, p_key, p_hash, p_response);
  end if;
  return p_response || '{"replayed": false}'::jsonb;
end $$;

create function private.lock_user(p_user_id uuid, p_email text default null) returns public.users
  language plpgsql set search_path = '' as $$
declare
  v_user public.users;
begin
  perform private.ensure_profile(p_user_id, p_email);
  select * into v_user from public.users where id = p_user_id for update;
  -- Deleted while this waited for the lock.
  if not found then perform private.refuse(401, 'TOKEN_INVALID'); end if;
  return v_user;
end $$;

-- Stories of the day (UTC) that count: those whose credit was given back do not, for nothing was delivered.
create function private.stories_today(p_user_id uuid) returns bigint
  language sql stable set search_path = '' as $$
  select count(*) from public.credit_ledger l
  where l.user_id = p_user_id and l.reason = 'story_created' and l.created_at >= date_trunc('day', now(), 'UTC')
    and not exists (select from public.credit_ledger refund
      where refund.story_id = l.story_id and refund.delta > 0 and refund.round = l.round)
$$;

-- A text that fails was written and paid for all the same, so a day takes so many tries for each story of its limit.
create function private.tries_per_story_of_the_day() returns integer language sql immutable set search_path = '' as $$
  select 3
$$;

-- Takes one credit or refuses: the story limit of the tier plus packs, then the daily limit (midnight UTC).
create function private.take_credit(p_user public.users, p_story_id uuid) returns void
  language plpgsql set search_path = '' as $$
declare
  v_tier public.tiers;
  v_limit integer;
  v_tries bigint;
begin
  select * into v_tier from public.tiers where code = p_user.tier;
  v_limit := v_tier.story_limit + p_user.extra_stories;
  -- Null, where nothing limits, is not true.
  if p_user.stories_used >= v_limit then
    perform private.refuse(403, 'QUOTA_EXCEEDED', jsonb_build_object(
      'tier', p_user.tier,
      'storiesUsed', p_user.stories_used,
      'storyLimit', v_limit,
      'upgradeOptions', to_jsonb(v_tier.upgrade_options)));
  end if;
  if v_tier.daily_generation_limit is not null then
    select count(*) into v_tries from public.credit_ledger
    where user_id = p_user.id and reason = 'story_created' and created_at >= date_trunc('day', now(), 'UTC');
    if private.stories_today(p_user.id) >= v_tier.daily_generation_limit
      or v_tries >= v_tier.daily_generation_limit * private.tries_per_story_of_the_day() then
      perform private.refuse(429, 'ERR_4002', jsonb_build_object(
        'dailyLimit', v_tier.daily_generation_limit,
        'retryAfterSeconds', ceil(extract(epoch from date_trunc('day', now(), 'UTC') + interval '1 day' - now()))));
    end if;
  end if;
  insert into public.credit_ledger (user_id, story_id, reason, round, delta)
  select p_user.id, p_story_id, 'story_created', coalesce(max(round), 0) + 1, -1
  from public.credit_ledger where story_id = p_story_id and reason = 'story_created';
  update public.users set stories_used = stories_used + 1 where id = p_user.id;
end $$;

-- Keeps the heroes of a story as they are now.
create function private.save_story_characters(p_story_id uuid) returns void
  language sql set search_path = '' as $$
  insert into public.story_characters (story_id, characters)
  select s.id, coalesce(jsonb_agg(to_jsonb(c) - '{owner_user_id,created_at,updated_at,reference_states,sheet}'::text[]
    order by array_position(s.character_ids, c.id)) filter (where c.id is not null), '[]'::jsonb)
  from public.stories s left join public.characters c on c.id = any (s.character_ids)
  where s.id = p_story_id group by s.id
  on conflict (story_id) do update set characters = excluded.characters
$$;

create function private.refuse_outside_tier(p_tier text, p_what jsonb) returns void
  language plpgsql set search_path = '' as $$
begin
  perform private.refuse(403, 'ERR_6002', p_what || (
    select jsonb_build_object('tier', code, 'upgradeOptions', upgrade_options) from public.tiers where code = p_tier));
end $$;

create function private.refuse_assets_outside_tier(p_tier text, p_asset_types text[]) returns void
  language plpgsql set search_path = '' as $$
declare
  v_excluded text;
begin
  select asset into v_excluded from unnest(p_asset_types) as asset
  where asset <> all (select unnest(asset_types) from public.tiers where code = p_tier) limit 1;
  if found then
    perform private.refuse_outside_tier(p_tier, jsonb_build_object('assetType', v_excluded));
  end if;
end $$;

create function private.refuse_priority_outside_tier(p_tier text, p_priority text) returns void
  language plpgsql set search_path = '' as $$
begin
  if not exists (select from public.tiers where code = p_tier and p_priority = any (priorities)) then
    perform private.refuse_outside_tier(p_tier, jsonb_build_object('priority', p_priority));
  end if;
end $$;

-- How soon the jobs of a story are claimed: as its user asked when it was made. What the plan does not include any more
-- falls to the next lower one that it does.
create function private.story_priority(p_story_id uuid) returns text
  language sql stable set search_path = '' as $$
  select coalesce((
      select known.priority from unnest('{urgent,high,normal}'::text[]) with ordinality as known (priority, place)
      where known.priority = any ((private.plan_of(s.id)).priorities)
        and known.place >= array_position('{urgent,high,normal}'::text[], s.request ->> 'priority')
      order by known.place limit 1), 'normal')
  from public.stories s where s.id = p_story_id
$$;

create function private.story_answer(p_story_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select to_jsonb(s) from public.stories s where s.id = p_story_id
$$;

-- How long sweeps leave the text of a new story to the invocation that create_story's caller makes for it.
create function private.direct_start_grace() returns interval language sql immutable set search_path = '' as $$
  select interval '10 seconds'
$$;

create function public.create_story(p_user_id uuid, p_email text, p_request jsonb, p_idempotency_key text default null,
  p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_user(p_user_id, p_email);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'create_story', p_idempotency_key, p_request_hash);
  v_story_id uuid := gen_random_uuid();
  v_characters uuid[];
  v_library uuid := (p_request ->> 'library_id')::uuid;
  v_priority text := coalesce(p_request ->> 'priority', 'normal');
  v_assets text[];
begin
  if v_replay is not null then return v_replay; end if;
  perform private.refuse_while('no_new_stories', 'no_new_work', 'read_only');

  v_characters := array(select jsonb_array_elements_text(p_request -> 'character_ids')::uuid);
  if exists (select from unnest(v_characters) as wanted
    where not exists (select from public.characters where id = wanted and owner_user_id = p_user_id)) then
    perform private.refuse(404, 'CHARACTER_NOT_FOUND');
  end if;
  if v_library is null then
    select id into v_library from public.libraries where owner_user_id = p_user_id order by created_at limit 1;
  elsif not exists (select from public.libraries where id = v_library and owner_user_id = p_user_id) then
    perform private.refuse(404, 'LIBRARY_NOT_FOUND');
  end if;
  -- Who names no assets gets those of the plan; null and left out are the same.
  v_assets := case when jsonb_typeof(p_request -> 'asset_types') = 'array'
    then array(select jsonb_array_elements_text(p_request -> 'asset_types'))
    else (select array_remove(asset_types, 'content') from public.tiers where code = v_user.tier) end;
  perform private.refuse_assets_outside_tier(v_user.tier, v_assets);
  perform private.refuse_priority_outside_tier(v_user.tier, v_priority);
  if 'pdf' = any (v_assets) and not 'cover' = any (v_assets) then
    perform private.refuse(409, 'MISSING_REQUIRED_ASSETS', '{"missing": ["cover"]}'::jsonb);
  end if;
  perform private.refuse_over_platform_limit('{content}'::text[] || v_assets);
  perform private.take_credit(v_user, v_story_id);

  insert into public.stories (id, library_id, creator_user_id, title, character_ids, story_type, themes, request)
  values (
    v_story_id,
    v_library,
    p_user_id,
    coalesce(p_request ->> 'title', 'Untitled Story'),
    v_characters,
    p_request ->> 'story_type',
    array(select jsonb_array_elements_text(p_request -> 'themes')),
    p_request || jsonb_build_object('asset_types', v_assets));
  perform private.save_story_characters(v_story_id);
  insert into public.asset_generation_jobs (story_id, user_id, asset_type, priority, available_at)
  select
    v_story_id,
    p_user_id,
    asset,
    v_priority,
    case asset when 'content' then now() + private.direct_start_grace() else now() end
  from unnest('{content}'::text[] || v_assets) as asset;
  perform private.settle_and_continue(v_story_id);

  return private.save_idempotent_response(p_user_id, 'create_story', p_idempotency_key, p_request_hash,
    jsonb_build_object('story', private.story_answer(v_story_id)));
end $$;
comment on function public.create_story is
  'Accepts a story: {story, replayed}. Refuses with PT403 QUOTA_EXCEEDED or ERR_6002, PT404 CHARACTER_NOT_FOUND or '
  'LIBRARY_NOT_FOUND, PT409 MISSING_REQUIRED_ASSETS, PT422 IDEMPOTENCY_KEY_REUSED, PT429 ERR_4002.';

-- As create_story, of many at once: what is refused of one changes nothing of the others.
create function public.create_stories(p_user_id uuid, p_email text, p_stories jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_answers jsonb := '[]'::jsonb;
  v_wish jsonb;
  v_state text;
  v_code text;
  v_detail text;
begin
  for v_wish in select value from jsonb_array_elements(p_stories) with ordinality order by ordinality loop
    begin
      v_answers := v_answers || jsonb_build_array(
        public.create_story(p_user_id, p_email, v_wish -> 'request', v_wish ->> 'key', v_wish ->> 'hash'));
    exception when others then
      get stacked diagnostics v_state = returned_sqlstate, v_code = message_text, v_detail = pg_exception_detail;
      if v_state not like 'PT%' or v_code = 'TOKEN_INVALID' then raise; end if;
      v_answers := v_answers || jsonb_build_array(jsonb_build_object('refused', v_code, 'detail', v_detail::jsonb));
    end;
  end loop;
  return v_answers;
end $$;
comment on function public.create_stories is
  'Accepts stories, [{request, key, hash}]: for each in its turn what create_story answers, or {refused, detail}.';

create function public.create_character(p_user_id uuid, p_email text, p_character jsonb, p_idempotency_key text default null,
  p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_user(p_user_id, p_email);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'create_character', p_idempotency_key, p_request_hash);
  v_character public.characters;
begin
  if v_replay is not null then return v_replay; end if;
  perform private.refuse_while('read_only');
  insert into public.characters (owner_user_id, name, species, age, traits, appearance, personality, reference_images,
    pronunciation, voice_id)
  values (
    v_user.id,
    p_character ->> 'name',
    p_character ->> 'species',
    (p_character ->> 'age')::integer,
    array(select jsonb_array_elements_text(p_character -> 'traits')),
    coalesce(p_character -> 'appearance', '{}'::jsonb),
    array(select jsonb_array_elements_text(p_character -> 'personality')),
    array(select jsonb_array_elements_text(p_character -> 'reference_images')),
    p_character ->> 'pronunciation',
    p_character ->> 'voice_id')
  returning * into v_character;
  return private.save_idempotent_response(p_user_id, 'create_character', p_idempotency_key, p_request_hash,
    jsonb_build_object('character', to_jsonb(v_character)));
end $$;

-- The API changes characters by their rows, as their users' own, and says when each time.
create function private.on_characters_changed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  -- What goes with its user went by a verb that asked.
  if pg_trigger_depth() = 1 then perform private.refuse_while('read_only'); end if;
  return null;
end $$;
create trigger characters_stay_in_read_only before update of name, species, age, traits, appearance,
    personality, reference_images, pronunciation, voice_id, updated_at or delete on public.characters
  for each statement execute function private.on_characters_changed();

create function public.user_usage(p_user_id uuid, p_email text) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_answer jsonb;
begin
  perform private.ensure_profile(p_user_id, p_email);
  select jsonb_build_object(
    'tier', u.tier,
    'storiesUsed', u.stories_used,
    'storyLimit', t.story_limit + u.extra_stories,
    'dailyLimit', t.daily_generation_limit,
    'storiesToday', private.stories_today(u.id),
    'resetsAt', date_trunc('day', now(), 'UTC') + interval '1 day',
    'remakesPerStory', t.remakes_per_story,
    'dailyCostLimitUsd', t.daily_cost_limit_usd,
    'costTodayUsd', (select coalesce(sum(spent_usd), 0) from private.spending
      where day = private.today() and payer = u.id),
    'assetTypes', t.asset_types,
    'priorities', t.priorities,
    'upgradeOptions', t.upgrade_options)
  into v_answer
  from public.users u join public.tiers t on t.code = u.tier where u.id = p_user_id;
  return v_answer;
end $$;

-- However a voice comes to a character, its owner's plan must have such voices by then.
create function private.on_character_voice_chosen() returns trigger
  language plpgsql security definer set search_path = '' as $$
declare
  v_tier text := (select tier from public.users where id = new.owner_user_id);
begin
  if not (select character_voices from public.tiers where code = v_tier) then
    perform private.refuse_outside_tier(v_tier, '{"characterVoices": true}'::jsonb);
  end if;
  return new;
end $$;
create trigger character_voices_are_in_the_plan before insert or update of voice_id on public.characters
  for each row when (new.voice_id is not null) execute function private.on_character_voice_chosen();

create function public.request_sheet(p_user_id uuid, p_character_id uuid) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_user(p_user_id);
  v_hero public.characters;
  v_looks text;
begin
  perform private.refuse_while('read_only');
  select * into v_hero from public.characters where id = p_character_id and owner_user_id = p_user_id for update;
  if not found then perform private.refuse(404, 'CHARACTER_NOT_FOUND'); end if;
  v_looks := private.looks_of(to_jsonb(v_hero));
  if v_hero.sheet ->> 'status' in ('pending', 'ready') then
    return jsonb_build_object('sheet', v_hero.sheet, 'begun', false);
  end if;
  if not (select character_sheets from public.tiers where code = v_user.tier) then
    perform private.refuse_outside_tier(v_user.tier, '{"characterSheets": true}'::jsonb);
  end if;
  perform private.refuse_over_spend_limit(v_user, '{sheet}');
  perform private.refuse_over_platform_limit('{sheet}');
  insert into private.character_sheets (character_id, looks, hero, available_at)
  values (v_hero.id, v_looks, to_jsonb(v_hero) - '{owner_user_id,created_at,updated_at,reference_states,sheet}'::text[],
    now() + interval '10 seconds')
  on conflict (character_id, looks) do update
  set status = 'pending', reason = null, attempts = 0, available_at = excluded.available_at, hero = excluded.hero;
  return jsonb_build_object('sheet', private.sheet_answer(v_hero.id, v_looks), 'begun', true);
end $$;
comment on function public.request_sheet is
  'Asks for the sheet of a character as it is now: {sheet: {status, reason}, begun}. One that is there or is to be drawn is '
  'not drawn again. Refuses with CHARACTER_NOT_FOUND, ERR_6002, SPEND_LIMIT and PLATFORM_PAUSED.';
-- The shop as its user manages it (connect_shop, shop_connection, disconnect_shop, create_product, shop_product), and as books
-- become products there: private.claim_products, private.settle_products.

create function private.product_tries() returns integer language sql immutable set search_path = '' as $$ select 3 $$;

-- 1, 2, 4 s (S2-029).
create function private.product_pause(p_attempts integer) returns interval language sql immutable set search_path = '' as $$
  select make_interval(secs => 2 ^ (least(p_attempts, 10) - 1))
$$;

-- Nothing that opens it.
create function private.shop_answer(p_shop private.shops) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object('shop', p_shop.domain, 'problem', p_shop.problem, 'connectedAt', p_shop.connected_at)
$$;

create function private.product_answer(p_product private.shop_products) returns jsonb
  language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'storyId', p_product.story_id,
    'shop', p_product.domain,
    'status', p_product.status,
    'title', p_product.title,
    'productId', p_product.product_id,
    'adminUrl', 'https://' || p_product.domain || '/admin/products/' || substring(p_product.product_id from '[0-9]+$'),
    'error', case when p_product.error_code is not null then
      jsonb_build_object('code', p_product.error_code, 'message', p_product.error_message) end,
    'attempts', p_product.attempts,
    'createdAt', p_product.created_at,
    'settledAt', p_product.settled_at)
$$;

-- What waits for a shop that its user left.
create function private.give_up_products(p_user_id uuid, p_but_of text) returns void language sql set search_path = '' as $$
  update private.shop_products
  set status = 'failed', settled_at = now(), lease_token = null, error_code = 'SHOP_NOT_CONNECTED',
    error_message = 'The shop was taken away before the product was made.'
  where user_id = p_user_id and status = 'pending' and domain is distinct from p_but_of
$$;

create function public.connect_shop(p_user_id uuid, p_email text, p_domain text, p_sealed_access text) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_user(p_user_id, p_email);
  v_shop private.shops;
begin
  perform private.refuse_while('read_only');
  insert into private.shops (user_id, domain, sealed_access) values (p_user_id, p_domain, p_sealed_access)
  on conflict (user_id) do update
  set domain = excluded.domain, sealed_access = excluded.sealed_access, problem = null, connected_at = now()
  returning * into v_shop;
  perform private.give_up_products(p_user_id, p_domain);
  -- What is under way with the token before says nothing of this one.
  update private.shop_products set lease_token = null, attempts = 0, available_at = now()
  where user_id = p_user_id and domain = p_domain and status = 'pending';
  return private.shop_answer(v_shop);
end $$;
comment on function public.connect_shop is
  'The one shop a user sells in, in place of another: {shop, problem, connectedAt}. What waited for that other is given up.';

create function public.shop_connection(p_user_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object('connection', (select private.shop_answer(s) from private.shops s where s.user_id = p_user_id))
$$;
comment on function public.shop_connection is 'The shop a user sells in: {connection}, null where there is none.';

create function public.disconnect_shop(p_user_id uuid) returns jsonb language plpgsql set search_path = '' as $$
begin
  perform private.lock_user(p_user_id);
  perform private.refuse_while('read_only');
  delete from private.shops where user_id = p_user_id;
  perform private.give_up_products(p_user_id, null);
  return '{}'::jsonb;
end $$;
comment on function public.disconnect_shop is 'Forgets a user''s shop and what opens it. Products that are there stay there.';

-- Once for each story and shop: asked for again, the answer is the same product. One that failed is begun anew.
create function public.create_product(p_user_id uuid, p_story_id uuid, p_product jsonb, p_book_url text) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_domain text;
  v_product private.shop_products;
  v_replayed boolean;
begin
  perform from public.stories where id = p_story_id and creator_user_id = p_user_id for update;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  perform private.refuse_while('read_only');
  perform private.lock_user(p_user_id);
  select domain into v_domain from private.shops where user_id = p_user_id for share;
  if not found then perform private.refuse(409, 'SHOP_NOT_CONNECTED'); end if;
  insert into private.shop_products (story_id, user_id, domain, title, description, cover_url, book_url)
  values (p_story_id, p_user_id, v_domain, p_product ->> 'title', p_product ->> 'description', p_product ->> 'cover',
    p_book_url)
  on conflict (story_id, domain) do update
  set title = excluded.title, description = excluded.description, cover_url = excluded.cover_url,
    book_url = excluded.book_url, status = 'pending', available_at = now(), attempts = 0, settled_at = null,
    error_code = null, error_message = null
  where shop_products.status = 'failed'
  returning * into v_product;
  v_replayed := not found;
  if v_replayed then
    select * into v_product from private.shop_products where story_id = p_story_id and domain = v_domain;
  end if;
  return jsonb_build_object('product', private.product_answer(v_product), 'replayed', v_replayed);
end $$;
comment on function public.create_product is
  'A story''s book as a product of its user''s shop, to be made by the sender of notices: {product, replayed}. Refuses with '
  'PT404 STORY_NOT_FOUND, PT409 SHOP_NOT_CONNECTED.';

create function public.shop_product(p_user_id uuid, p_story_id uuid) returns jsonb
  language plpgsql stable set search_path = '' as $$
declare
  v_product private.shop_products;
begin
  if not exists (select from public.stories where id = p_story_id and creator_user_id = p_user_id) then
    perform private.refuse(404, 'STORY_NOT_FOUND');
  end if;
  select p.* into v_product
  from private.shop_products p left join private.shops s on s.user_id = p.user_id and s.domain = p.domain
  where p.story_id = p_story_id
  order by s.user_id is null, p.created_at desc limit 1;
  if not found then perform private.refuse(404, 'PRODUCT_NOT_FOUND'); end if;
  return private.product_answer(v_product);
end $$;
comment on function public.shop_product is
  'How a story''s product stands in the shop of today, else in the last one. Refuses with PT404 STORY_NOT_FOUND, '
  'PRODUCT_NOT_FOUND.';

-- Leases what is due to one sender, with all that it needs. Whoever died since has cost a try that is not counted as one.
create function private.claim_products(p_token uuid, p_limit integer) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_ids uuid[] := array(select id from private.shop_products
    where status = 'pending' and available_at <= now() order by available_at limit p_limit for update skip locked);
begin
  if cardinality(v_ids) = 0 then return '[]'::jsonb; end if;
  update private.shop_products
  set lease_token = p_token, attempts = attempts + 1, available_at = now() + private.sender_lease()
  where id = any (v_ids);
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', p.id,
      'storyId', p.story_id,
      'userId', p.user_id,
      'shop', p.domain,
      'sealedAccess', s.sealed_access,
      'title', p.title,
      'description', p.description,
      'cover', p.cover_url,
      'book', p.book_url) order by p.created_at, p.id), '[]'::jsonb)
    from private.shop_products p join private.shops s on s.user_id = p.user_id and s.domain = p.domain
    where p.id = any (v_ids));
end $$;

-- What became of leased products: [{id, productId}] where the shop has it, whoever holds the lease by now; else [{id, errorCode,
-- errorMessage, isFinal, waitSeconds}]. Answers how many were made and how many given up.
create function private.settle_products(p_lease_token uuid, p_results jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_settled jsonb;
begin
  -- Shops before their products, as whoever changes one takes them.
  perform from private.shops s
  where s.user_id in (select p.user_id from jsonb_array_elements(p_results) as result (told)
    join private.shop_products p on p.id = (result.told ->> 'id')::uuid)
  order by s.user_id for update;
  update private.shops s
  set problem = case when result.told ? 'productId' then null else result.told ->> 'errorCode' end
  from jsonb_array_elements(p_results) as result (told)
    join private.shop_products p on p.id = (result.told ->> 'id')::uuid
  where s.user_id = p.user_id and s.domain = p.domain and p.lease_token = p_lease_token
    and (result.told ? 'productId' or (result.told -> 'isFinal' = 'true' and result.told ->> 'errorCode' like 'SHOP\_%'));
  with told as (
    select
      p.id,
      result.told,
      result.told ->> 'productId' as product_id,
      p.attempts >= private.product_tries() or coalesce((result.told ->> 'isFinal')::boolean, false) as is_last
    from jsonb_array_elements(p_results) as result (told)
      join private.shop_products p on p.id = (result.told ->> 'id')::uuid
    for update of p),
  settled as (
    update private.shop_products p
    set
      status = case when told.product_id is not null then 'created' when told.is_last then 'failed' else p.status end,
      settled_at = case when told.product_id is not null or told.is_last then now() else p.settled_at end,
      product_id = told.product_id,
      error_code = told.told ->> 'errorCode',
      error_message = told.told ->> 'errorMessage',
      available_at = now() + greatest(private.product_pause(p.attempts),
        make_interval(secs => coalesce((told.told ->> 'waitSeconds')::float8, 0))),
      lease_token = null
    from told
    where p.id = told.id
      and (p.lease_token = p_lease_token or (told.product_id is not null and p.status <> 'created'))
    returning p.status)
  select jsonb_build_object('products', count(*) filter (where status = 'created'),
    'refused', count(*) filter (where status = 'failed')) into v_settled from settled;
  return v_settled;
end $$;
-- Why a story is not whole, or not yet: what stands before each asset that is not there, and when it goes on.

-- What keeps a queued job whose inputs are settled from being claimed now; null when nothing does.
create function private.what_holds_up(p_job public.asset_generation_jobs, p_at_limit text[], p_too_dear text[]) returns text
  language sql stable set search_path = '' as $$
  select case
    when not private.takes_work() then 'PLATFORM_PAUSED'
    when p_job.available_at > now() then case when p_job.attempt = 0 then 'STARTS_SOON' else 'WAITS_FOR_RETRY' end
    when p_job.asset_type = any (p_too_dear) then 'WAITS_FOR_MONEY'
    when p_job.asset_type = any (p_at_limit) then 'WAITS_FOR_PROVIDER'
    else 'WAITS_FOR_TURN' end
$$;

-- Of every asset that is neither ready nor skipped: the reason, what it waits for and what waits for it, its last error, and
-- the moment of its next attempt where that is known. What is at rest has no waiting left, so its records suffice.
create function public.story_why(p_story_id uuid, p_user_id uuid default null) returns jsonb
  language plpgsql stable set search_path = '' as $$
declare
  v_overall text;
  v_capacity jsonb := private.provider_capacity();
  v_at_limit text[] := private.assets_at_limit(v_capacity);
  v_too_dear text[] := private.assets_over_budget();
  v_assets jsonb;
begin
  select asset_generation_status ->> 'overall' into v_overall from public.stories
  where id = p_story_id and (p_user_id is null or creator_user_id = p_user_id);
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  with jobs as (
    select
      r.asset_type,
      r.status,
      r.retry_count,
      r.error_code,
      r.error_message,
      r.completed_at,
      r.attempt_errors[cardinality(r.attempt_errors)] as last_attempt,
      j as job,
      j.id is not null and not private.is_settled(r.status) as is_open
    from public.asset_job_records r left join public.asset_generation_jobs j on j.id = r.id
    where r.story_id = p_story_id
  ),
  reasons as (
    select *, case
      when status in ('failed', 'cancelled') then upper(status)
      when status = 'generating' and (job).lease_expires_at < now() then 'WORKER_SILENT'
      when status = 'generating' then 'BEING_MADE'
      when not (job).inputs_settled then 'WAITS_FOR_INPUTS'
      else private.what_holds_up(job, v_at_limit, v_too_dear) end as reason
    from jobs where status in ('queued', 'generating', 'failed', 'cancelled')
  )
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
      'assetType', w.asset_type,
      'reason', w.reason,
      'attempts', (w.job).attempt,
      'retriesLeft', case when w.is_open then greatest(public.max_retries(w.asset_type) - w.retry_count, 0) end,
      'lastError', coalesce((w.job).last_error, w.last_attempt, case when w.error_code is not null then
        jsonb_build_object('code', w.error_code, 'message', w.error_message, 'at', w.completed_at) end),
      'nextAttemptAt', case w.reason
        when 'STARTS_SOON' then (w.job).available_at
        when 'WAITS_FOR_RETRY' then (w.job).available_at
        when 'WAITS_FOR_MONEY' then private.end_of_day()
        when 'WORKER_SILENT' then (w.job).lease_expires_at
        when 'WAITS_FOR_PROVIDER' then (select min((v_capacity #>> array[c.kind, 'opensAt'])::timestamptz)
          from private.asset_calls c where c.asset_type = w.asset_type) end,
      'waitsFor', nullif(array(select j.asset_type from jobs j
        where w.reason = 'WAITS_FOR_INPUTS' and j.is_open and j.asset_type = any (public.asset_inputs(w.asset_type))
        order by j.asset_type), '{}'),
      -- Nothing is further from what it is made of than two steps: the book has all of them as inputs.
      'waitedOnBy', nullif(array(select j.asset_type from jobs j
        where w.is_open and j.is_open and exists (select from unnest(public.asset_inputs(j.asset_type)) as input
          where input = w.asset_type or w.asset_type = any (public.asset_inputs(input)))
        order by j.asset_type), '{}'))) order by w.asset_type), '[]'::jsonb)
  into v_assets from reasons w;
  return jsonb_build_object('overall', v_overall, 'assets', v_assets, 'blockedBy', (
    select coalesce(jsonb_agg(asset -> 'assetType'), '[]'::jsonb) from jsonb_array_elements(v_assets) as asset
    where asset ->> 'reason' not in ('WAITS_FOR_INPUTS', 'CANCELLED')));
end $$;
comment on function public.story_why is
  'What each asset that is not there waits for, why it failed, when it is tried next: {overall, blockedBy, assets}. Without a '
  'user, for operators, of any story. Refuses with PT404 STORY_NOT_FOUND.';
-- What plans there are, and how a user comes to another one: list_plans, apply_purchase.

create function public.list_plans() returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'plans', (select coalesce(jsonb_agg(jsonb_build_object(
        'code', code,
        'name', name,
        'priceUsdMonth', price_usd_month,
        'storyLimit', story_limit,
        'dailyLimit', daily_generation_limit,
        'remakesPerStory', remakes_per_story,
        'dailyCostLimitUsd', daily_cost_limit_usd,
        'webhookLimit', webhook_limit,
        'assetTypes', asset_types,
        'priorities', priorities,
        'characterVoices', character_voices,
        'characterSheets', character_sheets,
        'upgradeOptions', upgrade_options) order by position, code), '[]'::jsonb) from public.tiers),
    'packs', (select coalesce(jsonb_agg(jsonb_build_object(
        'code', code,
        'name', name,
        'stories', stories,
        'priceUsd', price_usd) order by position, code), '[]'::jsonb) from public.packs))
$$;
comment on function public.list_plans is 'Every plan and pack in their order, for whoever compares them: {plans, packs}.';

create table public.purchases (
  key text primary key constraint purchases_key_length check (char_length(key) between 1 and 255),
  user_id uuid references public.users (id) on delete set null,
  purchase jsonb not null,
  answer jsonb not null,
  created_at timestamptz not null default now()
);
comment on table public.purchases is
  'Packs and plans that users came by, once each. Outlives its user without naming them, or a late repetition would count.';
comment on column public.purchases.key is 'The payment, as whoever took it numbers it.';
create index idx_purchases_user on public.purchases (user_id);
alter table public.purchases enable row level security;

-- The answer given before to this purchase, or null. A key that came with something else is refused.
create function private.find_purchase(p_key text, p_user_id uuid, p_purchase jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_known public.purchases;
begin
  select * into v_known from public.purchases where key = p_key;
  if not found then return null; end if;
  if v_known.user_id is distinct from p_user_id or v_known.purchase <> p_purchase then
    perform private.refuse(422, 'IDEMPOTENCY_KEY_REUSED');
  end if;
  return v_known.answer || '{"replayed": true}'::jsonb;
end $$;

create function public.apply_purchase(p_key text, p_user_id uuid, p_purchase jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  -- Before the profile is made: one that was deleted does not come back because its payment is told again.
  v_known jsonb := private.find_purchase(p_key, p_user_id, p_purchase);
  v_user public.users;
  v_stories integer := (select stories from public.packs where code = p_purchase ->> 'pack');
  v_answer jsonb;
begin
  if v_known is not null then return v_known; end if;
  if p_purchase - '{tier,pack}'::text[] <> '{}'::jsonb
    or (p_purchase ? 'tier') = (p_purchase ? 'pack')
    or (p_purchase ? 'pack' and v_stories is null)
    or (p_purchase ? 'tier' and not exists (select from public.tiers where code = p_purchase ->> 'tier')) then
    perform private.refuse(400, 'UNKNOWN_PURCHASE', jsonb_build_object('purchase', p_purchase));
  end if;
  v_user := private.lock_user(p_user_id);
  v_known := private.find_purchase(p_key, p_user_id, p_purchase);
  if v_known is not null then return v_known; end if;

  update public.users
  set tier = coalesce(p_purchase ->> 'tier', tier), extra_stories = extra_stories + coalesce(v_stories, 0)
  where id = p_user_id returning * into v_user;
  v_answer := jsonb_build_object('userId', v_user.id, 'tier', v_user.tier, 'extraStories', v_user.extra_stories);
  insert into public.purchases (key, user_id, purchase, answer) values (p_key, p_user_id, p_purchase, v_answer)
  on conflict (key) do nothing;
  -- Somebody else's, a moment ago.
  if not found then perform private.refuse(422, 'IDEMPOTENCY_KEY_REUSED'); end if;
  return v_answer || '{"replayed": false}'::jsonb;
end $$;
comment on function public.apply_purchase is
  'Gives a user a plan ({"tier": code}) or the stories of a pack ({"pack": code}), once per key: {userId, tier, extraStories, '
  'replayed}. Refuses with PT400 UNKNOWN_PURCHASE and PT422 IDEMPOTENCY_KEY_REUSED.';
-- Shelves: list_libraries, create_library, rename_library, and move_story from one to another.

create function private.library_answer(p_library_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'id', l.id,
    'name', l.name,
    'storyCount', (select count(*) from public.stories s where s.library_id = l.id),
    'createdAt', l.created_at)
  from public.libraries l where l.id = p_library_id
$$;

create function public.list_libraries(p_user_id uuid, p_email text default null, p_limit integer default 100,
  p_offset integer default 0) returns jsonb
  language plpgsql set search_path = '' as $$
begin
  -- The first one comes with the profile.
  perform private.ensure_profile(p_user_id, p_email);
  return (
    select coalesce(jsonb_agg(private.library_answer(page.id) order by page.created_at, page.id), '[]'::jsonb)
    from (select id, created_at from public.libraries where owner_user_id = p_user_id
      order by created_at, id limit p_limit offset p_offset) as page);
end $$;
comment on function public.list_libraries is
  'A user''s libraries, the oldest first, which is where stories go that name none: [{id, name, storyCount, createdAt}].';

create function public.create_library(p_user_id uuid, p_email text, p_name text, p_idempotency_key text default null,
  p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_user(p_user_id, p_email);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'create_library', p_idempotency_key, p_request_hash);
  v_library uuid;
begin
  if v_replay is not null then return v_replay; end if;
  perform private.refuse_while('read_only');
  insert into public.libraries (owner_user_id, name) values (v_user.id, p_name) returning id into v_library;
  return private.save_idempotent_response(p_user_id, 'create_library', p_idempotency_key, p_request_hash,
    jsonb_build_object('library', private.library_answer(v_library)));
end $$;

create function public.rename_library(p_user_id uuid, p_library_id uuid, p_name text) returns jsonb
  language plpgsql set search_path = '' as $$
begin
  perform private.refuse_while('read_only');
  update public.libraries set name = p_name where id = p_library_id and owner_user_id = p_user_id;
  if not found then perform private.refuse(404, 'LIBRARY_NOT_FOUND'); end if;
  return private.library_answer(p_library_id);
end $$;

create function public.move_story(p_user_id uuid, p_story_id uuid, p_library_id uuid) returns jsonb
  language plpgsql set search_path = '' as $$
begin
  perform private.refuse_while('read_only');
  perform from public.stories where id = p_story_id and creator_user_id = p_user_id for update;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  if not exists (select from public.libraries where id = p_library_id and owner_user_id = p_user_id) then
    perform private.refuse(404, 'LIBRARY_NOT_FOUND');
  end if;
  -- One that stands there already is left alone: nobody is told of a change that is none.
  update public.stories set library_id = p_library_id where id = p_story_id and library_id <> p_library_id;
  return private.story_answer(p_story_id);
end $$;
comment on function public.move_story is
  'Puts a story into another library of its user and answers it. Refuses with PT404 STORY_NOT_FOUND or LIBRARY_NOT_FOUND.';
-- What a user may ask of a story that exists: retry_assets, regenerate_assets, generate_assets, continue_story,
-- cancel_assets (meanings of C-17). Each checks the owner, may be repeated under an idempotency key, and answers the story
-- and how many jobs became claimable.

-- The story before its user, as a job that gives a credit back takes them. What is history comes back before it is
-- changed.
create function private.lock_story_and_owner(p_story_id uuid, p_user_id uuid) returns public.users
  language plpgsql set search_path = '' as $$
begin
  perform from public.stories where id = p_story_id and creator_user_id = p_user_id for update;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  perform private.refuse_while('read_only');
  perform private.recall_history(p_story_id);
  return private.lock_user(p_user_id);
end $$;

-- Everything is made anew from a text that is to be written, the text itself included, and readers go on seeing what there
-- is until then. What the user cancelled or skipped stays so, and what the plan does not include any more is left as it is,
-- as stale. p_asked_for are the assets that the user named.
create function private.begin_new_text(p_story_id uuid, p_asked_for text[]) returns void
  language sql set search_path = '' as $$
  update public.asset_generation_jobs j
  set
    shown = coalesce(shown, private.what_is_shown(j)),
    status = 'queued',
    inputs_settled = false,
    retry_count = 0,
    progress = case when private.is_settled(status) then 0 else progress end,
    completed_at = null,
    available_at = now(),
    lease_token = null,
    lease_owner = null,
    lease_expires_at = null,
    url = null,
    result = '{}'::jsonb,
    is_placeholder = false,
    asset_version = 0,
    metadata = '{}'::jsonb,
    queued_by_input = false,
    asked_by = case when asset_type = any (p_asked_for) then asked_by else 'text' end,
    error_code = null,
    error_message = null
  where story_id = p_story_id and status in ('ready', 'failed', 'generating', 'queued')
    and (not private.is_settled(status) or private.plan_includes(p_story_id, asset_type))
$$;

-- What follows when something is made again while the text stays, or is to stand alone (p_cascade false): what waits and
-- would be made from it waits for it. With p_cascade the book is bound again, one that is being bound included: its worker
-- loses the lease, so that nothing of the old version stays. A book whose other pages are of an earlier text is left as it
-- is, and so is one that the plan does not include any more. A scene keeps its picture when the cover is drawn again, and is
-- marked as stale.
create function private.remake_dependents(p_story_id uuid, p_changed text[], p_cascade boolean default true) returns void
  language sql set search_path = '' as $$
  update public.asset_generation_jobs
  set
    queued_by_input = queued_by_input or status = 'ready',
    asked_by = case when status = 'queued' then asked_by else 'input' end,
    status = 'queued',
    inputs_settled = false,
    retry_count = 0,
    completed_at = null,
    available_at = now(),
    progress = case when private.is_settled(status) then 0 else progress end,
    checkpoint = case when private.is_settled(status) then checkpoint - '{picture,finished}'::text[] else checkpoint end,
    lease_token = null,
    lease_owner = null,
    lease_expires_at = null,
    error_code = null,
    error_message = null
  where story_id = p_story_id and asset_type <> all (p_changed)
    and ('content' = any (p_changed) or p_changed && public.asset_inputs(asset_type))
    and (status = 'queued' or (p_cascade and asset_type = 'pdf' and status in ('ready', 'failed', 'generating')
      and (status = 'generating' or private.plan_includes(p_story_id, 'pdf'))
      and private.pages_of_another_text(p_story_id) <@ p_changed))
$$;

-- A story whose credit was given back takes one again, whichever verb begins it again. Without a text so far its heroes
-- are those of today: a user may have changed what made it fail.
create function private.begin_text_again(p_user public.users, p_story_id uuid) returns void
  language plpgsql set search_path = '' as $$
begin
  if (select coalesce(sum(delta), 0) from public.credit_ledger where story_id = p_story_id) >= 0 then
    perform private.take_credit(p_user, p_story_id);
  end if;
  -- All of them must still be there, or the story goes on with the heroes it knew.
  perform private.drop_manuscript(p_story_id);
  if exists (select from public.asset_generation_jobs
      where story_id = p_story_id and asset_type = 'content' and versions_made = 0)
    and exists (select from public.stories s join public.characters c on c.id = any (s.character_ids)
      where s.id = p_story_id having count(*) = max(cardinality(s.character_ids))) then
    perform private.save_story_characters(p_story_id);
  end if;
end $$;

-- A book is bound around its cover, and from one text; otherwise it could only fail. What is asked for in the same breath
-- is there by then; beside a new text that is to stand alone (p_cascade false) every other page would be of an earlier one.
create function private.refuse_impossible_book(p_story_id uuid, p_asset_types text[], p_cascade boolean default true)
  returns void language plpgsql set search_path = '' as $$
declare
  v_missing text[] := '{}';
  v_stale text[] := '{}';
begin
  if ('pdf' = any (p_asset_types)) is not true then return; end if;
  if not 'cover' = any (p_asset_types)
    and not exists (select from public.asset_generation_jobs where story_id = p_story_id and asset_type = 'cover'
      and (url is not null or status in ('queued', 'generating'))) then
    v_missing := '{cover}';
  end if;
  if not 'content' = any (p_asset_types) then
    v_stale := private.pages_of_another_text(p_story_id);
  elsif not p_cascade then
    v_stale := array(select asset_type from public.asset_generation_jobs
      where story_id = p_story_id and asset_type = any (public.asset_inputs('pdf')) and result ? 'madeFrom'
      order by asset_type);
  end if;
  v_stale := array(select unnest(v_stale) except select unnest(p_asset_types) order by 1);
  if v_missing <> '{}' or v_stale <> '{}' then
    perform private.refuse(409, 'MISSING_REQUIRED_ASSETS', jsonb_strip_nulls(jsonb_build_object(
      'missing', case when v_missing <> '{}' then to_jsonb(v_missing) end,
      'stale', case when v_stale <> '{}' then to_jsonb(v_stale) end)));
  end if;
end $$;

-- Takes from the allowance of a story for what is about to be put back into the queue, and refuses what it, or the money of
-- the day, has no room for. Only what was delivered or begun counts: trying again what failed does not, nor does the book,
-- which costs nothing. From a text everything is made again (p_cascade). The caller holds the story.
create function private.take_remakes(p_user public.users, p_story_id uuid, p_asset_types text[], p_statuses text[],
  p_cascade boolean default true) returns void
  language plpgsql set search_path = '' as $$
declare
  v_tier public.tiers;
  v_from_text boolean := p_cascade and exists (select from public.asset_generation_jobs where story_id = p_story_id
    and asset_type = 'content' and asset_type = any (p_asset_types) and status = any (p_statuses));
  v_again text[];
  v_counting text[];
  v_used bigint;
begin
  select * into v_tier from public.tiers where code = p_user.tier;
  select coalesce(array_agg(asset_type), '{}'),
    coalesce(array_agg(asset_type) filter (where status in ('ready', 'generating', 'cancelled')), '{}')
  into v_again, v_counting
  from public.asset_generation_jobs
  where story_id = p_story_id and asset_type <> 'pdf' and attempt > 0 and error_code is distinct from 'INPUT_FAILED'
    and (asset_type = any (p_asset_types) and status = any (p_statuses)
      or v_from_text and status in ('ready', 'failed', 'generating') and asset_type = any (v_tier.asset_types));

  select count(*) into v_used from private.remake_ledger
  where story_id = p_story_id and counts and (outcome is null or outcome in ('made', 'cancelled'));
  -- Null, where nothing limits, is not true.
  if v_counting <> '{}' and v_used + cardinality(v_counting) > v_tier.remakes_per_story then
    perform private.refuse(403, 'REGENERATION_LIMIT', jsonb_build_object(
      'tier', p_user.tier,
      'allowance', v_tier.remakes_per_story,
      'used', v_used,
      'asked', cardinality(v_counting),
      'upgradeOptions', to_jsonb(v_tier.upgrade_options)));
  end if;
  perform private.refuse_over_spend_limit(p_user, v_again);
  -- What has no job yet is made by the verb that takes it up beside what was cancelled or skipped.
  perform private.refuse_over_platform_limit(v_again || array(
    select asked.asset from unnest(p_asset_types) as asked (asset)
    left join public.asset_generation_jobs j on j.story_id = p_story_id and j.asset_type = asked.asset
    where coalesce(j.status = any (p_statuses), p_statuses <@ '{cancelled,skipped}'::text[])));

  -- A try that is overtaken was the user's own.
  update private.remake_ledger set outcome = 'cancelled'
  where story_id = p_story_id and asset_type = any (v_again) and outcome is null;
  insert into private.remake_ledger (story_id, job_id, asset_type, counts, attempts_before)
  select story_id, id, asset_type, asset_type = any (v_counting), attempt from public.asset_generation_jobs
  where story_id = p_story_id and asset_type = any (v_again);
end $$;

-- Puts settled jobs back into the queue. With p_fresh, and after a failure, a picture is drawn three times again, whatever
-- was refused before; one that was cancelled has the tries it had left.
-- With a new text everything is made anew out of readers' sight; without p_cascade it is made and shown alone, unless
-- another one is under way already.
create function private.requeue(p_user public.users, p_story_id uuid, p_asset_types text[], p_statuses text[],
  p_options jsonb, p_fresh boolean, p_asked_by text, p_cascade boolean default true) returns text[]
  language plpgsql set search_path = '' as $$
declare
  v_done text[];
begin
  perform private.take_remakes(p_user, p_story_id, p_asset_types, p_statuses, p_cascade);
  with requeued as (
    update public.asset_generation_jobs
    set
      status = 'queued',
      inputs_settled = false,
      retry_count = 0,
      progress = 0,
      completed_at = null,
      lease_token = null,
      available_at = now(),
      error_code = null,
      error_message = null,
      last_error = null,
      options = options || p_options,
      asked_by = p_asked_by,
      metadata = '{}'::jsonb,
      queued_by_input = false,
      priority = private.story_priority(p_story_id),
      checkpoint = case when p_fresh or status = 'failed' then checkpoint - '{picture,finished}'::text[] else checkpoint end
    where story_id = p_story_id and asset_type = any (p_asset_types) and status = any (p_statuses)
    returning asset_type)
  select coalesce(array_agg(asset_type), '{}') into v_done from requeued;
  perform private.refuse_assets_outside_tier(p_user.tier, v_done);

  if 'content' = any (v_done) then
    perform private.begin_text_again(p_user, p_story_id);
    -- What the old text took with it when it failed; what the user cancelled stays cancelled.
    update public.asset_generation_jobs
    set
      status = 'queued',
      inputs_settled = false,
      retry_count = 0,
      progress = 0,
      completed_at = null,
      lease_token = null,
      available_at = now(),
      error_code = null,
      error_message = null
    where story_id = p_story_id and status = 'cancelled' and error_code = 'INPUT_FAILED'
      and private.plan_includes(p_story_id, asset_type);
  end if;
  if 'content' = any (v_done) and (private.new_text_is_made(p_story_id)
    or (p_cascade and private.text_version(p_story_id) > 0)) then
    perform private.begin_new_text(p_story_id, v_done);
  else
    perform private.remake_dependents(p_story_id, v_done, p_cascade);
  end if;
  perform private.add_to_new_text(p_story_id, v_done);
  return v_done;
end $$;

-- Volatile: a stable function would not see what settle_and_continue changed in the statement that calls both.
create function private.command_answer(p_story_id uuid, p_done text[], p_settled jsonb) returns jsonb
  language sql volatile set search_path = '' as $$
  select jsonb_build_object('story', private.story_answer(p_story_id), 'assetTypes', to_jsonb(p_done),
    'claimable', p_settled -> 'claimable', 'was', p_settled -> 'was', 'summary', p_settled -> 'summary')
$$;

create function public.retry_assets(p_user_id uuid, p_story_id uuid, p_asset_types text[] default null,
  p_options jsonb default '{}'::jsonb, p_force boolean default false, p_cascade boolean default true,
  p_idempotency_key text default null, p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_story_and_owner(p_story_id, p_user_id);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'retry_assets', p_idempotency_key, p_request_hash);
  v_done text[];
begin
  if v_replay is not null then return v_replay; end if;
  perform private.refuse_impossible_book(p_story_id, p_asset_types, p_cascade);
  v_done := private.requeue(v_user, p_story_id,
    coalesce(p_asset_types, (select asset_types from public.tiers where code = v_user.tier)),
    case when p_force then '{ready,failed,cancelled,skipped}'::text[] else '{failed}' end, p_options, p_force, 'retry',
    p_cascade);
  return private.save_idempotent_response(p_user_id, 'retry_assets', p_idempotency_key, p_request_hash,
    private.command_answer(p_story_id, v_done, private.settle_and_continue(p_story_id)));
end $$;
comment on function public.retry_assets is
  'Failed assets again, with a new set of retries; with p_force settled ones of any kind. p_cascade as in regenerate_assets.';

create function public.regenerate_assets(p_user_id uuid, p_story_id uuid, p_asset_types text[],
  p_options jsonb default '{}'::jsonb, p_cascade boolean default true, p_idempotency_key text default null,
  p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_story_and_owner(p_story_id, p_user_id);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'regenerate_assets', p_idempotency_key, p_request_hash);
  v_done text[];
begin
  if v_replay is not null then return v_replay; end if;
  perform private.refuse_assets_outside_tier(v_user.tier, p_asset_types);
  perform private.refuse_impossible_book(p_story_id, p_asset_types, p_cascade);
  v_done := private.requeue(v_user, p_story_id, p_asset_types, '{ready,failed}', p_options, true, 'regenerate', p_cascade);
  return private.save_idempotent_response(p_user_id, 'regenerate_assets', p_idempotency_key, p_request_hash,
    private.command_answer(p_story_id, v_done, private.settle_and_continue(p_story_id)));
end $$;
comment on function public.regenerate_assets is
  'A new version of assets that are there, and of what is made from them unless p_cascade is false: then that is marked as '
  'stale. The old one serves until the new one is ready, and on when it fails.';

create function public.generate_assets(p_user_id uuid, p_story_id uuid, p_asset_types text[],
  p_options jsonb default '{}'::jsonb, p_idempotency_key text default null, p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_story_and_owner(p_story_id, p_user_id);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'generate_assets', p_idempotency_key, p_request_hash);
  v_done text[];
begin
  if v_replay is not null then return v_replay; end if;
  perform private.refuse_assets_outside_tier(v_user.tier, p_asset_types);
  perform private.refuse_impossible_book(p_story_id, p_asset_types);
  v_done := private.requeue(v_user, p_story_id, p_asset_types, '{cancelled,skipped}', p_options, false, 'generate');
  with made as (
    insert into public.asset_generation_jobs (story_id, user_id, asset_type, priority, options, asked_by)
    select p_story_id, p_user_id, asset, private.story_priority(p_story_id), p_options, 'generate'
    from unnest(p_asset_types) as asset
    on conflict (story_id, asset_type) do nothing returning asset_type)
  select v_done || coalesce(array_agg(asset_type), '{}') into v_done from made;
  perform private.remake_dependents(p_story_id, v_done);
  perform private.add_to_new_text(p_story_id, v_done);
  return private.save_idempotent_response(p_user_id, 'generate_assets', p_idempotency_key, p_request_hash,
    private.command_answer(p_story_id, v_done, private.settle_and_continue(p_story_id)));
end $$;
comment on function public.generate_assets is
  'Makes assets that were not asked for at first, or were cancelled or skipped.';

create function public.continue_story(p_user_id uuid, p_story_id uuid, p_skip_failed boolean default true,
  p_idempotency_key text default null, p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_story_and_owner(p_story_id, p_user_id);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'continue_story', p_idempotency_key, p_request_hash);
  v_done text[];
begin
  if v_replay is not null then return v_replay; end if;
  if p_skip_failed then
    -- A book that failed for want of a picture is not skipped but made without it, where the plan has books.
    with skipped as (
      update public.asset_generation_jobs set status = 'skipped', completed_at = now()
      where story_id = p_story_id and status = 'failed' and asset_type <> 'content'
        and (asset_type <> 'pdf' or not private.plan_includes(p_story_id, 'pdf')) returning asset_type)
    select coalesce(array_agg(asset_type), '{}') into v_done from skipped;
    if private.plan_includes(p_story_id, 'pdf') then
      v_done := v_done || private.requeue(v_user, p_story_id, '{pdf}', '{failed,cancelled}', '{}'::jsonb, false, 'generate');
    end if;
  end if;
  return private.save_idempotent_response(p_user_id, 'continue_story', p_idempotency_key, p_request_hash,
    private.command_answer(p_story_id, coalesce(v_done, '{}'), private.settle_and_continue(p_story_id)));
end $$;
comment on function public.continue_story is
  'Settles failed assets as skipped, so that what depends on them is made without them.';

create function public.cancel_assets(p_user_id uuid, p_story_id uuid, p_asset_types text[] default null,
  p_idempotency_key text default null, p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_story_and_owner(p_story_id, p_user_id);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'cancel_assets', p_idempotency_key, p_request_hash);
  v_done text[];
  v_asset text;
  v_job public.asset_generation_jobs;
  v_patch jsonb := '{}'::jsonb;
begin
  if v_replay is not null then return v_replay; end if;
  v_done := array(select asset_type from public.asset_generation_jobs
    where story_id = p_story_id and status in ('queued', 'generating')
      and (p_asset_types is null or asset_type = any (p_asset_types)) order by created_at, asset_type);
  foreach v_asset in array v_done loop
    select * into v_job from public.asset_generation_jobs
    where story_id = p_story_id and asset_type = v_asset and status in ('queued', 'generating');
    -- It went back to what it was with one before it, when a new text was given up.
    continue when not found;
    v_patch := v_patch || private.end_without_version(v_job, 'cancelled', 'CANCELLED', 'Cancelled on request');
    -- A late result of a try that was restored must not pass for the version that stands.
    update public.asset_generation_jobs set lease_token = null where id = v_job.id and status = 'ready';
  end loop;
  return private.save_idempotent_response(p_user_id, 'cancel_assets', p_idempotency_key, p_request_hash,
    private.command_answer(p_story_id, v_done, private.settle_and_continue(p_story_id, v_patch)));
end $$;
comment on function public.cancel_assets is
  'Stops what is queued or being made; a worker learns of it at its next heartbeat. A version that was there before serves on.';
-- Earlier versions of a story's text and assets: restore_asset shows one again, as the commands of 85_commands.sql do their
-- work; story_history lists them all.

-- The book of the versions that are shown now: one that was bound from exactly these, else it is bound again. Nobody is
-- paid for that.
create function private.restore_book(p_story_id uuid, p_changed text[]) returns void
  language plpgsql set search_path = '' as $$
declare
  v_changed text[] := array_remove(p_changed, 'pdf');
  v_book public.asset_versions;
begin
  select * into v_book from public.asset_versions
  where story_id = p_story_id and asset_type = 'pdf' and result -> 'madeFrom' = private.sources_of(p_story_id, 'pdf')
  order by version desc limit 1;
  if found then
    perform private.take_version(v_book);
    v_changed := v_changed || 'pdf'::text;
  end if;
  perform private.remake_dependents(p_story_id, v_changed);
end $$;

-- Shows a version of the history again. A text brings the newest of everything that was made from it along, and what was
-- never made from it is stale; anything else is shown only beside the text it was made from.
create function public.restore_asset(p_user_id uuid, p_story_id uuid, p_asset_type text, p_version integer,
  p_idempotency_key text default null, p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_story_and_owner(p_story_id, p_user_id);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'restore_asset', p_idempotency_key, p_request_hash);
  v_wanted public.asset_versions;
  v_version public.asset_versions;
  v_text integer;
  v_done text[] := '{}';
  v_patch jsonb := '{}'::jsonb;
begin
  if v_replay is not null then return v_replay; end if;
  select * into v_wanted from public.asset_versions
  where story_id = p_story_id and asset_type = p_asset_type and version = p_version;
  if not found then perform private.refuse(404, 'VERSION_NOT_FOUND'); end if;
  if private.new_text_is_made(p_story_id) then
    perform private.overtake_remakes(p_story_id, array(
      select asset_type from public.asset_generation_jobs where story_id = p_story_id));
    perform private.give_up_new_text(p_story_id, null, null);
  end if;
  v_text := private.text_version(p_story_id);
  if p_asset_type <> 'content' and v_wanted.text_version <> v_text then
    perform private.refuse(409, 'VERSION_OF_ANOTHER_TEXT', jsonb_build_object(
      'textVersion', v_wanted.text_version, 'shownTextVersion', v_text));
  end if;

  for v_version in
    select distinct on (asset_type) * from public.asset_versions
    where story_id = p_story_id and case when asset_type = p_asset_type then version = p_version
      else p_asset_type = 'content' and text_version = v_wanted.text_version and text_version <> v_text end
    order by asset_type, version desc
  loop
    continue when exists (select from public.asset_generation_jobs where story_id = p_story_id
      and asset_type = v_version.asset_type and status = 'ready' and asset_version = v_version.version);
    perform private.overtake_remakes(p_story_id, array[v_version.asset_type]);
    perform private.take_version(v_version);
    v_patch := v_patch || private.story_columns(v_version.asset_type, v_version.result);
    v_done := v_done || v_version.asset_type;
  end loop;
  if 'content' = any (v_done) then
    perform private.drop_manuscript(p_story_id);
    -- What is being made is made from this text.
    update public.asset_generation_jobs
    set
      status = 'queued',
      inputs_settled = false,
      lease_token = null,
      lease_owner = null,
      lease_expires_at = null
    where story_id = p_story_id and status = 'generating';
  end if;
  if v_done && public.asset_inputs('pdf') then perform private.restore_book(p_story_id, v_done); end if;
  return private.save_idempotent_response(p_user_id, 'restore_asset', p_idempotency_key, p_request_hash,
    private.command_answer(p_story_id, v_done, private.settle_and_continue(p_story_id, v_patch)));
end $$;
comment on function public.restore_asset is
  'Shows a version of the history again, at no cost: {story, assetTypes, claimable}. Refuses with PT404 VERSION_NOT_FOUND or '
  'PT409 VERSION_OF_ANOTHER_TEXT.';

-- A version cost what was paid for all tries that led to it.
create function public.story_history(p_user_id uuid, p_story_id uuid) returns jsonb
  language plpgsql stable set search_path = '' as $$
declare
  v_status jsonb;
begin
  select asset_generation_status into v_status from public.stories where id = p_story_id and creator_user_id = p_user_id;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  return (
    with versions as (
      select v.*, (select coalesce(sum(u.cost_usd), 0) from public.usage_ledger u
        where u.story_id = v.story_id and u.asset_type = v.asset_type and u.asset_version = v.version) as cost_usd
      from public.asset_versions v where v.story_id = p_story_id
    )
    select jsonb_build_object(
      'textVersion', v_status -> 'textVersion',
      'versions', coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
          'assetType', asset_type,
          'version', version,
          'textVersion', text_version,
          'madeFrom', result -> 'madeFrom',
          'reason', asked_by,
          'options', options,
          'title', result -> 'title',
          'url', url,
          'prompt', result -> 'prompt',
          'createdAt', created_at,
          'costUsd', cost_usd,
          'shown', coalesce(to_jsonb(version) = v_status #> array['assets', asset_type, 'version'], false)))
        order by created_at, asset_type, version), '[]'::jsonb),
      'totalCostUsd', coalesce(sum(cost_usd), 0))
    from versions);
end $$;
comment on function public.story_history is
  'Every version of a story''s text and assets, the oldest first: {textVersion, versions, totalCostUsd}.';
-- Taking away: rows go at once, files and what the CDN keeps of them by the deletion queue, and the ledgers keep sums.
--
-- Whoever removes a story's row (a user, the end of an account, somebody at the dashboard) passes the triggers here, so that
-- no file stays because of the way its story went.

create function private.before_story_deleted() returns trigger
  language plpgsql security definer set search_path = '' as $$
declare
  v_nobody uuid := gen_random_uuid();
begin
  perform private.queue_deletion(old.id, 'files', interval '0');
  perform private.queue_webhooks(old.creator_user_id, old.id, 'story.deleted', jsonb_build_object('deletedAt', now()));
  delete from private.deletion_queue where story_id = old.id and kind = 'orphans';
  perform private.forget_names_of_usage(null, old.id);
  -- Its credits still count for their user, as those of a story that nobody can name.
  update public.credit_ledger set story_id = v_nobody where story_id = old.id;
  -- Answers hold title and text. The keys stay: what made the story does not make another when it comes again.
  update public.idempotency_keys set response = '{"gone": true}'
  where user_id = old.creator_user_id and response #>> '{story,id}' = old.id::text;
  return old;
end $$;
create trigger stories_leave_no_files before delete on public.stories
  for each row execute function private.before_story_deleted();

create function private.before_user_deleted() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  perform private.note_deleted_user(old.id);
  insert into private.credit_sums (day, reason, entries, delta)
  select (created_at at time zone 'UTC')::date, reason, count(*), sum(delta)
  from public.credit_ledger where user_id = old.id group by 1, 2 order by 1, 2
  on conflict (day, reason) do update
  set entries = credit_sums.entries + excluded.entries, delta = credit_sums.delta + excluded.delta;
  perform private.forget_names_of_usage(old.id, null);
  return old;
end $$;
create trigger users_leave_sums before delete on public.users
  for each row execute function private.before_user_deleted();

-- The profile and everything of it. Stories before their user, in the order of their ids, as everybody locks them.
create function private.delete_profile(p_user_id uuid) returns void language plpgsql set search_path = '' as $$
begin
  perform private.note_deleted_user(p_user_id);
  perform from public.stories where creator_user_id = p_user_id order by id for update;
  delete from public.stories where creator_user_id = p_user_id;
  delete from public.users where id = p_user_id;
end $$;

create function private.on_auth_user_deleted() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  perform private.delete_profile(old.id);
  return old;
end $$;

create trigger storytailor_user_deleted after delete on auth.users
  for each row execute function private.on_auth_user_deleted();

create function public.delete_story(p_user_id uuid, p_story_id uuid, p_idempotency_key text default null,
  p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_replay jsonb;
  v_unfinished boolean := false;
begin
  perform private.refuse_deleted_user(p_user_id);
  perform private.refuse_while('read_only');
  select asset_generation_status ->> 'overall' = 'generating' into v_unfinished
  from public.stories where id = p_story_id and creator_user_id = p_user_id for update;
  if found then
    -- As a user cancels it: a story that has no text yet gives its credit back.
    if exists (select from public.asset_generation_jobs
      where story_id = p_story_id and status in ('queued', 'generating')) then
      perform public.cancel_assets(p_user_id, p_story_id);
    end if;
    perform private.lock_user(p_user_id);
  end if;
  v_replay := private.find_idempotent_response(p_user_id, 'delete_story', p_idempotency_key, p_request_hash);
  if v_replay is not null then return v_replay; end if;
  delete from public.stories where id = p_story_id and creator_user_id = p_user_id;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  return private.save_idempotent_response(p_user_id, 'delete_story', p_idempotency_key, p_request_hash,
    jsonb_build_object('unfinished', v_unfinished, 'told', exists (select from private.webhook_deliveries d
      join private.webhook_endpoints e on e.id = d.endpoint_id
      where e.user_id = p_user_id and d.story_id = p_story_id and d.status = 'pending')));
end $$;
comment on function public.delete_story is
  'Takes a story away with all its rows, and queues the deletion of its files: {told, unfinished, replayed}; told = webhooks say '
  'so, unfinished = it was still being made. Refuses with PT404 STORY_NOT_FOUND.';

-- Up to p_limit stories a call, so that no transaction grows with an account; to be called until it is done, which
-- claim_deletions does when the caller does not. From the first call on nothing is made for this user any more.
create function public.delete_user(p_user_id uuid, p_limit integer default 100) returns jsonb
  language plpgsql security definer set search_path = '' as $$
declare
  v_stories uuid[];
begin
  -- What was begun is ended.
  if not exists (select from private.deleted_users where user_digest = private.user_digest(p_user_id)) then
    perform private.refuse_while('read_only');
  end if;
  perform private.note_deleted_user(p_user_id);
  update private.deleted_users set unfinished_user_id = p_user_id where user_digest = private.user_digest(p_user_id);
  v_stories := array(select id from public.stories where creator_user_id = p_user_id order by id limit p_limit for update);
  delete from public.stories where id = any (v_stories);
  if exists (select from public.stories where creator_user_id = p_user_id) then return '{"done": false}'::jsonb; end if;
  -- Waits for a profile that is being made just now, or it would outlive this.
  insert into public.users (id) values (p_user_id) on conflict (id) do nothing;
  perform from public.users where id = p_user_id for update;
  -- A story that came meanwhile is the next call's: nobody locks a story after its user.
  if exists (select from public.stories where creator_user_id = p_user_id) then return '{"done": false}'::jsonb; end if;
  delete from auth.users where id = p_user_id;
  delete from public.users where id = p_user_id;
  update private.deleted_users set unfinished_user_id = null where user_digest = private.user_digest(p_user_id);
  return '{"done": true}'::jsonb;
end $$;
comment on function public.delete_user is
  'Takes a user away, the sign-in included, with all stories: {done}. Safe to repeat; access tokens that are still valid are '
  'refused with PT401 TOKEN_INVALID from then on.';

-- Every address of a file that a row of the story names, in any version.
create function private.named_files(p_story_id uuid) returns text[] language sql stable set search_path = '' as $$
  select array(
    select url from public.asset_generation_jobs where story_id = p_story_id and url is not null
    union
    select url from public.asset_generation_history where story_id = p_story_id and url is not null
    union
    select url from public.asset_versions where story_id = p_story_id and url is not null
    union
    select asset.value ->> 'url' from public.stories s, jsonb_each(s.asset_generation_status -> 'assets') as asset
    where s.id = p_story_id and asset.value ? 'url')
$$;

-- Each call names itself, so that one whose answer was lost is answered again.
create function public.claim_deletions(p_owner text, p_limit integer default 100, p_lease_seconds integer default 60)
  returns jsonb language plpgsql set search_path = '' as $$
declare
  v_ids bigint[] := array(select id from private.deletion_queue where lease_owner = p_owner);
  v_unfinished uuid;
begin
  select unfinished_user_id into v_unfinished from private.deleted_users
  where unfinished_user_id is not null order by deleted_at limit 1;
  if v_unfinished is not null then perform public.delete_user(v_unfinished); end if;
  if cardinality(v_ids) = 0 then
    v_ids := array(select id from private.deletion_queue where available_at <= now()
      order by available_at, id limit p_limit for update skip locked);
    update private.deletion_queue
    set
      lease_token = gen_random_uuid(),
      lease_owner = p_owner,
      claimed_at = now(),
      available_at = now() + make_interval(secs => p_lease_seconds),
      attempts = attempts + 1
    where id = any (v_ids);
  end if;
  return jsonb_build_object('deletions', (
    select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
        'deletionId', id,
        'storyId', story_id,
        'characterId', character_id,
        'kind', kind,
        'leaseToken', lease_token,
        'attempts', attempts,
        'named', case when kind = 'orphans' then private.named_files(story_id) end,
        'endedAttempts', case when kind = 'orphans' then ended_attempts end,
        'kept', (select to_jsonb(reference_images) from public.characters c where c.id = character_id)))
        order by id), '[]'::jsonb)
    from private.deletion_queue where id = any (v_ids)),
    'more', private.has_deletions());
end $$;
comment on function public.claim_deletions is
  'Leases up to p_limit deletions that are due: {deletions: [{deletionId, storyId or characterId, kind, leaseToken, '
  'attempts}], more}.';

-- What the CDN keeps is invalidated a few seconds after the files are gone, so that many stories share one request.
create function public.complete_deletion(p_deletion_id bigint, p_lease_token uuid, p_error text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_deletion private.deletion_queue;
begin
  select * into v_deletion from private.deletion_queue where id = p_deletion_id for update;
  -- The same call again, because its answer was lost.
  if not found then return '{"accepted": true}'::jsonb; end if;
  if v_deletion.lease_token is distinct from p_lease_token then return '{"accepted": false}'::jsonb; end if;
  if p_error is not null then
    update private.deletion_queue
    set
      lease_token = null,
      lease_owner = null,
      last_error = p_error,
      available_at = now() + make_interval(secs => least(60, 2 ^ least(attempts - 1, 6)))
    where id = p_deletion_id;
    return '{"accepted": true}'::jsonb;
  end if;
  if v_deletion.kind = 'files' and v_deletion.passes = 0 then
    perform private.queue_deletion(v_deletion.story_id, 'cdn', interval '5 seconds');
  end if;
  if v_deletion.kind in ('files', 'references')
    and v_deletion.claimed_at < v_deletion.wanted_since + private.late_writer_grace() then
    update private.deletion_queue
    set
      passes = passes + 1,
      attempts = 0,
      lease_token = null,
      lease_owner = null,
      last_error = null,
      available_at = wanted_since + private.late_writer_grace()
    where id = p_deletion_id;
  else
    delete from private.deletion_queue where id = p_deletion_id;
  end if;
  return '{"accepted": true}'::jsonb;
end $$;
comment on function public.complete_deletion is
  'What was claimed is done, or failed with p_error and is due again after a pause of at most a minute: {accepted}.';
-- Webhooks as their users manage them (create_webhook, list_webhooks, change_webhook, delete_webhook, rotate_webhook,
-- webhook_deliveries, redeliver_webhook), and as they are sent: private.claim_deliveries, private.settle_deliveries.

-- 32 bytes, 244 bits of them random; the form is that of Standard Webhooks.
create function private.new_webhook_secret() returns text language sql volatile set search_path = '' as $$
  select 'whsec_' || encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64')
$$;

-- As long the old secret signs beside the new one.
create function private.secret_grace() returns interval language sql immutable set search_path = '' as $$
  select interval '24 hours'
$$;

create function private.webhook_answer(p_endpoint private.webhook_endpoints) returns jsonb
  language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'id', p_endpoint.id,
    'url', p_endpoint.url,
    'events', p_endpoint.events,
    'enabled', p_endpoint.enabled,
    'disabledBecause', p_endpoint.disabled_because,
    'formerSecretUntil', case when p_endpoint.former_secret_until > now() then p_endpoint.former_secret_until end,
    'createdAt', p_endpoint.created_at)
$$;

-- With its secret: for the answer to whoever made or rotated it, and to the same request once more.
create function private.webhook_with_secret(p_endpoint_id uuid, p_replayed boolean) returns jsonb
  language plpgsql stable set search_path = '' as $$
declare
  v_endpoint private.webhook_endpoints;
begin
  select * into v_endpoint from private.webhook_endpoints where id = p_endpoint_id;
  if not found then perform private.refuse(404, 'WEBHOOK_NOT_FOUND'); end if;
  return jsonb_build_object('replayed', p_replayed,
    'webhook', private.webhook_answer(v_endpoint) || jsonb_build_object('secret', v_endpoint.secret));
end $$;

create function private.lock_webhook(p_user_id uuid, p_webhook_id uuid) returns private.webhook_endpoints
  language plpgsql set search_path = '' as $$
declare
  v_endpoint private.webhook_endpoints;
begin
  select * into v_endpoint from private.webhook_endpoints where id = p_webhook_id and user_id = p_user_id for update;
  if not found then perform private.refuse(404, 'WEBHOOK_NOT_FOUND'); end if;
  return v_endpoint;
end $$;

create function public.create_webhook(p_user_id uuid, p_email text, p_url text, p_events text[],
  p_idempotency_key text default null, p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_user(p_user_id, p_email);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'create_webhook', p_idempotency_key, p_request_hash);
  v_limit integer := (select webhook_limit from public.tiers where code = v_user.tier);
  v_id uuid;
begin
  if v_replay is not null then return private.webhook_with_secret((v_replay ->> 'webhookId')::uuid, true); end if;
  perform private.refuse_while('read_only');
  if (select count(*) from private.webhook_endpoints where user_id = p_user_id) >= v_limit then
    perform private.refuse(403, 'WEBHOOK_LIMIT', jsonb_build_object('limit', v_limit));
  end if;
  insert into private.webhook_endpoints (user_id, url, events, secret)
  values (p_user_id, p_url, p_events, private.new_webhook_secret()) returning id into v_id;
  -- What is kept of the answer holds no secret.
  perform private.save_idempotent_response(p_user_id, 'create_webhook', p_idempotency_key, p_request_hash,
    jsonb_build_object('webhookId', v_id));
  return private.webhook_with_secret(v_id, false);
end $$;
comment on function public.create_webhook is
  'An address for events, with the secret that signs them: {webhook, replayed}. Refuses with PT403 WEBHOOK_LIMIT, PT422 '
  'IDEMPOTENCY_KEY_REUSED.';

create function public.list_webhooks(p_user_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(private.webhook_answer(e) order by e.created_at, e.id), '[]'::jsonb)
  from private.webhook_endpoints e where e.user_id = p_user_id
$$;
comment on function public.list_webhooks is 'A user''s addresses for events, the oldest first, without their secrets.';

-- What waits for one that is switched off is given up: it would be old news when it is switched on again.
create function public.change_webhook(p_user_id uuid, p_webhook_id uuid, p_change jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_endpoint private.webhook_endpoints := private.lock_webhook(p_user_id, p_webhook_id);
begin
  perform private.refuse_while('read_only');
  update private.webhook_endpoints
  set
    url = coalesce(p_change ->> 'url', url),
    events = case when p_change ? 'events' then array(select jsonb_array_elements_text(p_change -> 'events')) else events end,
    enabled = coalesce((p_change ->> 'enabled')::boolean, enabled),
    disabled_because = case when p_change ? 'enabled' then null else disabled_because end
  where id = p_webhook_id returning * into v_endpoint;
  if not v_endpoint.enabled then perform private.give_up_deliveries(p_webhook_id); end if;
  return private.webhook_answer(v_endpoint);
end $$;

create function private.give_up_deliveries(p_endpoint_id uuid) returns void language sql set search_path = '' as $$
  update private.webhook_deliveries set status = 'dead', settled_at = now(), lease_token = null
  where endpoint_id = p_endpoint_id and status = 'pending'
$$;

create function public.delete_webhook(p_user_id uuid, p_webhook_id uuid) returns jsonb
  language plpgsql set search_path = '' as $$
begin
  perform private.refuse_while('read_only');
  delete from private.webhook_endpoints where id = p_webhook_id and user_id = p_user_id;
  if not found then perform private.refuse(404, 'WEBHOOK_NOT_FOUND'); end if;
  return '{}'::jsonb;
end $$;
comment on function public.delete_webhook is 'Takes an address away, with all that was told or is to be told there.';

create function public.rotate_webhook(p_user_id uuid, p_webhook_id uuid, p_idempotency_key text default null,
  p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_user(p_user_id);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'rotate_webhook', p_idempotency_key, p_request_hash);
begin
  if v_replay is not null then return private.webhook_with_secret((v_replay ->> 'webhookId')::uuid, true); end if;
  perform private.refuse_while('read_only');
  perform private.lock_webhook(p_user_id, p_webhook_id);
  update private.webhook_endpoints
  set
    former_secret = secret,
    former_secret_until = now() + private.secret_grace(),
    secret = private.new_webhook_secret()
  where id = p_webhook_id;
  perform private.save_idempotent_response(p_user_id, 'rotate_webhook', p_idempotency_key, p_request_hash,
    jsonb_build_object('webhookId', p_webhook_id));
  return private.webhook_with_secret(p_webhook_id, false);
end $$;
comment on function public.rotate_webhook is
  'A new secret; the one before it signs as well for a day: {webhook, replayed}. Refuses with PT404 WEBHOOK_NOT_FOUND, PT422 '
  'IDEMPOTENCY_KEY_REUSED.';

create function private.delivery_answer(p_delivery private.webhook_deliveries) returns jsonb
  language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'id', p_delivery.id,
    'storyId', p_delivery.story_id,
    'event', p_delivery.event,
    'status', p_delivery.status,
    'createdAt', p_delivery.created_at,
    'settledAt', p_delivery.settled_at,
    'nextAttemptAt', case p_delivery.status when 'pending' then p_delivery.available_at end,
    'attempts', to_jsonb(p_delivery.log))
$$;

create function public.webhook_deliveries(p_user_id uuid, p_webhook_id uuid, p_limit integer default 20,
  p_offset integer default 0) returns jsonb
  language plpgsql stable set search_path = '' as $$
begin
  if not exists (select from private.webhook_endpoints where id = p_webhook_id and user_id = p_user_id) then
    perform private.refuse(404, 'WEBHOOK_NOT_FOUND');
  end if;
  return (
    select coalesce(jsonb_agg(private.delivery_answer(d) order by d.created_at desc, d.id), '[]'::jsonb)
    from (select * from private.webhook_deliveries where endpoint_id = p_webhook_id
      order by created_at desc, id limit p_limit offset p_offset) as d);
end $$;
comment on function public.webhook_deliveries is
  'What was told to an address, and how each try ended, the newest first. Refuses with PT404 WEBHOOK_NOT_FOUND.';

-- Five tries more, under the same id. One that is under way is left alone.
create function public.redeliver_webhook(p_user_id uuid, p_webhook_id uuid, p_delivery_id uuid) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_endpoint private.webhook_endpoints := private.lock_webhook(p_user_id, p_webhook_id);
  v_delivery private.webhook_deliveries;
begin
  perform private.refuse_while('read_only');
  update private.webhook_deliveries
  set status = 'pending', settled_at = null, available_at = now(), attempts = 0, lease_token = null
  where id = p_delivery_id and endpoint_id = v_endpoint.id and status <> 'pending';
  select * into v_delivery from private.webhook_deliveries where id = p_delivery_id and endpoint_id = v_endpoint.id;
  if not found then perform private.refuse(404, 'WEBHOOK_NOT_FOUND'); end if;
  return private.delivery_answer(v_delivery);
end $$;
comment on function public.redeliver_webhook is
  'Sends what was told, or could not be, once more under the same id. Refuses with PT404 WEBHOOK_NOT_FOUND.';

-- After the first try 5 s, then 10, 20 and 40 (S2-031).
create function private.delivery_pause(p_attempts integer) returns interval language sql immutable set search_path = '' as $$
  select make_interval(secs => 5 * 2 ^ (least(p_attempts, 5) - 1))
$$;

create function private.delivery_tries() returns integer language sql immutable set search_path = '' as $$
  select 5
$$;

-- The oldest that are due, three of one endpoint at most, so that nobody who is slow keeps the others waiting. The first of
-- each endpoint are found by stepping from one endpoint to the next.
create function private.due_deliveries(p_limit integer) returns setof uuid language sql stable set search_path = '' as $$
  with recursive waiting as (
    (select endpoint_id from private.webhook_deliveries where status = 'pending' order by endpoint_id limit 1)
    union all
    select (select d.endpoint_id from private.webhook_deliveries d
      where d.status = 'pending' and d.endpoint_id > w.endpoint_id order by d.endpoint_id limit 1)
    from waiting w where w.endpoint_id is not null)
  select due.id
  from waiting w cross join lateral (
    select id, available_at from private.webhook_deliveries
    where status = 'pending' and endpoint_id = w.endpoint_id and available_at <= now()
    order by available_at limit 3) as due
  order by due.available_at limit p_limit
$$;

-- Leases what is due to one sender, with all that it needs. Whoever died since has cost a try that is not counted as one.
create function private.claim_deliveries(p_token uuid, p_limit integer) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_ids uuid[];
begin
  v_ids := array(select d.id from private.webhook_deliveries d
    where d.id = any (array(select private.due_deliveries(p_limit))) and d.status = 'pending' and d.available_at <= now()
    for update of d skip locked);
  if cardinality(v_ids) = 0 then return '[]'::jsonb; end if;
  update private.webhook_deliveries
  set lease_token = p_token, attempts = attempts + 1, available_at = now() + private.sender_lease()
  where id = any (v_ids);
  return (
    select jsonb_agg(jsonb_build_object(
      'id', d.id,
      'url', e.url,
      'secrets', case when e.former_secret_until > now() then jsonb_build_array(e.secret, e.former_secret)
        else jsonb_build_array(e.secret) end,
      'event', d.event,
      'storyId', d.story_id,
      'createdAt', d.created_at,
      'data', d.data) order by d.created_at, d.id)
    from private.webhook_deliveries d join private.webhook_endpoints e on e.id = d.endpoint_id
    where d.id = any (v_ids));
end $$;

-- What became of leased deliveries: [{id, status, error, durationMs}]. An answer of 2xx is one that was accepted, whoever holds
-- the lease by now; 410 is an endpoint that wants nothing any more. Answers how many were accepted and how many given up.
create function private.settle_deliveries(p_lease_token uuid, p_results jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_gone uuid[];
  v_settled jsonb;
begin
  -- Endpoints before their deliveries, as whoever changes one takes them.
  v_gone := array(select e.id from private.webhook_endpoints e
    where e.enabled and e.id in (
      select d.endpoint_id from jsonb_array_elements(p_results) as result (told)
        join private.webhook_deliveries d on d.id = (result.told ->> 'id')::uuid
      where result.told -> 'status' = '410' and d.lease_token = p_lease_token)
    order by e.id for update of e);
  with told as (
    select
      d.id,
      result.told,
      coalesce((result.told ->> 'status')::integer between 200 and 299, false) as accepted,
      d.attempts >= private.delivery_tries() as is_last
    from jsonb_array_elements(p_results) as result (told)
      join private.webhook_deliveries d on d.id = (result.told ->> 'id')::uuid
    for update of d),
  settled as (
    update private.webhook_deliveries d
    set
      status = case when told.accepted then 'delivered' when told.is_last then 'dead' else d.status end,
      settled_at = case when told.accepted or told.is_last then now() else d.settled_at end,
      available_at = now() + private.delivery_pause(d.attempts),
      lease_token = null,
      log = (d.log || jsonb_strip_nulls(told.told - 'id' || jsonb_build_object('attempt', d.attempts, 'at', now())))
        [greatest(1, cardinality(d.log) - 18):]
    from told
    where d.id = told.id and (d.lease_token = p_lease_token or (told.accepted and d.status <> 'delivered'))
    returning d.status)
  select jsonb_build_object('delivered', count(*) filter (where status = 'delivered'),
    'dead', count(*) filter (where status = 'dead')) into v_settled from settled;
  if cardinality(v_gone) > 0 then
    update private.webhook_endpoints set enabled = false, disabled_because = 'gone' where id = any (v_gone);
    perform private.give_up_deliveries(id) from unnest(v_gone) as id;
  end if;
  return v_settled;
end $$;
-- What is told of stories that ended: mails (C-39, C-40) and webhooks, and what goes to shops, claimed and noted together by
-- claim_notices and settle_notices; note_mail_event; and the user's setting, user_settings and switch_off_notices.
--
-- A notice is claimed under a lease, sent, and noted. The mail service takes no idempotency key: who dies between its answer
-- and the note leaves a notice that is sent again when the lease is over, unless the service's own report comes first.

-- A notice that could not be sent in that time is a dead letter; one that nobody tried to send is old news.
create function private.notice_lifetime() returns interval language sql immutable set search_path = '' as $$
  select interval '24 hours'
$$;

-- 2 s, 4 s, ... up to a quarter of an hour.
create function private.notice_pause(p_attempts integer) returns interval language sql immutable set search_path = '' as $$
  select make_interval(secs => least(900, 2 ^ least(p_attempts, 10)))
$$;

-- Null while it is to be sent. While the story is made again nothing is said: it may end otherwise.
create function private.why_unsent(p_notice public.notification_outbox, p_overall text, p_user public.users) returns text
  language sql stable set search_path = '' as $$
  select case
    when p_notice.created_at < now() - private.notice_lifetime() then
      case when p_notice.attempts > 0 then 'undeliverable' else 'too_late' end
    when not p_user.notices then 'unwanted'
    when p_user.email is null then 'no_address'
    when p_overall not in ('generating', p_notice.kind) then 'superseded'
  end
$$;

-- Drops due notices that are not to be sent, and counts the dead letters among them. The others stay free for whoever
-- claims at the same moment.
create function private.drop_notices() returns bigint language sql set search_path = '' as $$
  with unwanted as materialized (
    select o.id, why.reason
    from public.notification_outbox o
      join public.stories s on s.id = o.story_id
      join public.users u on u.id = o.user_id
      cross join lateral private.why_unsent(o, s.asset_generation_status ->> 'overall', u) as why (reason)
    where o.sent_at is null and o.dropped_at is null and o.available_at <= now() and why.reason is not null
    order by o.available_at limit 500),
  free as (
    select o.id, unwanted.reason from public.notification_outbox o join unwanted on unwanted.id = o.id
    where o.sent_at is null and o.dropped_at is null and o.available_at <= now()
    for update of o skip locked),
  dropped as (
    update public.notification_outbox o
    set dropped_at = now(), dropped_because = free.reason, lease_token = null
    from free where o.id = free.id
    returning o.dropped_because)
  select count(*) filter (where dropped_because = 'undeliverable') from dropped
$$;

-- Up to p_limit of each kind. Without p_mail there is nobody who could send mails, and they stay as they are; without p_shop
-- nobody who could open a shop.
create function public.claim_notices(p_limit integer default 10, p_mail boolean default true, p_shop boolean default false)
  returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_dead bigint := case when p_mail then private.drop_notices() else 0 end;
  v_token uuid := gen_random_uuid();
  v_deliveries jsonb := private.claim_deliveries(v_token, p_limit);
  v_products jsonb := case when p_shop then private.claim_products(v_token, p_limit) else '[]' end;
  v_ids bigint[];
begin
  v_ids := array(
    select o.id from public.notification_outbox o join public.stories s on s.id = o.story_id
    where p_mail and o.sent_at is null and o.dropped_at is null and o.available_at <= now()
      and s.asset_generation_status ->> 'overall' = o.kind
    order by o.available_at limit p_limit for update of o skip locked);
  update public.notification_outbox
  set lease_token = v_token, attempts = attempts + 1, available_at = now() + private.sender_lease()
  where id = any (v_ids);
  return jsonb_build_object(
    'leaseToken', v_token,
    'dead', v_dead,
    'notices', (
      select coalesce(jsonb_agg(jsonb_build_object(
          'id', o.id,
          'storyId', o.story_id,
          'userId', o.user_id,
          'kind', o.kind,
          'email', u.email,
          'language', coalesce(u.language, s.request ->> 'language'),
          'title', s.title,
          'missing', array(select asset.key from jsonb_each(s.asset_generation_status -> 'assets') as asset
            where asset.value ->> 'status' in ('failed', 'cancelled') order by asset.key),
          'code', s.asset_generation_status #>> '{assets,content,code}')
        order by o.id), '[]'::jsonb)
      from public.notification_outbox o
        join public.stories s on s.id = o.story_id
        join public.users u on u.id = o.user_id
      where o.id = any (v_ids)),
    'deliveries', v_deliveries,
    'products', v_products,
    'nextInSeconds', extract(epoch from least(
      (select min(available_at) from public.notification_outbox
        where p_mail and sent_at is null and dropped_at is null and available_at > now()),
      (select min(available_at) from private.webhook_deliveries
        where status = 'pending' and available_at > now()),
      (select min(available_at) from private.shop_products
        where p_shop and status = 'pending' and available_at > now())) - now()));
end $$;
comment on function public.claim_notices is
  'Leases up to p_limit notices, and as many deliveries of webhooks and products of shops, that are due: {leaseToken, dead, '
  'notices, deliveries, products, nextInSeconds}; dead = notices given up just now after a day.';

-- What became of claimed notices: [{id, messageId}] where the service took the mail, [{id, error}] where not. A mail that
-- was taken is out, whoever holds the lease by now.
create function public.settle_notices(p_lease_token uuid, p_results jsonb, p_deliveries jsonb default '[]',
  p_products jsonb default '[]') returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_sent bigint;
begin
  update public.notification_outbox o
  set
    sent_at = now(),
    message_id = result.told ->> 'messageId',
    lease_token = null,
    last_error = null,
    dropped_at = null,
    dropped_because = null
  from jsonb_array_elements(p_results) as result (told)
  where o.id = (result.told ->> 'id')::bigint and result.told ? 'messageId' and o.sent_at is null;
  get diagnostics v_sent = row_count;
  update public.notification_outbox o
  set
    lease_token = null,
    last_error = result.told ->> 'error',
    available_at = now() + private.notice_pause(o.attempts)
  from jsonb_array_elements(p_results) as result (told)
  where o.id = (result.told ->> 'id')::bigint and result.told ? 'error' and o.lease_token = p_lease_token;
  return jsonb_build_object('sent', v_sent) || private.settle_deliveries(p_lease_token, p_deliveries)
    || private.settle_products(p_lease_token, p_products);
end $$;
comment on function public.settle_notices is
  'Notes what was sent, delivered and made, and when to try the others again: {sent, delivered, dead, products, refused}.';

-- What the mail service reports of a mail: it went out (`sent`), came back for good (`bounce`), or was called spam
-- (`complaint`). The last two switch notices off for whoever has the address, until they switch them on again.
create function public.note_mail_event(p_event text, p_addresses text[] default '{}', p_notice bigint default null)
  returns jsonb language plpgsql set search_path = '' as $$
declare
  v_stopped bigint := 0;
begin
  update public.notification_outbox
  set sent_at = now(), lease_token = null, dropped_at = null, dropped_because = null
  where id = p_notice and sent_at is null;
  if p_event in ('bounce', 'complaint') then
    update public.users set notices = false, notices_stopped = p_event
    where lower(email) = any (array(select lower(address) from unnest(p_addresses) as address)) and notices;
    get diagnostics v_stopped = row_count;
  end if;
  return jsonb_build_object('stopped', v_stopped);
end $$;
comment on function public.note_mail_event is
  'What became of a mail, as often as it is told: {stopped}, users whose notices it switched off.';

-- What the link in a mail does. A setting of the user, who switches them on again; it holds while all else is read only.
create function public.switch_off_notices(p_user_id uuid) returns jsonb language sql set search_path = '' as $$
  update public.users set notices = false where id = p_user_id and notices;
  select '{}'::jsonb
$$;
comment on function public.switch_off_notices is
  'A user''s mails are switched off, as often as it is said: {}, whether there is such a user or not.';

create function public.user_settings(p_user_id uuid, p_email text, p_change jsonb default '{}') returns jsonb
  language plpgsql set search_path = '' as $$
begin
  perform private.ensure_profile(p_user_id, p_email);
  if p_change <> '{}'::jsonb then
    perform private.refuse_while('read_only');
    update public.users
    set
      notices = coalesce((p_change ->> 'notices')::boolean, notices),
      notices_stopped = case when p_change ? 'notices' then null else notices_stopped end,
      language = case when p_change ? 'language' then p_change ->> 'language' else language end
    where id = p_user_id;
  end if;
  return (
    select jsonb_build_object('id', id, 'email', email, 'notices', notices, 'noticesStopped', notices_stopped,
      'language', language)
    from public.users where id = p_user_id);
end $$;
comment on function public.user_settings is
  'A user''s settings after p_change ({notices, language}): {id, email, notices, noticesStopped, language}.';
-- Who may touch what, in one place. New tables of a hosted project come without grants (since 2026-10-30), those of an older
-- one with all of them, and Postgres lets PUBLIC execute every new function: so everything is revoked first, then granted.
-- A test reads the catalogue and fails on a table or function that is not named here.

revoke all on schema private from public, anon, authenticated;
grant usage on schema private to service_role;

revoke all on all tables in schema private from anon, authenticated, service_role;
revoke all on all sequences in schema private from anon, authenticated, service_role;
revoke all on all sequences in schema public from anon, authenticated;
revoke all on
  public.asset_generation_history,
  public.asset_generation_jobs,
  public.asset_job_records,
  public.asset_versions,
  public.characters,
  public.credit_ledger,
  public.dead_letters,
  public.idempotency_keys,
  public.libraries,
  public.notification_history,
  public.notification_outbox,
  public.packs,
  public.provider_limits,
  public.purchases,
  public.stories,
  public.story_characters,
  public.story_summaries,
  public.tiers,
  public.usage_ledger,
  public.users
from anon, authenticated, service_role;

-- What row-level security narrows to a user's own rows.
grant select on
  public.characters,
  public.credit_ledger,
  public.libraries,
  public.packs,
  public.stories,
  public.tiers,
  public.users
to authenticated;
-- Leases, checkpoints (prompts among them) and options stay inside.
grant select (id, story_id, user_id, asset_type, status, priority, retry_count, progress, url, is_placeholder, error_code,
  error_message, started_at, completed_at, created_at, updated_at) on public.asset_generation_jobs to authenticated;

grant select, insert, update, delete on
  public.asset_generation_history,
  public.asset_generation_jobs,
  public.asset_versions,
  public.characters,
  public.credit_ledger,
  public.idempotency_keys,
  public.libraries,
  public.notification_history,
  public.notification_outbox,
  public.packs,
  public.provider_limits,
  public.purchases,
  public.stories,
  public.story_characters,
  public.tiers,
  public.usage_ledger,
  public.users
to service_role;
grant select on
  public.asset_job_records,
  public.dead_letters,
  public.story_summaries,
  private.asset_calls,
  private.asset_costs,
  private.retry_policies
to service_role;
grant select, update on private.limit_waiter to service_role;
grant select, update on private.platform_limits, private.platform_state to service_role;
grant select, insert, update, delete on private.remake_ledger, private.request_windows, private.spending, private.taken_leases
to service_role;
grant select, insert, update, delete on
  private.character_sheets,
  private.credit_sums,
  private.deleted_users,
  private.deletion_queue,
  private.reference_queue,
  private.shares,
  private.shop_products,
  private.shops,
  private.snapshot_queue,
  private.usage_sums,
  private.webhook_deliveries,
  private.webhook_endpoints
to service_role;
grant select, insert, update on private.asset_medians, private.voice_list to service_role;
grant select, update on sequence private.queued_scan_floor, private.generating_scan_floor to service_role;

-- Every verb is for our functions alone.
revoke all on all functions in schema private from public, anon, authenticated;
grant execute on all functions in schema private to service_role;
revoke all on function
  public.apply_purchase,
  public.asset_inputs,
  public.asset_medians,
  public.cancel_assets,
  public.change_webhook,
  public.claim_asset_jobs,
  public.claim_deletions,
  public.claim_notices,
  public.claim_references,
  public.claim_sheet,
  public.claim_snapshots,
  public.complete_deletion,
  public.complete_job,
  public.complete_snapshots,
  public.connect_shop,
  public.continue_story,
  public.create_character,
  public.create_library,
  public.create_product,
  public.create_stories,
  public.create_story,
  public.create_webhook,
  public.delete_story,
  public.delete_user,
  public.delete_webhook,
  public.disconnect_shop,
  public.expire_stuck_jobs,
  public.extend_leases,
  public.fail_job,
  public.generate_assets,
  public.keep_voices,
  public.kept_voices,
  public.list_libraries,
  public.list_plans,
  public.list_webhooks,
  public.max_retries,
  public.move_story,
  public.next_job_status,
  public.note_mail_event,
  public.note_references,
  public.note_sheet,
  public.overall_status,
  public.platform_state,
  public.recover_story,
  public.redeliver_webhook,
  public.regenerate_assets,
  public.release_job,
  public.rename_library,
  public.report_progress,
  public.request_sheet,
  public.restore_asset,
  public.retry_assets,
  public.retry_delay_seconds,
  public.rotate_webhook,
  public.save_manuscript,
  public.save_story_content,
  public.set_platform_state,
  public.settle_notices,
  public.share_story,
  public.shared_story,
  public.shop_connection,
  public.shop_product,
  public.start_assets,
  public.start_content,
  public.story_history,
  public.story_why,
  public.support_bundle,
  public.switch_off_notices,
  public.text_needed,
  public.take_requests,
  public.tidy_history,
  public.unshare_story,
  public.user_settings,
  public.user_usage,
  public.webhook_deliveries
from public, anon, authenticated;
grant execute on function
  public.apply_purchase,
  public.asset_inputs,
  public.asset_medians,
  public.cancel_assets,
  public.change_webhook,
  public.claim_asset_jobs,
  public.claim_deletions,
  public.claim_notices,
  public.claim_references,
  public.claim_sheet,
  public.claim_snapshots,
  public.complete_deletion,
  public.complete_job,
  public.complete_snapshots,
  public.connect_shop,
  public.continue_story,
  public.create_character,
  public.create_library,
  public.create_product,
  public.create_stories,
  public.create_story,
  public.create_webhook,
  public.delete_story,
  public.delete_user,
  public.delete_webhook,
  public.disconnect_shop,
  public.expire_stuck_jobs,
  public.extend_leases,
  public.fail_job,
  public.generate_assets,
  public.keep_voices,
  public.kept_voices,
  public.list_libraries,
  public.list_plans,
  public.list_webhooks,
  public.max_retries,
  public.move_story,
  public.next_job_status,
  public.note_mail_event,
  public.note_references,
  public.note_sheet,
  public.overall_status,
  public.platform_state,
  public.recover_story,
  public.redeliver_webhook,
  public.regenerate_assets,
  public.release_job,
  public.rename_library,
  public.report_progress,
  public.request_sheet,
  public.restore_asset,
  public.retry_assets,
  public.retry_delay_seconds,
  public.rotate_webhook,
  public.save_manuscript,
  public.save_story_content,
  public.set_platform_state,
  public.settle_notices,
  public.share_story,
  public.shared_story,
  public.shop_connection,
  public.shop_product,
  public.start_assets,
  public.start_content,
  public.story_history,
  public.story_why,
  public.support_bundle,
  public.switch_off_notices,
  public.text_needed,
  public.take_requests,
  public.tidy_history,
  public.unshare_story,
  public.user_settings,
  public.user_usage,
  public.webhook_deliveries
to service_role;

-- PostgREST knows the new functions at once, not when it happens to look again.
notify pgrst, 'reload schema';
