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
