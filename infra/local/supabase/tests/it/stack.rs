//! Everything behind one port: a cluster with stories under row-level security, the gateway on it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use supabase::auth::{AuthServer, Keys, User};
use supabase::gateway::{ApiKeys, GatewayConfig, gateway, serve};
use supabase::realtime::{RealtimeOptions, RealtimeServer};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::cluster::Cluster;
use crate::phoenix::Phoenix;

pub(crate) const JWT_SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";
const HOUR: Duration = Duration::from_secs(3_600);

/// What a Supabase project has before its first migration, and one table of ours.
const SCHEMA: &str = "
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create schema auth;
grant usage on schema auth, public to anon, authenticated, service_role;
create function auth.jwt() returns jsonb language sql stable as
  $f$ select coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb, '{}'::jsonb) $f$;
create function auth.uid() returns uuid language sql stable as $f$ select (auth.jwt() ->> 'sub')::uuid $f$;
create table auth.users (
  id uuid primary key, email text unique, encrypted_password text, raw_app_meta_data jsonb,
  raw_user_meta_data jsonb, is_anonymous boolean not null default false,
  created_at timestamptz default now(), last_sign_in_at timestamptz);
create publication supabase_realtime;

create type public.mood as enum ('calm', 'wild');
create domain public.page_count as int check (value > 0);
create table public.stories (
  id uuid primary key default gen_random_uuid(), owner_id uuid not null, title text not null default '',
  status jsonb not null default '{}', pages page_count, rating numeric, ready boolean, tags text[],
  mood mood, body text, secret text, created_at timestamptz not null default '2026-11-21 03:00:00.5+00');
alter table public.stories alter column body set storage external;
alter table public.stories enable row level security;
create policy own_rows on public.stories for select to authenticated using (owner_id = (select auth.uid()));
grant select on public.stories to anon, authenticated, service_role;

create table public.notices (id int primary key, text text, internal text);
grant select (id, text) on public.notices to anon, authenticated;
create table public.logs (line text);
grant select on public.logs to anon;
create table public.internal (id int primary key, n int);
create table public.unpublished (id int primary key);
alter publication supabase_realtime add table public.stories, public.notices, public.logs, public.internal;
";

pub(crate) struct Stack {
    pub(crate) port: u16,
    pub(crate) pool: PgPool,
    pub(crate) keys: Arc<Keys>,
    pub(crate) api_keys: ApiKeys,
    pub(crate) config: GatewayConfig,
    pub(crate) realtime: RealtimeServer,
    pub(crate) mails: PathBuf,
    serving: tokio::task::JoinHandle<()>,
    _cluster: Cluster,
}

impl Stack {
    /// Impatient, with nothing behind `/rest/v1`.
    pub(crate) async fn start() -> Self {
        Self::start_before(axum::Router::new()).await
    }

    /// With the timing of real use.
    pub(crate) async fn start_unhurried() -> Self {
        Self::start_with(axum::Router::new(), RealtimeOptions::default()).await
    }

    /// `rest` stands where a PostgREST would.
    pub(crate) async fn start_before(rest: axum::Router) -> Self {
        let options = RealtimeOptions {
            join_latency: Duration::ZERO,
            subscription_delay: Duration::from_millis(10),
            ..RealtimeOptions::default()
        };
        Self::start_with(rest, options).await
    }

    async fn start_with(rest: axum::Router, options: RealtimeOptions) -> Self {
        let (cluster, pool) = Cluster::start().await;
        sqlx::raw_sql(SCHEMA).execute(&pool).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let key_file = std::env::temp_dir().join(format!("rt-key-{}.pem", Uuid::new_v4().simple()));
        let issuer = format!("http://127.0.0.1:{port}/auth/v1");
        let keys = Arc::new(Keys::load_or_create(&key_file, issuer, JWT_SECRET).unwrap());
        std::fs::remove_file(key_file).unwrap();
        let realtime = RealtimeServer::start_with(pool.clone(), keys.clone(), options)
            .await
            .unwrap();
        let mails = std::env::temp_dir().join(format!("rt-mails-{}", Uuid::new_v4().simple()));
        let auth = AuthServer::new(pool.clone(), keys.clone(), mails.clone());
        let api_keys = ApiKeys::local(&keys);
        let config = GatewayConfig::new(api_keys.clone());
        let router = gateway(config.clone(), rest, &realtime, &auth);
        let serving = tokio::spawn(async move { serve(listener, router).await.unwrap() });
        Self {
            port,
            pool,
            keys,
            api_keys,
            config,
            realtime,
            mails,
            serving,
            _cluster: cluster,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) async fn sql(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// A story of `owner`; its id.
    pub(crate) async fn story(&self, owner: Uuid) -> Uuid {
        sqlx::query_scalar("insert into public.stories (owner_id) values ($1) returning id")
            .bind(owner)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    pub(crate) fn token_of(&self, user: Uuid) -> String {
        self.token_for(user, HOUR)
    }

    pub(crate) fn token_for(&self, user: Uuid, lifetime: Duration) -> String {
        self.keys
            .access_token(&User::with_email(user, "someone@example.com"), lifetime)
    }

    pub(crate) async fn connect(&self) -> Phoenix {
        Phoenix::connect(self.port, &self.api_keys.publishable, "2.0.0").await
    }

    /// A socket whose one channel is subscribed to `changes` under `token`.
    pub(crate) async fn subscribed(&self, token: Option<&str>, changes: Value) -> Phoenix {
        let mut client = self.connect().await;
        client.subscribe("realtime:changes", token, changes).await;
        client
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.serving.abort();
        let _ = std::fs::remove_dir_all(&self.mails);
    }
}
