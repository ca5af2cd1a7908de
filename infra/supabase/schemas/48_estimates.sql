-- What assets take and cost, learnt from those that were made last: rolling medians, for estimates and for progress.
--
-- The functions hold documented figures (shared/domain) for assets of which too few were made yet.

create table private.asset_medians (
  asset_type text primary key,
  seconds double precision not null,
  cost_usd double precision,
  samples bigint not null,
  computed_at timestamptz not null
);
comment on table private.asset_medians is 'The middle of what the last stories took, per asset; the sweep computes it.';
comment on column private.asset_medians.seconds is 'From the lease of the attempt that brought it to its end.';
comment on column private.asset_medians.cost_usd is 'All billed calls for it, failed attempts too; null where none is billed.';
alter table private.asset_medians enable row level security;

-- Stories that are looked at; and how many assets of a kind must be among them for a median to be believed.
create function private.median_stories() returns integer language sql immutable set search_path = '' as $$
  select 200
$$;
create function private.median_samples_min() returns integer language sql immutable set search_path = '' as $$
  select 20
$$;

-- First versions alone: the ledger does not say which version a call was for. Placeholders are no measure.
create function private.learn_medians() returns void language sql set search_path = '' as $$
  with recent as (
    select story_id from public.asset_generation_jobs
    where asset_type = 'content' and completed_at is not null order by completed_at desc limit private.median_stories()
  ),
  made as (
    select
      j.asset_type,
      extract(epoch from j.completed_at - j.started_at)::double precision as seconds,
      (select sum(u.cost_usd)::double precision from public.usage_ledger u
        where u.story_id = j.story_id and u.asset_type = j.asset_type) as cost_usd
    from recent join public.asset_generation_jobs j on j.story_id = recent.story_id
    where j.status = 'ready' and j.asset_version = 1 and j.versions_made = 1 and not j.is_placeholder
      and j.completed_at > j.started_at
  )
  insert into private.asset_medians (asset_type, seconds, cost_usd, samples, computed_at)
  select
    asset_type,
    percentile_cont(0.5) within group (order by seconds),
    percentile_cont(0.5) within group (order by cost_usd),
    count(*),
    now()
  from made group by asset_type having count(*) >= private.median_samples_min() order by asset_type
  on conflict (asset_type) do update set seconds = excluded.seconds, cost_usd = excluded.cost_usd,
    samples = excluded.samples, computed_at = excluded.computed_at
  -- Sweeps that come together compute the same.
  where asset_medians.computed_at < now() - interval '5 minutes'
$$;

create function private.typical_seconds(p_asset_type text) returns double precision
  language sql stable set search_path = '' as $$
  select seconds from private.asset_medians where asset_type = p_asset_type
$$;

create function public.asset_medians() returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('assetType', asset_type, 'seconds', seconds, 'costUsd', cost_usd)
    order by asset_type), '[]'::jsonb)
  from private.asset_medians
$$;
comment on function public.asset_medians is
  'What assets take and cost by our own measure: [{assetType, seconds, costUsd}]; those of which too few were made are not in it.';
