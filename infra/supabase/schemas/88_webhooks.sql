-- Webhooks as their users manage them (create_webhook, list_webhooks, change_webhook, delete_webhook, rotate_webhook,
-- webhook_deliveries, redeliver_webhook), and as they are sent: private.claim_deliveries, private.settle_deliveries.

-- 32 bytes, 244 bits of them random; the form is that of Standard Webhooks.
create function private.new_webhook_secret() returns text language sql volatile set search_path = '' as $$
  select 'whsec_' || encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64')
$$;

-- As long the old secret signs beside the new one.
create function private.secret_grace() returns interval language sql immutable set search_path = '' as $$
  select interval '24 hours'
$$;

create function private.webhook_answer(p_endpoint private.webhook_endpoints) returns jsonb
  language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'id', p_endpoint.id,
    'url', p_endpoint.url,
    'events', p_endpoint.events,
    'enabled', p_endpoint.enabled,
    'disabledBecause', p_endpoint.disabled_because,
    'formerSecretUntil', case when p_endpoint.former_secret_until > now() then p_endpoint.former_secret_until end,
    'createdAt', p_endpoint.created_at)
$$;

-- With its secret: for the answer to whoever made or rotated it, and to the same request once more.
create function private.webhook_with_secret(p_endpoint_id uuid, p_replayed boolean) returns jsonb
  language plpgsql stable set search_path = '' as $$
declare
  v_endpoint private.webhook_endpoints;
begin
  select * into v_endpoint from private.webhook_endpoints where id = p_endpoint_id;
  if not found then perform private.refuse(404, 'WEBHOOK_NOT_FOUND'); end if;
  return jsonb_build_object('replayed', p_replayed,
    'webhook', private.webhook_answer(v_endpoint) || jsonb_build_object('secret', v_endpoint.secret));
end $$;

create function private.lock_webhook(p_user_id uuid, p_webhook_id uuid) returns private.webhook_endpoints
  language plpgsql set search_path = '' as $$
declare
  v_endpoint private.webhook_endpoints;
begin
  select * into v_endpoint from private.webhook_endpoints where id = p_webhook_id and user_id = p_user_id for update;
  if not found then perform private.refuse(404, 'WEBHOOK_NOT_FOUND'); end if;
  return v_endpoint;
end $$;

create function public.create_webhook(p_user_id uuid, p_email text, p_url text, p_events text[],
  p_idempotency_key text default null, p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_user(p_user_id, p_email);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'create_webhook', p_idempotency_key, p_request_hash);
  v_limit integer := (select webhook_limit from public.tiers where code = v_user.tier);
  v_id uuid;
begin
  if v_replay is not null then return private.webhook_with_secret((v_replay ->> 'webhookId')::uuid, true); end if;
  perform private.refuse_while('read_only');
  if (select count(*) from private.webhook_endpoints where user_id = p_user_id) >= v_limit then
    perform private.refuse(403, 'WEBHOOK_LIMIT', jsonb_build_object('limit', v_limit));
  end if;
  insert into private.webhook_endpoints (user_id, url, events, secret)
  values (p_user_id, p_url, p_events, private.new_webhook_secret()) returning id into v_id;
  -- What is kept of the answer holds no secret.
  perform private.save_idempotent_response(p_user_id, 'create_webhook', p_idempotency_key, p_request_hash,
    jsonb_build_object('webhookId', v_id));
  return private.webhook_with_secret(v_id, false);
end $$;
comment on function public.create_webhook is
  'An address for events, with the secret that signs them: {webhook, replayed}. Refuses with PT403 WEBHOOK_LIMIT, PT422 '
  'IDEMPOTENCY_KEY_REUSED.';

create function public.list_webhooks(p_user_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(private.webhook_answer(e) order by e.created_at, e.id), '[]'::jsonb)
  from private.webhook_endpoints e where e.user_id = p_user_id
$$;
comment on function public.list_webhooks is 'A user''s addresses for events, the oldest first, without their secrets.';

