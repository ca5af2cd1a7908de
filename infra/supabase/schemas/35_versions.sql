-- Which version of an asset is made, and which is shown.
--
-- The jobs of a story hold what is being made, all of it of one text; the story's row holds what readers see, all of it of
-- one text too. Mostly both are the same, and an asset is shown as soon as it is there. While a new text is made they are
-- not: `shown` keeps of every job what readers go on seeing, and the row is written from that. Once everything is there,
-- all of it is shown at once (private.publish_new_text); if something that readers have cannot be made from the new text,
-- all of it is as before (private.give_up_new_text).

create table public.asset_versions (
  story_id uuid not null references public.stories (id) on delete cascade,
  asset_type text not null,
  version integer not null,
  text_version integer not null,
  url text,
  result jsonb not null,
  options jsonb not null,
  asked_by text not null,
  started_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (story_id, asset_type, version)
);
comment on table public.asset_versions is
  'Every version that was made of an asset, shown or not, written once; placeholders are none.';
comment on column public.asset_versions.text_version is
  'The version of the text it was made from, 0 where the story has none; a text is of its own.';
comment on column public.asset_versions.result is
  'What complete_job was given, with completedAt, madeFrom and metadata; a text and the times of its words are only here.';
alter table public.asset_versions enable row level security;

-- Where the manuscript of a text lies in the checkpoint of its job: its outline, and its beats as far as they are written.
create function private.manuscript_key(p_text_version integer) returns text language sql immutable set search_path = '' as $$
  select 'manuscript-' || p_text_version
$$;

-- Whether a text that is not there yet has its outline: what needs no more may be begun.
create function private.outline_stands(p_text public.asset_generation_jobs) returns boolean
  language sql immutable set search_path = '' as $$
  select p_text.status in ('queued', 'generating') and p_text.asset_version = 0
    and p_text.checkpoint ? private.manuscript_key(p_text.versions_made + 1)
$$;

-- What was made ahead of its text and waits for it; nothing once the job is wished for in another way.
create function private.finished_result(p_job public.asset_generation_jobs) returns jsonb
  language sql immutable set search_path = '' as $$
  select case when p_job.checkpoint #> '{finished,options}' = p_job.options then p_job.checkpoint #> '{finished,result}' end
$$;

-- The version of the text that assets are begun from: the one that is there, else the one that is being written.
create function private.text_version_to_be(p_story_id uuid) returns integer
  language sql stable set search_path = '' as $$
  select case asset_version when 0 then versions_made + 1 else asset_version end
  from public.asset_generation_jobs where story_id = p_story_id and asset_type = 'content'
$$;

-- A text that is begun anew has nothing of the one that came to nothing, which would have had the same number.
create function private.drop_manuscript(p_story_id uuid) returns void language sql set search_path = '' as $$
  update public.asset_generation_jobs j
  set checkpoint = j.checkpoint - private.manuscript_key(t.versions_made + 1) - ('art-' || t.versions_made + 1) - 'finished'
  from public.asset_generation_jobs t
  where t.story_id = p_story_id and t.asset_type = 'content' and j.story_id = p_story_id
    and j.checkpoint ?| array[private.manuscript_key(t.versions_made + 1), 'art-' || t.versions_made + 1, 'finished']
$$;

-- The versions of what an asset is made from, as they are now.
create function private.sources_of(p_story_id uuid, p_asset_type text) returns jsonb
  language sql stable set search_path = '' as $$
  select coalesce(jsonb_object_agg(i.asset_type, case i.asset_type when 'content'
    then private.text_version_to_be(p_story_id) else i.asset_version end), '{}'::jsonb)
  from public.asset_generation_jobs i
  where i.story_id = p_story_id and p_asset_type <> 'content'
    and (i.asset_type = 'content' or i.asset_type = any (public.asset_inputs(p_asset_type)))
$$;

-- The version of the text that assets are made from now; 0 while it is being written for the first time or anew.
create function private.text_version(p_story_id uuid) returns integer language sql stable set search_path = '' as $$
  select asset_version from public.asset_generation_jobs where story_id = p_story_id and asset_type = 'content'
$$;

-- Whether a new text is made while readers see the one before it.
create function private.new_text_is_made(p_story_id uuid) returns boolean language sql stable set search_path = '' as $$
  select exists (select from public.asset_generation_jobs
    where story_id = p_story_id and asset_type = 'content' and shown is not null)
$$;

-- What was delivered as the version that a job has.
create function private.result_of(p_story_id uuid, p_asset_type text) returns jsonb
  language sql stable set search_path = '' as $$
  select v.result
  from public.asset_generation_jobs j join public.asset_versions v
    on v.story_id = j.story_id and v.asset_type = j.asset_type and v.version = j.asset_version
  where j.story_id = p_story_id and j.asset_type = p_asset_type
