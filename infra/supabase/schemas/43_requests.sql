-- How many requests a user, or an address, makes in a minute: take_requests.
--
-- Processes of the API take shares of a minute's requests and count those by themselves, so that a request seldom costs a round
-- trip of its own. A share that is not used up is lost with the minute: the limit is kept, and reached a little early.

create table private.request_windows (
  payer text not null,
  began_at timestamptz not null,
  taken integer not null,
  primary key (payer, began_at)
);
comment on table private.request_windows is
  'Requests that processes took for a user (`user:<id>`) or for a digest of an address (`address:<digest>`), by minute.';
alter table private.request_windows enable row level security;

create function private.request_window() returns timestamptz language sql stable set search_path = '' as $$
  select date_trunc('minute', now())
$$;

-- A twentieth of the limit, for whoever asks: {limit, left, granted}. `left` is what nobody has taken yet. Null without a limit.
create function private.take_share(p_payer text, p_limit integer) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_share integer := greatest(1, p_limit / 20);
  v_taken integer;
begin
  if p_limit is null then return null; end if;
  insert into private.request_windows (payer, began_at, taken) values (p_payer, private.request_window(), v_share)
  on conflict (payer, began_at) do update set taken = request_windows.taken + v_share where request_windows.taken < p_limit
  returning taken into v_taken;
  return jsonb_build_object(
    'limit', p_limit,
    'left', greatest(0, p_limit - coalesce(v_taken, p_limit)),
    'granted', case when v_taken is null then 0 else v_share - greatest(0, v_taken - p_limit) end);
end $$;

create function public.take_requests(p_user_id uuid default null, p_address text default null) returns jsonb
  language plpgsql set search_path = '' as $$
begin
  return jsonb_build_object(
    'user', case when p_user_id is not null then private.take_share('user:' || p_user_id, (
      -- Who has no profile yet is about to have that of the free plan.
      select requests_per_minute from public.tiers
      where code = coalesce((select tier from public.users where id = p_user_id), 'free'))) end,
    'address', case when p_address is not null then private.take_share('address:' || p_address,
      (select address_requests_per_minute from private.platform_limits)) end,
    'resetSeconds', extract(epoch from private.request_window() + interval '1 minute' - now()));
end $$;
comment on function public.take_requests is
  'A share of this minute''s requests, of a user, an address or both: {user, address, resetSeconds}; null where nothing limits.';

create function private.tidy_requests() returns void language sql set search_path = '' as $$
  delete from private.request_windows where began_at < private.request_window()
$$;

create function private.on_requester_deleted() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  delete from private.request_windows where payer = 'user:' || old.id;
  return null;
end $$;
create trigger users_leave_no_requests after delete on public.users
  for each row execute function private.on_requester_deleted();
