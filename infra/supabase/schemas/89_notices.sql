-- What is told of stories that ended: mails (C-39, C-40) and webhooks, and what goes to shops, claimed and noted together by
-- claim_notices and settle_notices; note_mail_event; and the user's setting, user_settings and switch_off_notices.
--
-- A notice is claimed under a lease, sent, and noted. The mail service takes no idempotency key: who dies between its answer
-- and the note leaves a notice that is sent again when the lease is over, unless the service's own report comes first.

-- A notice that could not be sent in that time is a dead letter; one that nobody tried to send is old news.
create function private.notice_lifetime() returns interval language sql immutable set search_path = '' as $$
  select interval '24 hours'
$$;

-- 2 s, 4 s, ... up to a quarter of an hour.
create function private.notice_pause(p_attempts integer) returns interval language sql immutable set search_path = '' as $$
  select make_interval(secs => least(900, 2 ^ least(p_attempts, 10)))
$$;

-- Null while it is to be sent. While the story is made again nothing is said: it may end otherwise.
create function private.why_unsent(p_notice public.notification_outbox, p_overall text, p_user public.users) returns text
  language sql stable set search_path = '' as $$
  select case
    when p_notice.created_at < now() - private.notice_lifetime() then
      case when p_notice.attempts > 0 then 'undeliverable' else 'too_late' end
    when not p_user.notices then 'unwanted'
    when p_user.email is null then 'no_address'
    when p_overall not in ('generating', p_notice.kind) then 'superseded'
  end
$$;

-- Drops due notices that are not to be sent, and counts the dead letters among them. The others stay free for whoever
-- claims at the same moment.
create function private.drop_notices() returns bigint language sql set search_path = '' as $$
  with unwanted as materialized (
    select o.id, why.reason
    from public.notification_outbox o
      join public.stories s on s.id = o.story_id
      join public.users u on u.id = o.user_id
      cross join lateral private.why_unsent(o, s.asset_generation_status ->> 'overall', u) as why (reason)
    where o.sent_at is null and o.dropped_at is null and o.available_at <= now() and why.reason is not null
    order by o.available_at limit 500),
  free as (
    select o.id, unwanted.reason from public.notification_outbox o join unwanted on unwanted.id = o.id
    where o.sent_at is null and o.dropped_at is null and o.available_at <= now()
    for update of o skip locked),
  dropped as (
    update public.notification_outbox o
    set dropped_at = now(), dropped_because = free.reason, lease_token = null
    from free where o.id = free.id
    returning o.dropped_because)
  select count(*) filter (where dropped_because = 'undeliverable') from dropped
$$;

-- Up to p_limit of each kind. Without p_mail there is nobody who could send mails, and they stay as they are; without p_shop
-- nobody who could open a shop.
create function public.claim_notices(p_limit integer default 10, p_mail boolean default true, p_shop boolean default false)
  returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_dead bigint := case when p_mail then private.drop_notices() else 0 end;
  v_token uuid := gen_random_uuid();
  v_deliveries jsonb := private.claim_deliveries(v_token, p_limit);
  v_products jsonb := case when p_shop then private.claim_products(v_token, p_limit) else '[]' end;
  v_ids bigint[];
