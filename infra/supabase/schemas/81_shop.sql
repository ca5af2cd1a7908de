-- The shop as its user manages it (connect_shop, shop_connection, disconnect_shop, create_product, shop_product), and as books
-- become products there: private.claim_products, private.settle_products.

create function private.product_tries() returns integer language sql immutable set search_path = '' as $$ select 3 $$;

-- 1, 2, 4 s (S2-029).
create function private.product_pause(p_attempts integer) returns interval language sql immutable set search_path = '' as $$
  select make_interval(secs => 2 ^ (least(p_attempts, 10) - 1))
$$;

-- Nothing that opens it.
create function private.shop_answer(p_shop private.shops) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object('shop', p_shop.domain, 'problem', p_shop.problem, 'connectedAt', p_shop.connected_at)
$$;

create function private.product_answer(p_product private.shop_products) returns jsonb
  language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'storyId', p_product.story_id,
    'shop', p_product.domain,
    'status', p_product.status,
    'title', p_product.title,
    'productId', p_product.product_id,
    'adminUrl', 'https://' || p_product.domain || '/admin/products/' || substring(p_product.product_id from '[0-9]+$'),
    'error', case when p_product.error_code is not null then
      jsonb_build_object('code', p_product.error_code, 'message', p_product.error_message) end,
    'attempts', p_product.attempts,
    'createdAt', p_product.created_at,
    'settledAt', p_product.settled_at)
$$;

-- What waits for a shop that its user left.
create function private.give_up_products(p_user_id uuid, p_but_of text) returns void language sql set search_path = '' as $$
  update private.shop_products
  set status = 'failed', settled_at = now(), lease_token = null, error_code = 'SHOP_NOT_CONNECTED',
    error_message = 'The shop was taken away before the product was made.'
  where user_id = p_user_id and status = 'pending' and domain is distinct from p_but_of
$$;

create function public.connect_shop(p_user_id uuid, p_email text, p_domain text, p_sealed_access text) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_user(p_user_id, p_email);
  v_shop private.shops;
begin
  perform private.refuse_while('read_only');
  insert into private.shops (user_id, domain, sealed_access) values (p_user_id, p_domain, p_sealed_access)
  on conflict (user_id) do update
  set domain = excluded.domain, sealed_access = excluded.sealed_access, problem = null, connected_at = now()
  returning * into v_shop;
  perform private.give_up_products(p_user_id, p_domain);
  -- What is under way with the token before says nothing of this one.
  update private.shop_products set lease_token = null, attempts = 0, available_at = now()
  where user_id = p_user_id and domain = p_domain and status = 'pending';
  return private.shop_answer(v_shop);
end $$;
comment on function public.connect_shop is
  'The one shop a user sells in, in place of another: {shop, problem, connectedAt}. What waited for that other is given up.';

