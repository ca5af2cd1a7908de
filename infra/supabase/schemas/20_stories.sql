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
