//! A database to oneself, the verbs as calls with JSON arguments, and a story to try them on.

pub use crate::simulation::payloads::{
    Lease, Refusal, completion, creation, failure, fresh_key, leases, text_of,
};

use crate::simulation::payloads::{literal, refusal};
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe, Executor, PgPool,
    postgres::{PgPoolOptions, PgRow},
};
use stack::postgres::{DatabaseAddress, Postgres};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// One server for the whole binary; its guardian takes it down with this process, however that ends.
static SERVER: OnceCell<Postgres> = OnceCell::const_new();

/// A freshly migrated database.
pub struct Database {
    pub address: DatabaseAddress,
    /// As the functions come in: PostgREST's login in the role `service_role`.
    pub service: PgPool,
    /// Who may look everywhere and turn the clock.
    pub superuser: PgPool,
}

/// A story and whose it is.
#[derive(Clone, Debug)]
pub struct Story {
    pub id: String,
    pub user: Uuid,
}

pub const EVERYTHING: [&str; 8] = [
    "cover",
    "scene_1",
    "scene_2",
    "scene_3",
    "scene_4",
    "audio",
    "activities",
    "pdf",
];

impl Database {
    pub async fn new() -> Self {
        let migrations = stack::home::workspace().join("infra/supabase/migrations");
        let server = SERVER
            .get_or_try_init(|| Postgres::start_temporary(&migrations))
            .await
            .unwrap_or_else(|error| {
                panic!(
                    "no database: {error}: {:?}",
                    std::error::Error::source(&error)
                )
            });
        let address = server
            .copy_database()
            .await
            .expect("the migrated database can be copied");
        let service = PgPoolOptions::new()
            .max_connections(20)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute("set role service_role").await.map(drop) })
            })
            .connect(&address.authenticator_url())
            .await
            .expect("PostgREST's login works");
        let superuser = PgPoolOptions::new()
            .max_connections(3)
            .connect(&address.superuser_url())
            .await
            .expect("the superuser's login works");
        Self {
            address,
            service,
            superuser,
        }
    }

    /// Calls a verb with named arguments; a refusal fails the test.
    pub async fn call(&self, verb: &str, arguments: Value) -> Value {
        self.try_call(verb, &arguments)
            .await
            .unwrap_or_else(|refusal| panic!("{verb}({arguments}) was refused: {refusal:?}"))
    }

    pub async fn try_call(&self, verb: &str, arguments: &Value) -> Result<Value, Refusal> {
        let arguments = arguments.as_object().expect("arguments have names");
        let list: Vec<_> = arguments
            .iter()
            .map(|(name, value)| format!("{name} => {}", literal(value)))
            .collect();
        let statement = format!("select public.{verb}({})", list.join(", "));
        // No two statements are alike, so keeping them prepared would only cost round trips.
        sqlx::query_scalar(AssertSqlSafe(statement))
            .persistent(false)
            .fetch_one(&self.service)
            .await
            .map_err(refusal)
    }

    /// Runs a statement as the superuser, to arrange what no verb arranges, such as the passing of time.
    pub async fn arrange(&self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&self.superuser)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    pub async fn value<T>(&self, query: &str) -> T
    where
        (T,): for<'r> sqlx::FromRow<'r, PgRow>,
        T: Send + Unpin,
    {
        let answer: Result<(T,), _> = sqlx::query_as(AssertSqlSafe(query.to_owned()))
            .fetch_one(&self.superuser)
            .await;
        answer.unwrap_or_else(|error| panic!("{query}: {error}")).0
    }

    pub async fn count(&self, rows: &str) -> i64 {
        self.value(&format!("select count(*) from {rows}")).await
    }

    /// A user of this tier.
    pub async fn user(&self, tier: &str) -> Uuid {
        let user = Uuid::new_v4();
        self.arrange(&format!(
            "insert into auth.users (id, email) values ('{user}', '{user}@example.com')"
        ))
        .await;
        self.arrange(&format!(
            "update public.users set tier = '{tier}' where id = '{user}'"
        ))
        .await;
        user
    }

    pub async fn character(&self, user: Uuid) -> String {
        let character = json!({"name": "Luna", "species": "fox", "age": 6, "traits": ["glasses"], "personality": ["curious"]});
        let made = self
            .call(
                "create_character",
                json!({"p_user_id": user, "p_email": null, "p_character": character}),
            )
            .await;
        made["character"]["id"]
            .as_str()
            .expect("a character has an id")
            .to_owned()
    }

    /// A story without any limit to it.
    pub async fn story(&self, assets: &[&str]) -> Story {
        let user = self.user("school").await;
        self.story_of(user, assets).await
    }

    pub async fn story_of(&self, user: Uuid, assets: &[&str]) -> Story {
        let character = self.character(user).await;
        let made = self
            .call("create_story", creation(user, &character, assets))
            .await;
        Story {
            id: made["story"]["id"]
                .as_str()
                .expect("a story has an id")
                .to_owned(),
            user,
        }
    }

    /// A story whose text is there.
    pub async fn story_with_text(&self, assets: &[&str]) -> Story {
        let story = self.story(assets).await;
        self.write_text(&story).await;
        story
    }

    pub async fn write_text(&self, story: &Story) {
        let text = self.start_content(story, "writer").await;
        let saved = self.call("save_story_content", text_of(&text)).await;
        assert_eq!(saved["accepted"], true, "{saved}");
    }

    /// Saves a text under a lease that may not be in force any more.
    pub async fn write_text_of(&self, lease: &Lease) -> Value {
        self.call("save_story_content", text_of(lease)).await
    }

    pub async fn start_content(&self, story: &Story, owner: &str) -> Lease {
        let started = self
            .call(
                "start_content",
                json!({"p_story_id": story.id, "p_owner": owner}),
            )
            .await;
        Lease::from_json(&started["job"])
    }

    pub async fn claim(&self, limit: u32) -> Vec<Lease> {
        leases(
            &self
                .call("claim_asset_jobs", json!({"p_limit": limit}))
                .await["jobs"],
        )
    }

    /// Claims exactly this asset, whatever else waits.
    pub async fn claim_asset(&self, story: &Story, asset: &str) -> Lease {
        self.let_time_pass(story).await;
        let (wanted, others): (Vec<_>, Vec<_>) = self
            .claim(100)
            .await
            .into_iter()
            .partition(|lease| lease.story == story.id && lease.asset == asset);
        for other in others {
            self.call(
                "release_job",
                json!({"p_job_id": other.job, "p_lease_token": other.token}),
            )
            .await;
        }
        wanted
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("{asset} was not claimable"))
    }

    pub async fn complete(&self, lease: &Lease) -> Value {
        self.call("complete_job", completion(lease)).await
    }

    pub async fn fail(&self, lease: &Lease, retryable: bool) -> Value {
        self.call("fail_job", failure(lease, retryable)).await
    }

    /// Claims and completes until nothing of the story is claimable.
    pub async fn finish(&self, story: &Story) {
        loop {
            self.let_time_pass(story).await;
            let claimed = self.claim(100).await;
            for lease in &claimed {
                self.complete(lease).await;
            }
            if claimed.is_empty() {
                return;
            }
        }
    }

    /// Makes every pause of the story's jobs be over.
    pub async fn let_time_pass(&self, story: &Story) {
        self.arrange(&format!(
            "select from public.stories where id = '{0}' for update;
             update public.asset_generation_jobs set available_at = now() - interval '1 second'
             where story_id = '{0}' and status = 'queued' and available_at > now()",
            story.id
        ))
        .await;
    }

    /// Makes the worker of these jobs be silent for longer than its lease.
    pub async fn let_leases_run_out(&self, story: &Story) {
        self.arrange(&format!(
            "select from public.stories where id = '{0}' for update;
             update public.asset_generation_jobs set lease_expires_at = now() - interval '1 second'
             where story_id = '{0}' and status = 'generating'",
            story.id
        ))
        .await;
    }

    /// A job's row.
    pub async fn job(&self, story: &Story, asset: &str) -> Value {
        let query = "select to_jsonb(j) from public.asset_generation_jobs j where story_id";
        self.value(&format!(
            "{query} = '{}' and asset_type = '{asset}'",
            story.id
        ))
        .await
    }

    /// The story's row.
    pub async fn row(&self, story: &Story) -> Value {
        self.value(&format!(
            "select to_jsonb(s) from public.stories s where id = '{}'",
            story.id
        ))
        .await
    }

    /// What the front end sees of an asset.
    pub async fn asset(&self, story: &Story, asset: &str) -> Value {
        self.row(story).await["asset_generation_status"]["assets"][asset].clone()
    }

    pub async fn overall(&self, story: &Story) -> String {
        let overall = &self.row(story).await["asset_generation_status"]["overall"];
        overall.as_str().expect("overall is a text").to_owned()
    }

    pub async fn credits(&self, user: Uuid) -> (i32, i64) {
        let used = self
            .value(&format!(
                "select stories_used from public.users where id = '{user}'"
            ))
            .await;
        let spent = self
            .value(&format!(
                "select coalesce(-sum(delta), 0) from public.credit_ledger where user_id = '{user}'"
            ))
            .await;
        (used, spent)
    }
}
