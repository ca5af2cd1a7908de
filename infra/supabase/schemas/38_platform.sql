-- The emergency switch: what is refused while the platform is not simply running, and who turns it.
--
-- Every verb that begins something reads it in its own transaction, so it holds from the next call on and costs no round trip.
-- What is under way is finished in every state: its providers were paid.

-- Refusals are raised as PTnnn, which PostgREST answers as HTTP nnn; the message is the documented code, the detail JSON.
create function private.refuse(p_http integer, p_code text, p_detail jsonb default '{}'::jsonb) returns void
  language plpgsql set search_path = '' as $$
begin
  raise exception using errcode = 'PT' || p_http, message = p_code, detail = p_detail::text;
end $$;

create table private.platform_state (
  only_row boolean primary key default true constraint state_is_one_row check (only_row),
  state text not null default 'running'
    constraint state_is_known check (state in ('running', 'no_new_stories', 'no_new_work', 'read_only')),
  reason text constraint state_reason_length check (char_length(reason) between 1 and 500),
  changed_at timestamptz not null default now()
);
comment on table private.platform_state is 'One row: what the platform does at the moment; set by set_platform_state.';
comment on column private.platform_state.state is
  'running; no_new_stories: none are accepted; no_new_work: nothing is begun, what was asked for waits; read_only: as that, and '
  'users change nothing.';
comment on column private.platform_state.reason is 'What users are told, in a sentence or two.';
insert into private.platform_state default values;
alter table private.platform_state enable row level security;

-- Whether anything may be begun.
create function private.takes_work() returns boolean language sql stable set search_path = '' as $$
  select state in ('running', 'no_new_stories') from private.platform_state
$$;

-- Refuses while the platform is in one of these states, with the reason.
create function private.refuse_while(variadic p_states text[]) returns void
  language plpgsql set search_path = '' as $$
declare
  v_now private.platform_state;
begin
  select * into v_now from private.platform_state;
  if v_now.state = any (p_states) then
    perform private.refuse(503, 'PLATFORM_PAUSED', jsonb_strip_nulls(
      jsonb_build_object('state', v_now.state, 'reason', v_now.reason)));
  end if;
end $$;

create function public.platform_state() returns jsonb language sql stable set search_path = '' as $$
  select jsonb_strip_nulls(jsonb_build_object('state', state, 'reason', reason, 'since', changed_at)) from private.platform_state
$$;
comment on function public.platform_state is 'What the platform does at the moment: {state, reason, since}.';

create function public.set_platform_state(p_state text, p_reason text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_was text := (select state from private.platform_state);
begin
  update private.platform_state
  set state = p_state, reason = p_reason, changed_at = case when state = p_state then changed_at else now() end
  where only_row;
  return public.platform_state() || jsonb_build_object(
    'was', v_was,
    'working', (select count(*) from public.asset_generation_jobs where status = 'generating'),
    'waiting', (select count(*) from public.asset_generation_jobs where status = 'queued'));
end $$;
comment on function public.set_platform_state is
  'Turns the switch; asked again, changes nothing: {state, reason, since, was, working, waiting}, the last two in jobs.';

