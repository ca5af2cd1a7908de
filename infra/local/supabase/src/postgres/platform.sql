-- What a hosted Supabase project has before the first migration, and a bare Postgres lacks: roles, the auth schema with
-- its helpers, an empty realtime publication. Run once by the superuser supabase_admin; migrations then run as postgres,
-- which is no superuser here either.

create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit password 'postgres';
grant anon, authenticated, service_role to authenticator;
create role supabase_auth_admin nologin noinherit createrole;
create role postgres login createrole createdb replication bypassrls password 'postgres';
grant anon, authenticated, service_role to postgres with admin option;
alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';

alter database postgres owner to postgres;
alter schema public owner to postgres;
grant usage on schema public to anon, authenticated, service_role;
create schema extensions authorization postgres;
grant usage on schema extensions to anon, authenticated, service_role;

create schema auth authorization supabase_auth_admin;
grant usage on schema auth to anon, authenticated, service_role, postgres;
create table auth.users (
  id uuid primary key default gen_random_uuid(),
  email text unique,
  encrypted_password text,
  raw_app_meta_data jsonb not null default '{}'::jsonb,
  raw_user_meta_data jsonb not null default '{}'::jsonb,
  is_anonymous boolean not null default false,
  created_at timestamptz not null default now(),
  last_sign_in_at timestamptz
);
alter table auth.users owner to supabase_auth_admin;
grant all on auth.users to postgres;
grant select, insert, update, delete on auth.users to supabase_auth_admin;

create function auth.jwt() returns jsonb language sql stable as $$
  select coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb, '{}'::jsonb)
$$;
create function auth.claim(name text) returns text language sql stable as $$
  select coalesce(nullif(current_setting('request.jwt.claim.' || name, true), ''), auth.jwt() ->> name)
$$;
create function auth.uid() returns uuid language sql stable as $$ select auth.claim('sub')::uuid $$;
create function auth.role() returns text language sql stable as $$ select auth.claim('role') $$;
grant execute on all functions in schema auth to anon, authenticated, service_role, postgres;

create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;
