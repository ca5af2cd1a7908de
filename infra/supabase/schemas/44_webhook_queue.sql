-- Webhooks: where users want to be told that a story ended or is gone, and what is to be told there (S2-030, S2-031).
--
-- An event is written by the transaction that causes it, one row for each endpoint that wants it, and sent by whoever sends
-- notices, under the same leases. Secrets stand in a schema that PostgREST does not serve, readable by service_role alone.

create table private.webhook_endpoints (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.users (id) on delete cascade,
  url text not null constraint webhooks_url_is_https check (url like 'https://%' and char_length(url) <= 2048),
  events text[] not null constraint webhooks_events_are_known check (cardinality(events) > 0
    and events <@ '{story.ready,story.partial,story.failed,story.deleted}'::text[]),
  enabled boolean not null default true,
  disabled_because text constraint webhooks_end_is_known check (disabled_because in ('gone')),
  secret text not null constraint webhooks_secret_is_one check (secret ~ '^whsec_[A-Za-z0-9+/]{43}=$'),
  former_secret text,
  former_secret_until timestamptz,
  created_at timestamptz not null default now(),
  constraint webhooks_only_disabled_have_a_reason check (disabled_because is null or not enabled)
);
comment on table private.webhook_endpoints is 'Addresses that users gave for the events of their stories.';
comment on column private.webhook_endpoints.disabled_because is
  'What switched it off, where it was not its user: it answered 410 Gone.';
comment on column private.webhook_endpoints.secret is 'Told to its user when it is made; signs every delivery.';
comment on column private.webhook_endpoints.former_secret is 'Signs as well until former_secret_until, after a rotation.';
create index idx_webhook_endpoints_user on private.webhook_endpoints (user_id, created_at);

create table private.webhook_deliveries (
  id uuid primary key default gen_random_uuid(),
  endpoint_id uuid not null references private.webhook_endpoints (id) on delete cascade,
  story_id uuid not null,
  event text not null,
  data jsonb not null,
  created_at timestamptz not null default now(),
  status text not null default 'pending' constraint deliveries_status_is_known check
    (status in ('pending', 'delivered', 'dead')),
  available_at timestamptz not null default now(),
  attempts integer not null default 0,
  lease_token uuid,
  settled_at timestamptz,
  log jsonb[] not null default '{}',
  constraint deliveries_settled_has_a_time check ((status = 'pending') = (settled_at is null))
);
comment on table private.webhook_deliveries is
  'Events for one endpoint each: to be sent, accepted, or given up after five tries. The id is the webhook-id of every try.';
comment on column private.webhook_deliveries.story_id is 'No foreign key: that a story was deleted is told, too.';
comment on column private.webhook_deliveries.data is 'Ids, states and times; nothing of what a story tells.';
comment on column private.webhook_deliveries.available_at is
  'Not claimable before: a pause after a failure, or the end of the lease that is in force.';
comment on column private.webhook_deliveries.attempts is 'Claims since it was asked for last.';
comment on column private.webhook_deliveries.log is
  'How its last twenty tries ended: {attempt, at, status, error, durationMs}; no status where nothing answered.';
create index idx_deliveries_due on private.webhook_deliveries (available_at) where status = 'pending';
create index idx_deliveries_waiting on private.webhook_deliveries (endpoint_id, available_at) where status = 'pending';
create index idx_deliveries_of_endpoint on private.webhook_deliveries (endpoint_id, created_at desc, id);
create index idx_deliveries_settled on private.webhook_deliveries (settled_at) where status <> 'pending';

alter table private.webhook_endpoints enable row level security;
alter table private.webhook_deliveries enable row level security;

-- To every endpoint of the user that wants this event. An endpoint that is just being deleted is waited for, so that its key
-- is not missed by whoever settles a story.
create function private.queue_webhooks(p_user_id uuid, p_story_id uuid, p_event text, p_data jsonb) returns void
  language sql set search_path = '' as $$
  insert into private.webhook_deliveries (endpoint_id, story_id, event, data)
  select e.id, p_story_id, p_event, jsonb_build_object('storyId', p_story_id) || p_data
  from private.webhook_endpoints e
  where e.user_id = p_user_id and e.enabled and p_event = any (e.events)
  order by e.id for key share of e
$$;

-- Of notices and deliveries: longer than their sender waits for one answer, note included.
create function private.sender_lease() returns interval language sql immutable set search_path = '' as $$
  select interval '30 seconds'
$$;

-- A sender is woken by whoever causes an event. What is due for longer was left by one that died, or is a later try; products
-- of shops among it.
create function private.has_overdue_deliveries() returns boolean language sql stable set search_path = '' as $$
  select exists (select from private.webhook_deliveries
      where status = 'pending' and available_at <= now() - interval '2 seconds')
    or exists (select from private.shop_products
      where status = 'pending' and available_at <= now() - interval '2 seconds')
$$;

create function private.webhook_lifetime() returns interval language sql immutable set search_path = '' as $$
  select interval '30 days'
$$;

create function private.has_old_deliveries() returns boolean language sql stable set search_path = '' as $$
  select exists (select from private.webhook_deliveries
    where status <> 'pending' and settled_at < now() - private.webhook_lifetime())
$$;
comment on function private.has_old_deliveries is 'Whether private.forget_deliveries would find something.';

-- Delivered and dead ones leave the log after a month.
create function private.forget_deliveries(p_limit integer) returns bigint language plpgsql set search_path = '' as $$
declare
  v_forgotten bigint;
begin
  delete from private.webhook_deliveries d using (
    select id from private.webhook_deliveries
    where status <> 'pending' and settled_at < now() - private.webhook_lifetime() order by settled_at limit p_limit
    for update skip locked) as old
  where d.id = old.id;
  get diagnostics v_forgotten = row_count;
  return v_forgotten;
end $$;