$$;

-- What of a result stands in the story's row beside the status. Times belong to one recording: one without any takes those
-- of another away.
create function private.story_columns(p_asset_type text, p_result jsonb) returns jsonb
  language sql immutable set search_path = '' as $$
  select case p_asset_type
    when 'content' then jsonb_strip_nulls(jsonb_build_object('title', p_result -> 'title', 'content', p_result -> 'content'))
    when 'audio' then jsonb_build_object('audioWords', p_result -> 'words', 'audioBlocks', p_result -> 'blocks')
    else '{}'::jsonb
  end
$$;

-- What of a result stays with the job: all but what is large.
create function private.job_result(p_result jsonb) returns jsonb language sql immutable set search_path = '' as $$
  select p_result - '{content,title,words,blocks,prompt}'::text[]
$$;

-- Whether a version that the job has is still there when the try for another one ends without it: a true one, not a
-- placeholder.
create function private.earlier_version_stands(p_job public.asset_generation_jobs) returns boolean
  language sql immutable set search_path = '' as $$
  select p_job.asset_version > 0 and not p_job.is_placeholder
    and (p_job.asset_type = 'content' or p_job.url is not null or p_job.result ? 'data')
$$;

-- The pages of a book that were made from another text than the others would be: nothing is bound from two texts. Those that
-- the plan does not include any more are left out of it.
create function private.pages_of_another_text(p_story_id uuid) returns text[] language sql stable set search_path = '' as $$
  select coalesce(array_agg(asset_type order by asset_type), '{}') from public.asset_generation_jobs
  where story_id = p_story_id and asset_type = any (public.asset_inputs('pdf')) and private.is_settled(status)
    and result #> '{madeFrom,content}' <> to_jsonb(private.text_version(p_story_id))
    and private.plan_includes(p_story_id, asset_type)
$$;

-- The job is ready again with the version that stands. p_error says why there is no new one; null when none was tried.
create function private.restore_version(p_job_id uuid, p_error jsonb default null) returns void
  language sql set search_path = '' as $$
  update public.asset_generation_jobs
  set
    status = 'ready',
    progress = 100,
    queued_by_input = false,
    lease_owner = null,
    lease_expires_at = null,
    completed_at = coalesce((result ->> 'completedAt')::timestamptz, now()),
    metadata = coalesce(result -> 'metadata', '{}'::jsonb),
    error_code = null,
    error_message = null,
    last_error = coalesce(p_error, last_error)
  where id = p_job_id
$$;

-- The job is ready with a version of its history. Whoever makes another one loses the lease.
create function private.take_version(p_version public.asset_versions) returns void
  language sql set search_path = '' as $$
  update public.asset_generation_jobs
  set
    status = 'ready',
    progress = 100,
    url = p_version.url,
    result = private.job_result(p_version.result),
    is_placeholder = false,
    asset_version = p_version.version,
    metadata = coalesce(p_version.result -> 'metadata', '{}'::jsonb),
    queued_by_input = false,
    lease_token = null,
    lease_owner = null,
    lease_expires_at = null,
    completed_at = p_version.created_at,
    error_code = null,
    error_message = null,
    last_error = null
  where story_id = p_version.story_id and asset_type = p_version.asset_type
$$;

-- What readers see of a job, to be kept while a new text is made: its version that stands, or how it ended without one.
-- One that was only asked for waits to be made, from whichever text it will be.
create function private.what_is_shown(p_job public.asset_generation_jobs) returns jsonb
  language sql immutable set search_path = '' as $$
  select jsonb_build_object(
    'status', case when is_settled then p_job.status when stands then 'ready' else 'queued' end,
    'url', p_job.url,
    'result', p_job.result,
    'is_placeholder', p_job.is_placeholder,
    'asset_version', p_job.asset_version,
    'metadata', case when is_settled then p_job.metadata else coalesce(p_job.result -> 'metadata', '{}'::jsonb) end,
    'error_code', case when is_settled then p_job.error_code end,
    'error_message', case when is_settled then p_job.error_message end,
    'last_error', p_job.last_error,
    'completed_at', case when is_settled then to_jsonb(p_job.completed_at) when stands then p_job.result -> 'completedAt' end)
  from (select private.is_settled(p_job.status) as is_settled, private.earlier_version_stands(p_job) as stands) as known
$$;

-- What is asked for while a new text is made belongs to it, and waits to be made if that comes to nothing.
create function private.add_to_new_text(p_story_id uuid, p_asset_types text[]) returns void
  language sql set search_path = '' as $$
  update public.asset_generation_jobs j
  set shown = coalesce(shown, private.what_is_shown(j))
    || '{"status": "queued", "completed_at": null, "error_code": null, "error_message": null}'::jsonb
  where story_id = p_story_id and asset_type = any (p_asset_types) and shown ->> 'status' is distinct from 'ready'
    and private.new_text_is_made(p_story_id)
