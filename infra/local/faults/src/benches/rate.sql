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
