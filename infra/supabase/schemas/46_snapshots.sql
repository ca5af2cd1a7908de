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