create function public.shop_connection(p_user_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object('connection', (select private.shop_answer(s) from private.shops s where s.user_id = p_user_id))
$$;
comment on function public.shop_connection is 'The shop a user sells in: {connection}, null where there is none.';

create function public.disconnect_shop(p_user_id uuid) returns jsonb language plpgsql set search_path = '' as $$
begin
  perform private.lock_user(p_user_id);
  perform private.refuse_while('read_only');
  delete from private.shops where user_id = p_user_id;
  perform private.give_up_products(p_user_id, null);
  return '{}'::jsonb;
end $$;
comment on function public.disconnect_shop is 'Forgets a user''s shop and what opens it. Products that are there stay there.';

-- Once for each story and shop: asked for again, the answer is the same product. One that failed is begun anew.
create function public.create_product(p_user_id uuid, p_story_id uuid, p_product jsonb, p_book_url text) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_domain text;
  v_product private.shop_products;
  v_replayed boolean;
begin
  perform from public.stories where id = p_story_id and creator_user_id = p_user_id for update;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  perform private.refuse_while('read_only');
  perform private.lock_user(p_user_id);
  select domain into v_domain from private.shops where user_id = p_user_id for share;
  if not found then perform private.refuse(409, 'SHOP_NOT_CONNECTED'); end if;
  insert into private.shop_products (story_id, user_id, domain, title, description, cover_url, book_url)
  values (p_story_id, p_user_id, v_domain, p_product ->> 'title', p_product ->> 'description', p_product ->> 'cover',
    p_book_url)
  on conflict (story_id, domain) do update
  set title = excluded.title, description = excluded.description, cover_url = excluded.cover_url,
    book_url = excluded.book_url, status = 'pending', available_at = now(), attempts = 0, settled_at = null,
    error_code = null, error_message = null
  where shop_products.status = 'failed'
  returning * into v_product;
  v_replayed := not found;
  if v_replayed then
    select * into v_product from private.shop_products where story_id = p_story_id and domain = v_domain;
  end if;
  return jsonb_build_object('product', private.product_answer(v_product), 'replayed', v_replayed);
end $$;
comment on function public.create_product is
  'A story''s book as a product of its user''s shop, to be made by the sender of notices: {product, replayed}. Refuses with '
  'PT404 STORY_NOT_FOUND, PT409 SHOP_NOT_CONNECTED.';

create function public.shop_product(p_user_id uuid, p_story_id uuid) returns jsonb
  language plpgsql stable set search_path = '' as $$
declare
  v_product private.shop_products;
begin
  if not exists (select from public.stories where id = p_story_id and creator_user_id = p_user_id) then
    perform private.refuse(404, 'STORY_NOT_FOUND');
  end if;
  select p.* into v_product
  from private.shop_products p left join private.shops s on s.user_id = p.user_id and s.domain = p.domain
  where p.story_id = p_story_id
  order by s.user_id is null, p.created_at desc limit 1;
  if not found then perform private.refuse(404, 'PRODUCT_NOT_FOUND'); end if;
  return private.product_answer(v_product);
end $$;
comment on function public.shop_product is
  'How a story''s product stands in the shop of today, else in the last one. Refuses with PT404 STORY_NOT_FOUND, '
  'PRODUCT_NOT_FOUND.';

-- Leases what is due to one sender, with all that it needs. Whoever died since has cost a try that is not counted as one.
create function private.claim_products(p_token uuid, p_limit integer) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_ids uuid[] := array(select id from private.shop_products
    where status = 'pending' and available_at <= now() order by available_at limit p_limit for update skip locked);
begin
  if cardinality(v_ids) = 0 then return '[]'::jsonb; end if;
  update private.shop_products
  set lease_token = p_token, attempts = attempts + 1, available_at = now() + private.sender_lease()
  where id = any (v_ids);
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', p.id,
      'storyId', p.story_id,
      'userId', p.user_id,
      'shop', p.domain,
      'sealedAccess', s.sealed_access,
      'title', p.title,
      'description', p.description,
      'cover', p.cover_url,
      'book', p.book_url) order by p.created_at, p.id), '[]'::jsonb)
    from private.shop_products p join private.shops s on s.user_id = p.user_id and s.domain = p.domain
    where p.id = any (v_ids));
end $$;

-- What became of leased products: [{id, productId}] where the shop has it, whoever holds the lease by now; else [{id, errorCode,
-- errorMessage, isFinal, waitSeconds}]. Answers how many were made and how many given up.
create function private.settle_products(p_lease_token uuid, p_results jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_settled jsonb;
begin
  -- Shops before their products, as whoever changes one takes them.
  perform from private.shops s
  where s.user_id in (select p.user_id from jsonb_array_elements(p_results) as result (told)
    join private.shop_products p on p.id = (result.told ->> 'id')::uuid)
  order by s.user_id for update;
  update private.shops s
  set problem = case when result.told ? 'productId' then null else result.told ->> 'errorCode' end
  from jsonb_array_elements(p_results) as result (told)
    join private.shop_products p on p.id = (result.told ->> 'id')::uuid
  where s.user_id = p.user_id and s.domain = p.domain and p.lease_token = p_lease_token
    and (result.told ? 'productId' or (result.told -> 'isFinal' = 'true' and result.told ->> 'errorCode' like 'SHOP\_%'));
  with told as (
    select
      p.id,
      result.told,
      result.told ->> 'productId' as product_id,
      p.attempts >= private.product_tries() or coalesce((result.told ->> 'isFinal')::boolean, false) as is_last
    from jsonb_array_elements(p_results) as result (told)
      join private.shop_products p on p.id = (result.told ->> 'id')::uuid
    for update of p),
  settled as (
    update private.shop_products p
    set
      status = case when told.product_id is not null then 'created' when told.is_last then 'failed' else p.status end,
      settled_at = case when told.product_id is not null or told.is_last then now() else p.settled_at end,
      product_id = told.product_id,
      error_code = told.told ->> 'errorCode',
      error_message = told.told ->> 'errorMessage',
      available_at = now() + greatest(private.product_pause(p.attempts),
        make_interval(secs => coalesce((told.told ->> 'waitSeconds')::float8, 0))),
      lease_token = null
    from told
    where p.id = told.id
      and (p.lease_token = p_lease_token or (told.product_id is not null and p.status <> 'created'))
    returning p.status)
  select jsonb_build_object('products', count(*) filter (where status = 'created'),
    'refused', count(*) filter (where status = 'failed')) into v_settled from settled;
  return v_settled;
end $$;
