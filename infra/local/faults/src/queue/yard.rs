//! A migrated database with as many waiting and finished jobs as a trial needs, and the verbs as the functions call them.

use crate::TrialError;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor, PgPool, postgres::PgPoolOptions};
use stack::{home, postgres::Postgres};

/// More claimers than that are not tried.
const CONNECTIONS: u32 = 40;

/// A server of its own, gone when this is dropped or stopped.
pub(crate) struct Yard {
    /// As the functions come in: PostgREST's login in the role `service_role`.
    pub(crate) service: PgPool,
    /// Who may look everywhere and turn the clock.
    pub(crate) superuser: PgPool,
    superuser_url: String,
    server: Postgres,
}

impl Yard {
    pub(crate) async fn open() -> Result<Self, TrialError> {
        let migrations = home::workspace().join("infra/supabase/migrations");
        let server = Postgres::start_temporary(&migrations).await?;
        let address = server.copy_database().await?;
        let connect = || TrialError::while_trying("connect to the database of the trial");
        let service = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute("set role service_role").await.map(drop) })
            })
            .connect(&address.authenticator_url())
            .await
            .map_err(connect())?;
        let superuser = PgPoolOptions::new()
            .max_connections(4)
            .connect(&address.superuser_url())
            .await
            .map_err(connect())?;
        Ok(Self {
            service,
            superuser,
            superuser_url: address.superuser_url(),
            server,
        })
    }

    pub(crate) async fn close(self) {
        self.service.close().await;
        self.superuser.close().await;
        self.server.stop().await;
    }

    /// For a session outside the pools.
    pub(crate) fn superuser_url(&self) -> &str {
        &self.superuser_url
    }

    /// Runs statements as the superuser.
    pub(crate) async fn arrange(&self, statements: &str) -> Result<(), TrialError> {
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
            .execute(&self.superuser)
            .await
            .map(drop)
            .map_err(TrialError::while_trying("arrange the rows of the trial"))
    }

    pub(crate) async fn count(&self, query: &str) -> Result<i64, TrialError> {
        sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
            .fetch_one(&self.superuser)
            .await
            .map_err(TrialError::while_trying("count rows"))
    }

    /// `jobs` covers that can be claimed now, one a story, of `users` people in turn.
    pub(crate) async fn waiting(&self, jobs: u32, users: u32) -> Result<(), TrialError> {
        self.people(users).await?;
        self.arrange(&format!(
            "{QUIETLY}
             with made as (
               insert into public.stories (library_id, creator_user_id, title, character_ids, story_type)
               select p.library_id, p.user_id, 'a story', array[gen_random_uuid()], 'adventure'
               from generate_series(1, {jobs}) as i join people p on p.n = i % {users} returning id, creator_user_id)
             insert into public.asset_generation_jobs (story_id, user_id, asset_type, inputs_settled)
             select id, creator_user_id, 'cover', true from made;
             {ALOUD}"
        ))
        .await
    }

    /// `jobs` finished rows, nine a story: what years of use leave behind.
    pub(crate) async fn history(&self, jobs: u32) -> Result<(), TrialError> {
        self.people(100).await?;
        let stories = jobs.div_ceil(9);
        self.arrange(&format!(
            "{QUIETLY}
             with made as (
               insert into public.stories (library_id, creator_user_id, title, character_ids, story_type, status,
                 asset_generation_status, asset_generation_completed_at)
               select p.library_id, p.user_id, 'an old story', array[gen_random_uuid()], 'adventure', 'ready',
                 '{{\"overall\": \"ready\", \"assets\": {{}}}}', now()
               from generate_series(1, {stories}) as i join people p on p.n = i % 100 returning id, creator_user_id)
             insert into public.asset_generation_jobs (story_id, user_id, asset_type, status, inputs_settled, url, result,
               progress, completed_at, created_at)
             select id, creator_user_id, asset, 'ready', true, 'https://cdn/x', '{{\"data\": {{}}}}', 100, now(),
               now() - interval '30 days'
             from made cross join unnest(array['content', 'cover', 'scene_1', 'scene_2', 'scene_3', 'scene_4', 'audio',
               'activities', 'pdf']) as asset;
             {ALOUD}"
        ))
        .await?;
        self.vacuum().await
    }

    /// As autovacuum leaves the tables behind.
    pub(crate) async fn vacuum(&self) -> Result<(), TrialError> {
        // One statement at a time: several make a transaction, and vacuum refuses to run in one.
        self.arrange("vacuum analyze public.asset_generation_jobs")
            .await?;
        self.arrange("vacuum analyze public.stories").await
    }

    /// `jobs` covers of one person, one a story, claimable since `waited_seconds`, in the order of the queue.
    pub(crate) async fn waiting_of(
        &self,
        person: u32,
        jobs: u32,
        priority: &str,
        waited_seconds: f64,
    ) -> Result<(), TrialError> {
        self.people(person + 1).await?;
        self.arrange(&format!(
            "{QUIETLY}
             with made as (
               insert into public.stories (library_id, creator_user_id, title, character_ids, story_type, created_at)
               select library_id, user_id, 'a story', array[gen_random_uuid()], 'adventure',
                 now() - make_interval(secs => {waited_seconds})
               from people, generate_series(1, {jobs}) where n = {person} returning id, creator_user_id, created_at)
             insert into public.asset_generation_jobs (story_id, user_id, asset_type, inputs_settled, priority, created_at,
               claim_order)
             select id, creator_user_id, 'cover', true, '{priority}', created_at, created_at + private.head_start('{priority}')
             from made;
             {ALOUD}"
        ))
        .await
    }

    /// No stories, no jobs; the people stay.
    pub(crate) async fn empty(&self) -> Result<(), TrialError> {
        self.arrange("truncate public.stories, public.credit_ledger, public.usage_ledger cascade")
            .await
    }

    /// A verb's answer: `call` is written as SQL, as in `complete_job('…', '…', '{}')`.
    pub(crate) async fn verb(&self, call: &str) -> Result<Value, TrialError> {
        sqlx::query_scalar(AssertSqlSafe(format!("select public.{call}")))
            .fetch_one(&self.service)
            .await
            .map_err(TrialError::while_trying("call a verb"))
    }

    /// The job is done, as its worker says it.
    pub(crate) async fn complete(&self, job: &Value) -> Result<Value, TrialError> {
        self.verb(&format!(
            "complete_job('{}', '{}', '{{\"url\": \"https://cdn/x\"}}')",
            text(job, "jobId"),
            text(job, "leaseToken")
        ))
        .await
    }

    /// People numbered from 0 in the scratch table `people`, made once.
    pub(crate) async fn people(&self, users: u32) -> Result<(), TrialError> {
        self.arrange(&format!(
            "create table if not exists people (n integer primary key, user_id uuid, library_id uuid);
             insert into auth.users (id, email)
             select gen_random_uuid(), format('%s@trial.example', i) from generate_series(0, {users} - 1) as i
             where not exists (select from people where n = i);
             insert into people (n, user_id, library_id)
             select split_part(u.email, '@', 1)::integer, u.id, l.id
             from public.users u join public.libraries l on l.owner_user_id = u.id
             where u.email like '%@trial.example' on conflict do nothing"
        ))
        .await
    }

    /// One claim, as a worker makes it, without a cap that matters.
    pub(crate) async fn claim(&self, limit: i32) -> Result<Vec<Value>, TrialError> {
        self.claim_under(limit, 2_000_000).await
    }

    /// One claim under a cap on jobs in flight.
    pub(crate) async fn claim_under(
        &self,
        limit: i32,
        max_in_flight: i32,
    ) -> Result<Vec<Value>, TrialError> {
        let mut answer: Value = sqlx::query_scalar(
            "select public.claim_asset_jobs(p_limit => $1, p_lease_seconds => 60, p_max_in_flight => $2)",
        )
        .bind(limit)
        .bind(max_in_flight)
        .fetch_one(&self.service)
        .await
        .map_err(TrialError::while_trying("claim jobs"))?;
        match answer["jobs"].take() {
            Value::Array(jobs) => Ok(jobs),
            _ => Ok(Vec::new()),
        }
    }
}

/// A text of a claimed job; empty when it has none.
pub(crate) fn text<'a>(job: &'a Value, name: &str) -> &'a str {
    job[name].as_str().unwrap_or_default()
}

/// Rows arranged in bulk are not judged by triggers; what the verbs do afterwards is.
pub(crate) const QUIETLY: &str = "set session_replication_role = replica;";
pub(crate) const ALOUD: &str = "set session_replication_role = origin;";
