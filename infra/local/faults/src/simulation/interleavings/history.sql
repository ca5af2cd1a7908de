-- What must hold over a whole run, of what the triggers of audit.sql saw. Each query answers what breaks it.

--- two texts in one row, or words that are not of the recording beside them
select * from audit.mixes

--- versions with gaps, or out of order
select * from (select *, lag(version) over (partition by story_id order by n) as before from audit.stories) as seen
where version <> before + 1

--- progress that went back, though no attempt failed, nobody asked for the asset again, and its new text came to something
select * from (
  select s.story_id, s.xid, s.version, asset.key, asset.value ->> 'status' as status,
    coalesce((asset.value ->> 'progress')::numeric, -1) as progress,
    lag(asset.value ->> 'status') over of_asset as status_before,
    lag((asset.value ->> 'progress')::numeric) over of_asset as progress_before,
    s.status #>> '{assets,content,status}' <> 'generating'
      and lag(s.status #>> '{assets,content,status}') over of_asset = 'generating' as text_ended
  from audit.stories s, jsonb_each(s.status -> 'assets') as asset
  window of_asset as (partition by s.story_id, asset.key order by s.n)) as seen
where progress < progress_before and status <> 'retrying'
  and status_before not in ('ready', 'failed', 'cancelled', 'skipped') and not text_ended
  -- While a new text is made, what is made of it is shown at 99, and may be asked for again.
  and not exists (select from audit.requeued r where (r.story_id, r.asset, r.xid) = (seen.story_id, seen.key, seen.xid))

--- leases that completed twice
select lease_token from audit.completions group by lease_token having count(*) > 1
