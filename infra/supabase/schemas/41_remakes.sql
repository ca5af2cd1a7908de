-- How often the assets of a story may be made again (tiers.remakes_per_story): what counts, and what is given back.

create table private.remake_ledger (
  id bigint generated always as identity primary key,
  story_id uuid not null references public.stories (id) on delete cascade,
  job_id uuid not null,
  asset_type text not null,
  counts boolean not null,
  attempts_before integer not null,
  outcome text constraint remake_outcome_is_known check (outcome in ('made', 'cancelled', 'failed', 'untouched')),
  created_at timestamptz not null default now()
);
comment on table private.remake_ledger is
  'One row each time a user asks again for an asset that was made or begun. What such tries cost draws on the day''s money of '
  'the plan, tiers.daily_cost_limit_usd.';
comment on column private.remake_ledger.counts is
  'It draws on tiers.remakes_per_story; a new try at what failed does not.';
comment on column private.remake_ledger.outcome is
  'How the try ended, null while it is under way. Given back where it failed, or ended before anybody began it.';
create index idx_remakes_story on private.remake_ledger (story_id);
create index idx_remakes_job on private.remake_ledger (job_id, id);
alter table private.remake_ledger enable row level security;

-- Whether a job is at, or was cancelled in, a try that a user asked for again.
create function private.is_remake(p_job_id uuid) returns boolean language sql stable set search_path = '' as $$
  select coalesce((select outcome is null or outcome = 'cancelled' from private.remake_ledger
    where job_id = p_job_id order by id desc limit 1), false)
$$;

-- How the try that was asked for ended. An asset whose earlier version serves on says why in last_error; what went with a
-- text that came to nothing ends as that did.
create function private.settle_remake() returns trigger language plpgsql set search_path = '' as $$
declare
  v_error jsonb;
begin
  if not exists (select from private.remake_ledger where job_id = new.id and outcome is null) then return null; end if;
  -- By this transaction, not by one that came before.
  if new.status = 'ready' and (new.result ->> 'completedAt')::timestamptz = now() then
    update private.remake_ledger set outcome = 'made' where job_id = new.id and outcome is null;
    return null;
  end if;
  v_error := case
    when new.status <> 'ready' then jsonb_build_object('code', new.error_code)
    when new.last_error is distinct from old.last_error then new.last_error
    else (select last_error from public.asset_generation_jobs where story_id = new.story_id and asset_type = 'content') end;
  update private.remake_ledger set outcome = case
    when new.attempt = attempts_before then 'untouched'
    when v_error ->> 'code' = 'CANCELLED' then 'cancelled'
    else 'failed' end
  where job_id = new.id and outcome is null;
  return null;
end $$;
create trigger jobs_settle_remake after update on public.asset_generation_jobs for each row
  when (old.status in ('queued', 'generating') and new.status in ('ready', 'failed', 'cancelled'))
  execute function private.settle_remake();

-- Tries at these assets that a restored version overtakes: they were the user's own, and count once they were begun.
create function private.overtake_remakes(p_story_id uuid, p_asset_types text[]) returns void
  language sql set search_path = '' as $$
  update private.remake_ledger r
  set outcome = case when j.attempt = r.attempts_before then 'untouched' else 'cancelled' end
  from public.asset_generation_jobs j
  where r.story_id = p_story_id and r.asset_type = any (p_asset_types) and r.outcome is null and j.id = r.job_id
$$;