-- What waits for one that is switched off is given up: it would be old news when it is switched on again.
create function public.change_webhook(p_user_id uuid, p_webhook_id uuid, p_change jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_endpoint private.webhook_endpoints := private.lock_webhook(p_user_id, p_webhook_id);
begin
  perform private.refuse_while('read_only');
  update private.webhook_endpoints
  set
    url = coalesce(p_change ->> 'url', url),
    events = case when p_change ? 'events' then array(select jsonb_array_elements_text(p_change -> 'events')) else events end,
    enabled = coalesce((p_change ->> 'enabled')::boolean, enabled),
    disabled_because = case when p_change ? 'enabled' then null else disabled_because end
  where id = p_webhook_id returning * into v_endpoint;
  if not v_endpoint.enabled then perform private.give_up_deliveries(p_webhook_id); end if;
  return private.webhook_answer(v_endpoint);
end $$;

create function private.give_up_deliveries(p_endpoint_id uuid) returns void language sql set search_path = '' as $$
  update private.webhook_deliveries set status = 'dead', settled_at = now(), lease_token = null
  where endpoint_id = p_endpoint_id and status = 'pending'
$$;

create function public.delete_webhook(p_user_id uuid, p_webhook_id uuid) returns jsonb
  language plpgsql set search_path = '' as $$
begin
  perform private.refuse_while('read_only');
  delete from private.webhook_endpoints where id = p_webhook_id and user_id = p_user_id;
  if not found then perform private.refuse(404, 'WEBHOOK_NOT_FOUND'); end if;
  return '{}'::jsonb;
end $$;
comment on function public.delete_webhook is 'Takes an address away, with all that was told or is to be told there.';

create function public.rotate_webhook(p_user_id uuid, p_webhook_id uuid, p_idempotency_key text default null,
  p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_user(p_user_id);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'rotate_webhook', p_idempotency_key, p_request_hash);
begin
  if v_replay is not null then return private.webhook_with_secret((v_replay ->> 'webhookId')::uuid, true); end if;
  perform private.refuse_while('read_only');
  perform private.lock_webhook(p_user_id, p_webhook_id);
  update private.webhook_endpoints
  set
    former_secret = secret,
    former_secret_until = now() + private.secret_grace(),
    secret = private.new_webhook_secret()
  where id = p_webhook_id;
  perform private.save_idempotent_response(p_user_id, 'rotate_webhook', p_idempotency_key, p_request_hash,
    jsonb_build_object('webhookId', p_webhook_id));
  return private.webhook_with_secret(p_webhook_id, false);
end $$;
comment on function public.rotate_webhook is
  'A new secret; the one before it signs as well for a day: {webhook, replayed}. Refuses with PT404 WEBHOOK_NOT_FOUND, PT422 '
  'IDEMPOTENCY_KEY_REUSED.';

create function private.delivery_answer(p_delivery private.webhook_deliveries) returns jsonb
  language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'id', p_delivery.id,
    'storyId', p_delivery.story_id,
    'event', p_delivery.event,
    'status', p_delivery.status,
    'createdAt', p_delivery.created_at,
    'settledAt', p_delivery.settled_at,
    'nextAttemptAt', case p_delivery.status when 'pending' then p_delivery.available_at end,
    'attempts', to_jsonb(p_delivery.log))
$$;

create function public.webhook_deliveries(p_user_id uuid, p_webhook_id uuid, p_limit integer default 20,
  p_offset integer default 0) returns jsonb
  language plpgsql stable set search_path = '' as $$
begin
  if not exists (select from private.webhook_endpoints where id = p_webhook_id and user_id = p_user_id) then
    perform private.refuse(404, 'WEBHOOK_NOT_FOUND');
  end if;
  return (
    select coalesce(jsonb_agg(private.delivery_answer(d) order by d.created_at desc, d.id), '[]'::jsonb)
    from (select * from private.webhook_deliveries where endpoint_id = p_webhook_id
      order by created_at desc, id limit p_limit offset p_offset) as d);
end $$;
comment on function public.webhook_deliveries is
  'What was told to an address, and how each try ended, the newest first. Refuses with PT404 WEBHOOK_NOT_FOUND.';

-- Five tries more, under the same id. One that is under way is left alone.
create function public.redeliver_webhook(p_user_id uuid, p_webhook_id uuid, p_delivery_id uuid) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_endpoint private.webhook_endpoints := private.lock_webhook(p_user_id, p_webhook_id);
  v_delivery private.webhook_deliveries;
begin
  perform private.refuse_while('read_only');
  update private.webhook_deliveries
  set status = 'pending', settled_at = null, available_at = now(), attempts = 0, lease_token = null
  where id = p_delivery_id and endpoint_id = v_endpoint.id and status <> 'pending';
  select * into v_delivery from private.webhook_deliveries where id = p_delivery_id and endpoint_id = v_endpoint.id;
  if not found then perform private.refuse(404, 'WEBHOOK_NOT_FOUND'); end if;
  return private.delivery_answer(v_delivery);
end $$;
comment on function public.redeliver_webhook is
  'Sends what was told, or could not be, once more under the same id. Refuses with PT404 WEBHOOK_NOT_FOUND.';

