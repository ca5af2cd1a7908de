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
