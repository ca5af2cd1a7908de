-- What the ledgers keep of stories and users that are gone: sums without names.

-- How long an invocation that lost its lease may still store files and report calls: its longest life and a lease.
create function private.late_writer_grace() returns interval language sql immutable set search_path = '' as $$
  select interval '6 minutes'
$$;

create table private.usage_sums (
  day date not null,
  provider text not null,
  model text not null,
  kind text not null,
  calls bigint not null,
  input_units bigint not null,
  output_units bigint not null,
  cost_usd numeric(14, 6) not null,
  primary key (day, provider, model, kind)
);
comment on table private.usage_sums is
  'Paid calls of stories and users that are gone, by day (UTC); usage_ledger has those of all others.';
alter table private.usage_sums enable row level security;

create table private.credit_sums (
  day date not null,
  reason text not null,
  entries bigint not null,
  delta bigint not null,
  primary key (day, reason)
);
comment on table private.credit_sums is 'Credits of users that are gone, by day (UTC); credit_ledger has those of all others.';
alter table private.credit_sums enable row level security;

create index idx_usage_nameless on public.usage_ledger (created_at) where story_id is null;
-- The paid calls stay for the sums, without a name. As rows for a while: a call that is reported late or twice finds its key.
create function private.forget_names_of_usage(p_user_id uuid, p_story_id uuid) returns void
  language sql set search_path = '' as $$
  update public.usage_ledger set user_id = null, story_id = null, job_id = null
  where story_id = p_story_id or user_id = p_user_id
$$;

create function private.has_names_to_forget() returns boolean language sql stable set search_path = '' as $$
  select exists (select from public.usage_ledger where story_id is null and created_at < now() - private.late_writer_grace() * 2)
    or exists (select from private.deleted_users where deleted_at < now() - private.token_lifetime_max())
$$;

-- Housekeeping: calls without a name become sums once nobody can report them again.
create function private.sum_up_nameless_usage(p_limit integer) returns void language plpgsql set search_path = '' as $$
begin
  with gone as (
    delete from public.usage_ledger where id in (
      select id from public.usage_ledger where story_id is null and created_at < now() - private.late_writer_grace() * 2
      order by id limit p_limit for update skip locked)
    returning created_at, provider, model, kind, input_units, output_units, cost_usd)
  insert into private.usage_sums (day, provider, model, kind, calls, input_units, output_units, cost_usd)
  select (created_at at time zone 'UTC')::date, provider, model, kind, count(*), sum(input_units), sum(output_units),
    sum(cost_usd)
  from gone group by 1, 2, 3, 4 order by 1, 2, 3, 4
  on conflict (day, provider, model, kind) do update
  set
    calls = usage_sums.calls + excluded.calls,
    input_units = usage_sums.input_units + excluded.input_units,
    output_units = usage_sums.output_units + excluded.output_units,
    cost_usd = usage_sums.cost_usd + excluded.cost_usd;
  delete from private.deleted_users where deleted_at < now() - private.token_lifetime_max();
end $$;
