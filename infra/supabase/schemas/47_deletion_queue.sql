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
