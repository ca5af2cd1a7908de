-- Stories and leases past the API.

--- create
select (public.create_story($1, null, jsonb_build_object('character_ids', jsonb_build_array($2), 'story_type',
  'adventure', 'themes', '[]'::jsonb, 'asset_types', to_jsonb($3))) -> 'story' ->> 'id')::uuid from generate_series(1, $4)

--- lease
with leased as (
    update public.asset_generation_jobs set status = 'generating', inputs_settled = true, attempt = attempt + 1,
      lease_token = gen_random_uuid(), lease_owner = 'trial', started_at = now(),
      lease_expires_at = now() + interval '1 hour'
    where story_id = any ($1) and status = 'queued' returning *)
  select jsonb_agg(jsonb_build_object('jobId', id, 'storyId', story_id, 'assetType', asset_type, 'leaseToken',
    lease_token, 'attempt', attempt, 'retryCount', 0, 'maxRetries', 3, 'assetVersion', 0, 'checkpoint', checkpoint, 'options', options))
  from leased
