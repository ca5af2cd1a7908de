-- The shop: where a user sells, and which of their books are products there or on their way (S2-024 to S2-029).
--
-- One row for each story and shop, however often it is asked for, sent by whoever sends notices, under the same leases. What
-- opens a shop is sealed by the functions, with a key that no database has, in a schema that PostgREST does not serve.

create table private.shops (
  user_id uuid primary key references public.users (id) on delete cascade,
  domain text not null constraint shops_domain_is_one check (domain ~ '^[a-z0-9][a-z0-9-]{0,62}\.myshopify\.com$'),
  sealed_access text not null constraint shops_access_is_sealed check (sealed_access ~ '^v1\.[A-Za-z0-9+/]{40,}={0,2}$'),
  problem text constraint shops_problem_is_a_code check (problem ~ '^SHOP_[A-Z_]+$'),
  connected_at timestamptz not null default now()
);
comment on table private.shops is 'Where users sell, one shop each.';
comment on column private.shops.sealed_access is 'What opens it, under SHOP_KEY, bound to user and shop.';
comment on column private.shops.problem is 'Why it took nothing the last time, where only its owner can mend that.';

create table private.shop_products (
  id uuid primary key default gen_random_uuid(),
  story_id uuid not null references public.stories (id) on delete cascade,
  user_id uuid not null references public.users (id) on delete cascade,
  domain text not null,
  title text not null constraint products_title_length check (char_length(title) between 1 and 255),
  description text not null constraint products_description_length check (char_length(description) <= 5000),
  cover_url text not null,
  book_url text not null,
  created_at timestamptz not null default now(),
  status text not null default 'pending' constraint products_status_is_known check
    (status in ('pending', 'created', 'failed')),
  available_at timestamptz not null default now(),
  attempts integer not null default 0,
  lease_token uuid,
  settled_at timestamptz,
  product_id text,
  error_code text,
  error_message text,
  constraint products_one_per_story_and_shop unique (story_id, domain),
  constraint products_settled_has_a_time check ((status = 'pending') = (settled_at is null)),
  constraint products_created_has_an_id check ((status = 'created') = (product_id is not null)),
  constraint products_failed_says_why check (status <> 'failed' or error_code is not null)
);
comment on table private.shop_products is
  'Books that are products of a shop, or to be: as they were when they were asked for. Gone with their story.';
comment on column private.shop_products.available_at is
  'Not claimable before: a pause after a failure, or the end of the lease that is in force.';
comment on column private.shop_products.attempts is 'Claims since it was asked for last.';
comment on column private.shop_products.product_id is 'As the shop names it.';
comment on column private.shop_products.error_code is 'Of the last try; while pending, of one that is followed by another.';
create index idx_shop_products_due on private.shop_products (available_at) where status = 'pending';
create index idx_shop_products_user on private.shop_products (user_id, domain);

alter table private.shops enable row level security;
alter table private.shop_products enable row level security;