begin
  v_ids := array(
    select o.id from public.notification_outbox o join public.stories s on s.id = o.story_id
    where p_mail and o.sent_at is null and o.dropped_at is null and o.available_at <= now()
      and s.asset_generation_status ->> 'overall' = o.kind
    order by o.available_at limit p_limit for update of o skip locked);
  update public.notification_outbox
  set lease_token = v_token, attempts = attempts + 1, available_at = now() + private.sender_lease()
  where id = any (v_ids);
  return jsonb_build_object(
    'leaseToken', v_token,
    'dead', v_dead,
    'notices', (
      select coalesce(jsonb_agg(jsonb_build_object(
          'id', o.id,
          'storyId', o.story_id,
          'userId', o.user_id,
          'kind', o.kind,
          'email', u.email,
          'language', coalesce(u.language, s.request ->> 'language'),
          'title', s.title,
          'missing', array(select asset.key from jsonb_each(s.asset_generation_status -> 'assets') as asset
            where asset.value ->> 'status' in ('failed', 'cancelled') order by asset.key),
          'code', s.asset_generation_status #>> '{assets,content,code}')
        order by o.id), '[]'::jsonb)
      from public.notification_outbox o
        join public.stories s on s.id = o.story_id
        join public.users u on u.id = o.user_id
      where o.id = any (v_ids)),
    'deliveries', v_deliveries,
    'products', v_products,
    'nextInSeconds', extract(epoch from least(
      (select min(available_at) from public.notification_outbox
        where p_mail and sent_at is null and dropped_at is null and available_at > now()),
      (select min(available_at) from private.webhook_deliveries
        where status = 'pending' and available_at > now()),
      (select min(available_at) from private.shop_products
        where p_shop and status = 'pending' and available_at > now())) - now()));
end $$;
comment on function public.claim_notices is
  'Leases up to p_limit notices, and as many deliveries of webhooks and products of shops, that are due: {leaseToken, dead, '
  'notices, deliveries, products, nextInSeconds}; dead = notices given up just now after a day.';

-- What became of claimed notices: [{id, messageId}] where the service took the mail, [{id, error}] where not. A mail that
-- was taken is out, whoever holds the lease by now.
create function public.settle_notices(p_lease_token uuid, p_results jsonb, p_deliveries jsonb default '[]',
  p_products jsonb default '[]') returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_sent bigint;
begin
  update public.notification_outbox o
  set
    sent_at = now(),
    message_id = result.told ->> 'messageId',
    lease_token = null,
    last_error = null,
    dropped_at = null,
    dropped_because = null
  from jsonb_array_elements(p_results) as result (told)
  where o.id = (result.told ->> 'id')::bigint and result.told ? 'messageId' and o.sent_at is null;
  get diagnostics v_sent = row_count;
  update public.notification_outbox o
  set
    lease_token = null,
    last_error = result.told ->> 'error',
    available_at = now() + private.notice_pause(o.attempts)
  from jsonb_array_elements(p_results) as result (told)
  where o.id = (result.told ->> 'id')::bigint and result.told ? 'error' and o.lease_token = p_lease_token;
  return jsonb_build_object('sent', v_sent) || private.settle_deliveries(p_lease_token, p_deliveries)
    || private.settle_products(p_lease_token, p_products);
end $$;
comment on function public.settle_notices is
  'Notes what was sent, delivered and made, and when to try the others again: {sent, delivered, dead, products, refused}.';

-- What the mail service reports of a mail: it went out (`sent`), came back for good (`bounce`), or was called spam
-- (`complaint`). The last two switch notices off for whoever has the address, until they switch them on again.
create function public.note_mail_event(p_event text, p_addresses text[] default '{}', p_notice bigint default null)
  returns jsonb language plpgsql set search_path = '' as $$
declare
  v_stopped bigint := 0;
begin
  update public.notification_outbox
  set sent_at = now(), lease_token = null, dropped_at = null, dropped_because = null
  where id = p_notice and sent_at is null;
  if p_event in ('bounce', 'complaint') then
    update public.users set notices = false, notices_stopped = p_event
    where lower(email) = any (array(select lower(address) from unnest(p_addresses) as address)) and notices;
    get diagnostics v_stopped = row_count;
  end if;
  return jsonb_build_object('stopped', v_stopped);
end $$;
comment on function public.note_mail_event is
  'What became of a mail, as often as it is told: {stopped}, users whose notices it switched off.';

-- What the link in a mail does. A setting of the user, who switches them on again; it holds while all else is read only.
create function public.switch_off_notices(p_user_id uuid) returns jsonb language sql set search_path = '' as $$
  update public.users set notices = false where id = p_user_id and notices;
  select '{}'::jsonb
$$;
comment on function public.switch_off_notices is
  'A user''s mails are switched off, as often as it is said: {}, whether there is such a user or not.';

create function public.user_settings(p_user_id uuid, p_email text, p_change jsonb default '{}') returns jsonb
  language plpgsql set search_path = '' as $$
begin
  perform private.ensure_profile(p_user_id, p_email);
  if p_change <> '{}'::jsonb then
    perform private.refuse_while('read_only');
    update public.users
    set
      notices = coalesce((p_change ->> 'notices')::boolean, notices),
      notices_stopped = case when p_change ? 'notices' then null else notices_stopped end,
      language = case when p_change ? 'language' then p_change ->> 'language' else language end
    where id = p_user_id;
  end if;
  return (
    select jsonb_build_object('id', id, 'email', email, 'notices', notices, 'noticesStopped', notices_stopped,
      'language', language)
    from public.users where id = p_user_id);
end $$;
comment on function public.user_settings is
  'A user''s settings after p_change ({notices, language}): {id, email, notices, noticesStopped, language}.';