-- After the first try 5 s, then 10, 20 and 40 (S2-031).
create function private.delivery_pause(p_attempts integer) returns interval language sql immutable set search_path = '' as $$
  select make_interval(secs => 5 * 2 ^ (least(p_attempts, 5) - 1))
$$;

create function private.delivery_tries() returns integer language sql immutable set search_path = '' as $$
  select 5
$$;

-- The oldest that are due, three of one endpoint at most, so that nobody who is slow keeps the others waiting. The first of
-- each endpoint are found by stepping from one endpoint to the next.
create function private.due_deliveries(p_limit integer) returns setof uuid language sql stable set search_path = '' as $$
  with recursive waiting as (
    (select endpoint_id from private.webhook_deliveries where status = 'pending' order by endpoint_id limit 1)
    union all
    select (select d.endpoint_id from private.webhook_deliveries d
      where d.status = 'pending' and d.endpoint_id > w.endpoint_id order by d.endpoint_id limit 1)
    from waiting w where w.endpoint_id is not null)
  select due.id
  from waiting w cross join lateral (
    select id, available_at from private.webhook_deliveries
    where status = 'pending' and endpoint_id = w.endpoint_id and available_at <= now()
    order by available_at limit 3) as due
  order by due.available_at limit p_limit
$$;

-- Leases what is due to one sender, with all that it needs. Whoever died since has cost a try that is not counted as one.
create function private.claim_deliveries(p_token uuid, p_limit integer) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_ids uuid[];
begin
  v_ids := array(select d.id from private.webhook_deliveries d
    where d.id = any (array(select private.due_deliveries(p_limit))) and d.status = 'pending' and d.available_at <= now()
    for update of d skip locked);
  if cardinality(v_ids) = 0 then return '[]'::jsonb; end if;
  update private.webhook_deliveries
  set lease_token = p_token, attempts = attempts + 1, available_at = now() + private.sender_lease()
  where id = any (v_ids);
  return (
    select jsonb_agg(jsonb_build_object(
      'id', d.id,
      'url', e.url,
      'secrets', case when e.former_secret_until > now() then jsonb_build_array(e.secret, e.former_secret)
        else jsonb_build_array(e.secret) end,
      'event', d.event,
      'storyId', d.story_id,
      'createdAt', d.created_at,
      'data', d.data) order by d.created_at, d.id)
    from private.webhook_deliveries d join private.webhook_endpoints e on e.id = d.endpoint_id
    where d.id = any (v_ids));
end $$;

-- What became of leased deliveries: [{id, status, error, durationMs}]. An answer of 2xx is one that was accepted, whoever holds
-- the lease by now; 410 is an endpoint that wants nothing any more. Answers how many were accepted and how many given up.
create function private.settle_deliveries(p_lease_token uuid, p_results jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_gone uuid[];
  v_settled jsonb;
begin
  -- Endpoints before their deliveries, as whoever changes one takes them.
  v_gone := array(select e.id from private.webhook_endpoints e
    where e.enabled and e.id in (
      select d.endpoint_id from jsonb_array_elements(p_results) as result (told)
        join private.webhook_deliveries d on d.id = (result.told ->> 'id')::uuid
      where result.told -> 'status' = '410' and d.lease_token = p_lease_token)
    order by e.id for update of e);
  with told as (
    select
      d.id,
      result.told,
      coalesce((result.told ->> 'status')::integer between 200 and 299, false) as accepted,
      d.attempts >= private.delivery_tries() as is_last
    from jsonb_array_elements(p_results) as result (told)
      join private.webhook_deliveries d on d.id = (result.told ->> 'id')::uuid
    for update of d),
  settled as (
    update private.webhook_deliveries d
    set
      status = case when told.accepted then 'delivered' when told.is_last then 'dead' else d.status end,
      settled_at = case when told.accepted or told.is_last then now() else d.settled_at end,
      available_at = now() + private.delivery_pause(d.attempts),
      lease_token = null,
      log = (d.log || jsonb_strip_nulls(told.told - 'id' || jsonb_build_object('attempt', d.attempts, 'at', now())))
        [greatest(1, cardinality(d.log) - 18):]
    from told
    where d.id = told.id and (d.lease_token = p_lease_token or (told.accepted and d.status <> 'delivered'))
    returning d.status)
  select jsonb_build_object('delivered', count(*) filter (where status = 'delivered'),
    'dead', count(*) filter (where status = 'dead')) into v_settled from settled;
  if cardinality(v_gone) > 0 then
    update private.webhook_endpoints set enabled = false, disabled_because = 'gone' where id = any (v_gone);
    perform private.give_up_deliveries(id) from unnest(v_gone) as id;
  end if;
  return v_settled;
end $$;
