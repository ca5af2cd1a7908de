-- What follows from a change: inputs that are settled now, jobs that the same invocation goes on with, the story's row.

-- Jobs whose inputs are settled become claimable; jobs that can never have a text are cancelled with it.
create function private.settle_inputs(p_story_id uuid) returns void
  language plpgsql set search_path = '' as $$
begin
  update public.asset_generation_jobs j
  set
    status = 'cancelled',
    completed_at = now(),
    lease_expires_at = null,
    error_code = 'INPUT_FAILED',
    error_message = 'The story text could not be made'
  where j.story_id = p_story_id and j.asset_type <> 'content' and j.status in ('queued', 'generating')
    and exists (select from public.asset_generation_jobs c
      where c.story_id = p_story_id and c.asset_type = 'content' and c.status in ('failed', 'cancelled'));

  -- Whoever reads along while a text is written goes home with its writer; what they recorded is found again.
  update public.asset_generation_jobs j
  set status = 'queued', lease_token = null, lease_owner = null, lease_expires_at = null, available_at = now()
  where j.story_id = p_story_id and j.status = 'generating' and public.text_needed(j.asset_type) = 'beat'
    and exists (select from public.asset_generation_jobs t
      where t.story_id = p_story_id and t.asset_type = 'content' and t.asset_version = 0 and t.status = 'queued');

  -- What waited only for an input that stayed as it was has nothing to do. One asset after the other, for the book may wait
  -- for a scene that is restored just now.
  perform private.restore_version(j.id, null)
  from public.asset_generation_jobs j
  where j.story_id = p_story_id and j.status = 'queued' and j.queued_by_input and private.earlier_version_stands(j)
    and j.result -> 'madeFrom' = private.sources_of(j.story_id, j.asset_type)
    and not exists (select from public.asset_generation_jobs i
      where i.story_id = p_story_id and not private.is_settled(i.status)
        and (i.asset_type = 'content' or i.asset_type = any (public.asset_inputs(j.asset_type)))
        and not (i.status = 'queued' and i.queued_by_input));

  update public.asset_generation_jobs j
  set
    inputs_settled = true,
    claim_order = greatest(now(), j.available_at) + private.head_start(j.priority)
  where j.story_id = p_story_id and j.status = 'queued' and not j.inputs_settled
    -- Everything needs the text, a scene without a cover too; some no more of it than its outline, until they are made.
    and not exists (select from public.asset_generation_jobs i
      where i.story_id = p_story_id and i.id <> j.id
        and (i.asset_type = 'content' or i.asset_type = any (public.asset_inputs(j.asset_type)))
        and case
          when i.asset_type <> 'content' then not private.is_settled(i.status)
          when public.text_needed(j.asset_type) = 'outline' and private.finished_result(j) is null
            then i.status <> 'ready' and not private.outline_stands(i)
          else i.status <> 'ready' end);

  -- Pages that stayed behind when the text was written anew stand in no book beside others.
  perform private.end_without_version(j, 'failed', 'MISSING_REQUIRED_ASSETS', 'Some of its pages belong to an earlier text')
  from public.asset_generation_jobs j
  where j.story_id = p_story_id and j.asset_type = 'pdf' and j.status = 'queued' and j.inputs_settled
    and private.pages_of_another_text(p_story_id) <> '{}';
end $$;

-- The caller holds the claim turn.
create function private.lease_jobs(p_job_ids uuid[], p_owner text, p_lease_seconds integer) returns setof uuid
  language plpgsql set search_path = '' as $$
begin
  perform private.take_calls(p_job_ids);
  return query update public.asset_generation_jobs
  set
    status = 'generating',
    lease_token = gen_random_uuid(),
    lease_owner = p_owner,
    lease_expires_at = now() + make_interval(secs => p_lease_seconds),
    attempt = attempt + 1,
    started_at = now(),
    error_code = null,
    error_message = null,
    queued_by_input = false,
    sources = private.sources_of(story_id, asset_type)
  where id = any (p_job_ids)
  returning id;
end $$;

-- A snapshot that somebody holds keeps every dead row version, and an index scan visits each of them. So claims start at
-- a floor: no job that waits (or is at work) came there before it. It is the oldest such job, or the oldest transaction
-- that still runs and may bring an older one; the holder of a snapshot who writes nothing does not count. Kept in
-- sequences, because those are written in place and leave nothing dead.
create sequence private.queued_scan_floor as bigint minvalue 0 start 0;
create sequence private.generating_scan_floor as bigint minvalue 0 start 0;

-- A floor ahead of this very transaction is of another cluster, from a backup: everything is read then.
create function private.queued_floor() returns bigint language plpgsql stable set search_path = '' as $$
begin
  return (select case when last_value <= pg_current_xact_id()::text::bigint then last_value else 0 end
    from private.queued_scan_floor);
end $$;
create function private.generating_floor() returns bigint language plpgsql stable set search_path = '' as $$
begin
  return (select case when last_value <= pg_current_xact_id()::text::bigint then last_value else 0 end
    from private.generating_scan_floor);
end $$;

