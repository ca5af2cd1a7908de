-- Rows in bulk for the trials of the queue. They are not judged by triggers; what the verbs do afterwards is.
create schema if not exists trial;
create table if not exists trial.people (n integer primary key, user_id uuid, library_id uuid);

-- People numbered from 0, made once.
create or replace function trial.people(users integer) returns void language sql as $$
  insert into auth.users (id, email)
  select gen_random_uuid(), format('%s@trial.example', i) from generate_series(0, users - 1) as i
  where not exists (select from trial.people where n = i);
  insert into trial.people (n, user_id, library_id)
  select split_part(u.email, '@', 1)::integer, u.id, l.id
  from public.users u join public.libraries l on l.owner_user_id = u.id
  where u.email like '%@trial.example' on conflict do nothing
$$;

-- Covers that can be claimed now, one a story, of so many people in turn.
create or replace function trial.stand_in_line(
  jobs integer, first_person integer, people integer, priority text, waited_seconds double precision)
returns void language sql set session_replication_role = replica as $$
  with made as (
    insert into public.stories (library_id, creator_user_id, title, character_ids, story_type, created_at)
    select p.library_id, p.user_id, 'a story', array[gen_random_uuid()], 'adventure',
      now() - make_interval(secs => waited_seconds)
    from generate_series(1, jobs) as i join trial.people p on p.n = first_person + i % people
    returning id, creator_user_id, created_at)
  insert into public.asset_generation_jobs (story_id, user_id, asset_type, inputs_settled, priority, created_at, claim_order)
  select id, creator_user_id, 'cover', true, priority, created_at, created_at + private.head_start(priority) from made
$$;

-- Finished stories, nine jobs each: what years of use leave behind.
create or replace function trial.history(stories integer)
returns void language sql set session_replication_role = replica as $$
  with made as (
    insert into public.stories (library_id, creator_user_id, title, character_ids, story_type, status,
      asset_generation_status, asset_generation_completed_at)
    select p.library_id, p.user_id, 'an old story', array[gen_random_uuid()], 'adventure', 'ready',
      '{"overall": "ready", "assets": {}}', now()
    from generate_series(1, stories) as i join trial.people p on p.n = i % 100 returning id, creator_user_id)
  insert into public.asset_generation_jobs (story_id, user_id, asset_type, status, inputs_settled, url, result,
    progress, completed_at, created_at)
  select id, creator_user_id, asset, 'ready', true, 'https://cdn/x', '{"data": {}}', 100, now(), now() - interval '30 days'
  from made cross join unnest(array['content', 'cover', 'scene_1', 'scene_2', 'scene_3', 'scene_4', 'audio',
    'activities', 'pdf']) as asset
$$;

-- The claimed jobs are waiting again, as others would be in their place.
create or replace function trial.put_back() returns void language sql set session_replication_role = replica as $$
  update public.asset_generation_jobs set status = 'queued', lease_token = null, lease_owner = null, lease_expires_at = null,
    attempt = 0, state_changed_xid = pg_current_xact_id()::text::bigint where status = 'generating'
$$;

-- Covers that arrive now; their ids.
create or replace function trial.arrive(jobs integer, people integer) returns setof text language sql as $$
  with made as (
    insert into public.stories (library_id, creator_user_id, title, character_ids, story_type)
    select p.library_id, p.user_id, 'a story', array[gen_random_uuid()], 'adventure'
    from generate_series(1, jobs) as i join trial.people p on p.n = i % people returning id, creator_user_id)
  insert into public.asset_generation_jobs (story_id, user_id, asset_type, inputs_settled, claim_order)
  select id, creator_user_id, 'cover', true, now() + private.head_start('normal') from made
  returning id::text
$$;

-- Settles claimed jobs. In bulk, so that the load on the machine is the claims'.
create or replace function trial.settle(ids uuid[]) returns void language sql set session_replication_role = replica as $$
  update public.asset_generation_jobs set status = 'ready', url = 'https://cdn/x', progress = 100, lease_owner = null,
    lease_expires_at = null, completed_at = now(), state_changed_xid = pg_current_xact_id()::text::bigint
  where id = any (ids)
$$;

-- The documents' queue: one table with an index on both columns.
create table if not exists trial.plain_jobs (
  id uuid primary key default gen_random_uuid(), status text not null default 'queued', data text,
  created_at timestamptz not null default clock_timestamp());
create index if not exists plain_jobs_queued on trial.plain_jobs (status, created_at);

create or replace function trial.claim_plain() returns setof text language sql as $$
  update trial.plain_jobs set status = 'generating' where id in (
    select id from trial.plain_jobs where status = 'queued' order by created_at limit 10 for update skip locked)
  returning id::text
$$;
