-- What trials ask or arrange in one statement, by the name it is asked for with.

--- open jobs
select coalesce(string_agg(format('%s %s (attempt %s, %s)', asset_type, status, attempt, coalesce(error_code, '-')), ', '), 'no job is open')
from (select * from public.asset_generation_jobs where story_id = any ($1) and status in ('queued', 'generating') limit 20) j

--- make claimable
update public.asset_generation_jobs set available_at = now() where story_id = $1 and status = 'queued'

--- retries
select sum(retry_count)::bigint from public.asset_generation_jobs where story_id = any ($1)

--- jobs of a story
select asset_type, id, status, attempt, lease_owner from public.asset_generation_jobs where story_id = $1

--- ledger
select call_key, story_id, asset_type, kind from public.usage_ledger where story_id = any ($1)

--- files
select url, (result ->> 'bytes')::bigint
from public.asset_generation_jobs where story_id = any ($1) and status = 'ready' and url is not null

--- recorded calls
select call_key, (extract(epoch from created_at) * 1000)::bigint from public.usage_ledger where not result_refused

--- when stories ended
select id, asset_generation_status ->> 'overall', (extract(epoch from asset_generation_completed_at) * 1000)::float8
from public.stories where id = any ($1)

--- parts of texts
-- At which share of each text its outline and its beats stood, by their lengths. An outline that was never saved by itself,
-- for the text was there first, counts as standing at once.
with part as (
  select story_id, coalesce(length((checkpoint #> '{manuscript-1,outline}')::text), 0)::float8 as outline,
    length(v.result #>> '{content,moral}') as moral, v.result #> '{content,beats}' as beats
  from public.asset_generation_jobs join public.asset_versions v using (story_id, asset_type)
  where asset_type = 'content' and version = 1 and story_id = any ($1)),
stood as (
  select story_id, outline, moral, array_agg(outline + reached order by place) as beats
  from part cross join lateral (
    select place, sum(length(beat::text)) over (order by place) as reached
    from jsonb_array_elements(beats) with ordinality as b (beat, place)) as beat
  group by story_id, outline, moral)
select story_id, outline / (beats[4] + moral),
  array(select beat / (beats[4] + moral) from unnest(beats) with ordinality as b (beat, place) order by place)
from stood where cardinality(beats) = 4

--- when jobs were held
-- When each job could have been begun (with the last of what it is made of, by the graph of the assets), was, and ended.
with job as (
  select story_id, asset_type, created_at, started_at, completed_at from public.asset_generation_jobs
  where story_id = any ($1) and started_at is not null and completed_at is not null)
select (extract(epoch from greatest(j.created_at, max(i.completed_at))) * 1000)::float8,
  (extract(epoch from j.started_at) * 1000)::float8, (extract(epoch from j.completed_at) * 1000)::float8
from job j left join job i on i.story_id = j.story_id and (
  (j.asset_type <> 'content' and i.asset_type = 'content')
  or (j.asset_type like 'scene%' and i.asset_type = 'cover')
  or (j.asset_type = 'pdf' and (i.asset_type = 'cover' or i.asset_type like 'scene%')))
group by j.story_id, j.asset_type, j.created_at, j.started_at, j.completed_at

--- enter the limit of pictures
update public.provider_limits set per_minute = $1, taken_until = now(), paused_until = null where kind = 'picture'

--- failures without words
select count(*) from public.stories s, jsonb_each(s.asset_generation_status -> 'assets') as asset
where s.id = any ($1) and asset.value ->> 'status' = 'failed'
  and (asset.value ->> 'code' is distinct from $2 or coalesce(asset.value ->> 'error', '') = '')

--- dead letters of scene 3
select count(*) from public.dead_letters
where story_id = any ($1) and asset_type = 'scene_3' and error_code = $2 and error_message <> ''

--- a story moves
select bool_and(asset_generation_status ->> 'overall' <> 'generating')
  or bool_or(updated_at > $2::timestamptz) from public.stories where id = any ($1)

--- causes of failed jobs
select string_agg(distinct format('%s: %s', asset_type, error_code), ', ')
from public.asset_generation_jobs where status = 'failed'

--- a hero
insert into public.characters (owner_user_id, name) values ($1, 'Ember') returning id

--- jobs for the loop
-- One text job a story, claimable at once; nobody but the loops looks at them.
with made as (
  insert into public.stories (library_id, creator_user_id, title, character_ids, story_type, asset_generation_status)
  select (select id from public.libraries where owner_user_id = $1 limit 1), $1, 'A story', array[$2], 'adventure',
    '{"overall": "generating", "assets": {"content": {"status": "generating"}}}'
  from generate_series(1, $3) returning id)
insert into public.asset_generation_jobs (story_id, user_id, asset_type, inputs_settled)
select id, $1, 'content', true from made

--- jobs of the loop that were lost
select count(*) from public.asset_generation_jobs j join public.stories s on s.id = j.story_id
where s.title = 'A story' and (j.status not in ('queued', 'ready')
  or (j.status = 'ready') <> (s.asset_generation_status ->> 'overall' = 'ready'))

--- jobs of the loop that were settled twice
select count(*) from public.asset_generation_jobs j where j.status = 'ready' and (j.asset_version <> 1
  or (select count(*) from public.notification_outbox o where o.story_id = j.story_id) <> 1)

--- version of a story
select version from public.stories where id = $1

--- verbs
select count(*) from pg_proc p where p.pronamespace = 'public'::regnamespace
  and has_function_privilege('service_role', p.oid, 'execute')

--- arguments that are a moment
select count(*) from pg_proc p, unnest(p.proargtypes) as argument
where p.pronamespace = 'public'::regnamespace and has_function_privilege('service_role', p.oid, 'execute')
  and argument in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype, 'time'::regtype, 'timetz'::regtype)

--- end a session
select pg_terminate_backend(pid) from pg_stat_activity
where backend_type = 'client backend' and pid <> pg_backend_pid() order by random() limit 1

--- rename the hero
update public.story_characters set characters = jsonb_set(characters, '{0,name}', to_jsonb($2 || 'anew'::text)) where story_id = $1

--- deletions left
select count(*) from private.deletion_queue where story_id = any ($1)

--- published by a later attempt
select story_id, url from public.asset_generation_jobs
where story_id = any ($1) and attempt > 1 and url is not null and status = 'ready'

--- all of a story
select to_jsonb(s)::text || (select jsonb_agg(to_jsonb(j) order by j.asset_type)::text
  from public.asset_generation_jobs j where j.story_id = s.id) from public.stories s where s.id = $1

--- leases of invocations
select lease_token from public.asset_generation_jobs where status = 'generating' and split_part(lease_owner, '/', 1) = any ($1)

--- scenes looked at
select count(distinct scene.key) from public.asset_generation_jobs j, jsonb_each(j.checkpoint #> array['art-' || $2, 'scenes']) as scene
where j.story_id = $1

--- why texts failed
select coalesce(sum(times), 0)::bigint, coalesce(string_agg(format('%s %s', times, error_code), ', '), '')
from (select error_code, count(*) as times from public.asset_generation_jobs
  where story_id = any ($1) and asset_type = 'content' and status = 'failed' and error_code is not null
  group by error_code) c

--- every second story
select id::text, creator_user_id
from (select *, row_number() over (order by id) as place from public.stories) s where place % 2 = 0

--- a cover arrives
with made as (
  insert into public.stories (library_id, creator_user_id, title, character_ids, story_type)
  select id, owner_user_id, 'a story', array[gen_random_uuid()], 'adventure' from public.libraries
  where owner_user_id = $1 limit 1 returning id)
insert into public.asset_generation_jobs (story_id, user_id, asset_type, inputs_settled)
select id, $1, 'cover', true from made

--- stories made
select count(*) from public.stories where creator_user_id = $1

--- stories of a user with one used
select count(*) from public.stories s join public.users u on u.id = s.creator_user_id
where u.stories_used = 1 and u.id = $1

--- bills of a job
select count(*) from public.usage_ledger where job_id::text = $1

--- a job as after one call
select count(*) from public.asset_generation_jobs
where id::text = $1 and status = $2 and retry_count = $3 and asset_version = $4