$$;

-- Every asset is again what readers saw all the time, and nobody works on the new text any more. p_error says why, at the
-- text and at p_asset_type; null when nothing failed.
create function private.give_up_new_text(p_story_id uuid, p_asset_type text, p_error jsonb) returns void
  language sql set search_path = '' as $$
  update public.asset_generation_jobs j
  set
    status = s.status,
    progress = case s.status when 'ready' then 100 when 'queued' then least(j.progress, 99) else j.progress end,
    url = s.url,
    result = s.result,
    is_placeholder = s.is_placeholder,
    asset_version = s.asset_version,
    metadata = s.metadata,
    error_code = s.error_code,
    error_message = s.error_message,
    last_error = case when j.asset_type in ('content', p_asset_type) then coalesce(p_error, s.last_error) else s.last_error end,
    completed_at = s.completed_at,
    inputs_settled = j.inputs_settled and s.status <> 'queued',
    retry_count = 0,
    available_at = now(),
    queued_by_input = false,
    lease_token = case when j.status = 'generating' and j.asset_type is distinct from p_asset_type then null
      else j.lease_token end,
    lease_owner = null,
    lease_expires_at = null,
    shown = null
  from public.asset_generation_jobs g cross join lateral jsonb_populate_record(g, g.shown) as s
  where g.story_id = p_story_id and g.shown is not null and j.id = g.id;
  select private.drop_manuscript(p_story_id)
$$;

-- Shows a new text and all that was made from it, once every job is settled. Answers what changes in the story's row.
create function private.publish_new_text(p_story_id uuid) returns jsonb language plpgsql set search_path = '' as $$
begin
  if not private.new_text_is_made(p_story_id)
    or exists (select from public.asset_generation_jobs where story_id = p_story_id and not private.is_settled(status)) then
    return '{}';
  end if;
  -- The placeholder of an asset that was not made again is of another text.
  update public.asset_generation_jobs set url = null, result = '{}'::jsonb, is_placeholder = false, asset_version = 0
  where story_id = p_story_id and status in ('cancelled', 'skipped');
  update public.asset_generation_jobs set shown = null where story_id = p_story_id and shown is not null;
  return private.story_columns('content', private.result_of(p_story_id, 'content'))
    || private.story_columns('audio', private.result_of(p_story_id, 'audio'));
end $$;

-- Ends a job as failed or cancelled, without a new version: the earlier one serves on where there is one, and a new text is
-- given up that cannot bring what readers have. Answers what changes in the story's row. The caller decides about the lease
-- token.
create function private.end_without_version(p_job public.asset_generation_jobs, p_status text, p_code text, p_message text,
  p_placeholder jsonb default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_error jsonb := jsonb_build_object('code', p_code, 'message', p_message, 'at', now());
  v_has_placeholder boolean := coalesce(p_placeholder ? 'url', false);
begin
  if p_job.asset_type = 'content' then perform private.drop_manuscript(p_job.story_id); end if;
  if private.earlier_version_stands(p_job) then
    perform private.restore_version(p_job.id, v_error);
    return '{}';
  end if;
  if p_job.shown ->> 'status' = 'ready' then
    perform private.give_up_new_text(p_job.story_id, p_job.asset_type, v_error);
    return '{}';
  end if;
  update public.asset_generation_jobs
  set
    status = p_status,
    queued_by_input = false,
    lease_owner = null,
    lease_expires_at = null,
    completed_at = now(),
    -- A placeholder stays what is shown.
    url = coalesce(p_placeholder ->> 'url', case when is_placeholder then url end),
    result = case
      when v_has_placeholder then jsonb_strip_nulls(jsonb_build_object('colors', p_placeholder -> 'colors'))
      when is_placeholder then result
      else '{}'::jsonb end,
    is_placeholder = is_placeholder or v_has_placeholder,
    asset_version = case when v_has_placeholder then versions_made + 1 else asset_version end,
    versions_made = versions_made + v_has_placeholder::integer,
    -- What the user cancels is not made from the text before, either.
    shown = case when p_status = 'cancelled' then shown || jsonb_build_object('status', 'cancelled', 'completed_at', now(),
      'error_code', p_code, 'error_message', p_message) else shown end,
    error_code = p_code,
    error_message = p_message
  where id = p_job.id;
  return case
    when p_job.shown is not null then '{}'::jsonb
    when p_job.asset_type = 'audio' then private.story_columns('audio', '{}')
    -- What readers saw of a text that came to nothing.
    when p_job.asset_type = 'content' then '{"content": {}}'::jsonb
    else '{}'::jsonb end;
end $$;