-- To be called before the transaction moves a job: what it takes back must not lie below the floor. Each floor comes
-- out of one statement, or a job could slip in between the oldest job and the oldest transaction.
create function private.advance_scan_floors() returns void language sql volatile set search_path = '' as $$
  select setval('private.queued_scan_floor', least(
    (select min(state_changed_xid) from public.asset_generation_jobs
      where status = 'queued' and inputs_settled and state_changed_xid >= private.queued_floor()),
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint));
  select setval('private.generating_scan_floor', least(
    (select min(state_changed_xid) from public.asset_generation_jobs
      where status = 'generating' and state_changed_xid >= private.generating_floor()),
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint));
$$;

-- Whether some job could be claimed now, of another story than this one. Computes with available_at, because its own
-- index would be read from the beginning.
create function private.others_can_be_claimed(p_not_now text[], p_story_id uuid) returns boolean
  language sql stable set search_path = '' as $$
  select exists (select from public.asset_generation_jobs
    where status = 'queued' and inputs_settled and state_changed_xid >= private.queued_floor()
      and available_at + interval '0' <= now() and asset_type <> all (p_not_now) and story_id is distinct from p_story_id)
$$;

create function private.jobs_in_flight() returns bigint language sql stable set search_path = '' as $$
  select count(*) from public.asset_generation_jobs
  where status = 'generating' and state_changed_xid >= private.generating_floor()
$$;

-- Whether an asset may be begun beside the writing of its text, by the one who writes it: its first beat stands.
create function private.may_read_along(p_job public.asset_generation_jobs, p_owner text) returns boolean
  language sql stable set search_path = '' as $$
  select public.text_needed(p_job.asset_type) = 'beat' and exists (select from public.asset_generation_jobs t
    where t.story_id = p_job.story_id and t.asset_type = 'content' and t.status = 'generating' and t.lease_owner = p_owner
      and private.outline_stands(t)
      and jsonb_array_length(t.checkpoint #> array[private.manuscript_key(t.versions_made + 1), 'beats']) > 0)
$$;

-- Leases the next jobs of one story to the invocation that just made them claimable, so that no dispatch stands
-- between a picture and the next. Only while there is room for everybody: under contention the worker decides fairly.
create function private.continue_story_here(p_story_id uuid, p_owner text, p_limit integer, p_lease_seconds integer,
  p_max_in_flight integer) returns uuid[]
  language plpgsql set search_path = '' as $$
declare
  v_ids uuid[];
  v_capacity jsonb;
begin
  if p_owner is null or p_limit <= 0 then return '{}'; end if;
  select array_agg(id) into v_ids from (
    select id from public.asset_generation_jobs j
    where story_id = p_story_id and status = 'queued' and available_at <= now()
      and (inputs_settled or private.may_read_along(j, p_owner)) and not private.travels_alone(retry_count)
    order by claim_order limit p_limit for update) as next_jobs;
  -- Without a claim turn: most changes make nothing claimable, and must not wait for the claims of others.
  if v_ids is null then return '{}'; end if;

  perform private.take_claim_turn();
  v_capacity := private.provider_capacity();
  v_ids := private.jobs_within_budget(private.jobs_within_capacity(v_ids, v_capacity));
  -- Under the cap all or none: with half of them here a worker would have to be woken for the rest anyway.
  if cardinality(v_ids) = 0 or private.jobs_in_flight() + cardinality(v_ids) > p_max_in_flight then return '{}'; end if;
  if private.others_can_be_claimed(private.assets_at_limit(v_capacity) || private.assets_over_budget(), p_story_id) then
    return '{}';
  end if;
  return array(select private.lease_jobs(v_ids, p_owner, p_lease_seconds));
end $$;

-- What every verb ends with: settle what follows, lease it to the caller where that is allowed, write the story once.
-- Answers how many jobs are claimable (the caller wakes the worker when there are any): those of the story, and one more
-- when a job of another waits for a slot that is free now; and the jobs leased to the caller.
create function private.settle_and_continue(p_story_id uuid, p_patch jsonb default '{}'::jsonb,
  p_continue jsonb default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_ids uuid[] := '{}';
  v_claimable bigint;
  v_written jsonb;
  v_patch jsonb;
begin
  perform private.settle_inputs(p_story_id);
  v_patch := p_patch || private.publish_new_text(p_story_id);
  if p_continue is not null then
    v_ids := private.continue_story_here(p_story_id, p_continue ->> 'owner', (p_continue ->> 'limit')::integer,
      (p_continue ->> 'leaseSeconds')::integer, (p_continue ->> 'maxInFlight')::integer);
  end if;
  v_written := private.refresh_story_status(p_story_id, v_patch);
  select count(*) + private.waiting_jobs_with_free_slot() into v_claimable from public.asset_generation_jobs
  where story_id = p_story_id and status = 'queued' and inputs_settled;
  return v_written || jsonb_build_object(
    'claimable', v_claimable,
    'leased', private.leased_jobs(v_ids),
    'view', case when cardinality(v_ids) > 0 then private.story_view(p_story_id) end,
    'text', case when cardinality(v_ids) > 0 then private.text_for(p_story_id, p_continue) end,
    'summary', private.story_summary(p_story_id));
end $$;
