-- Claims of ten, looked at page by page.

--- claim
explain (analyze, buffers, format json)
  select public.claim_asset_jobs(p_limit => 10, p_lease_seconds => 60, p_max_in_flight => 2000000)

--- choose and lease
explain (analyze, buffers, format json)
  select * from private.lease_jobs(private.choose_jobs(10), 'trial', 60)

--- plain
-- Sorted by an expression, so that no index serves it.
explain (analyze, buffers, format json)
  select * from public.asset_generation_jobs where status || '' = 'queued' order by created_at limit 10
