//! The verbs as the functions call them, over PostgREST, and stories arranged by SQL for them to work on.

use crate::TrialError;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use stack::stack::Stack;
use std::time::Duration;
use store::{LeasedJob, RestConfig, Store};
use uuid::Uuid;

/// One stack, seen from where the functions stand.
pub(crate) struct Engine<'a> {
    pub(crate) stack: &'a Stack,
    /// With the retries of the functions.
    pub(crate) store: Store,
    http: reqwest::Client,
}

/// What every story makes beside its text.
pub(crate) const ASSETS: [&str; 8] = [
    "cover",
    "scene_1",
    "scene_2",
    "scene_3",
    "scene_4",
    "audio",
    "activities",
    "pdf",
];

impl<'a> Engine<'a> {
    pub(crate) fn new(stack: &'a Stack) -> Result<Self, TrialError> {
        let http = reqwest::Client::new();
        let url = stack
            .variable("SUPABASE_URL")
            .parse()
            .map_err(TrialError::while_trying("read the project's address"))?;
        let config = RestConfig {
            supabase_url: url,
            service_role_key: stack.variable("SUPABASE_SERVICE_ROLE_KEY").to_owned(),
        };
        let store = Store::new(&config, http.clone())
            .map_err(TrialError::while_trying("make a client of PostgREST"))?;
        Ok(Self { stack, store, http })
    }

    /// Calls a verb once, without retries: the HTTP status and the answer.
    pub(crate) async fn once(
        &self,
        verb: &str,
        arguments: &Value,
    ) -> Result<(u16, Value), reqwest::Error> {
        let url = format!("{}/rest/v1/rpc/{verb}", self.stack.variable("SUPABASE_URL"));
        let key = self.stack.variable("SUPABASE_SERVICE_ROLE_KEY");
        let request = self.http.post(url).header("apikey", key).bearer_auth(key);
        let response = request.json(arguments).send().await?;
        let status = response.status().as_u16();
        Ok((status, response.json().await?))
    }

    /// A number, asked as the superuser.
    pub(crate) async fn count(&self, query: &str) -> Result<f64, TrialError> {
        sqlx::query_scalar::<_, i64>(AssertSqlSafe(query.to_owned()))
            .fetch_one(self.stack.pool())
            .await
            .map(|count| count as f64)
            .map_err(TrialError::while_trying("count what the trial left"))
    }

    /// Statements as the superuser.
    pub(crate) async fn arrange(&self, statements: &str) -> Result<(), TrialError> {
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
            .execute(self.stack.pool())
            .await
            .map(drop)
            .map_err(TrialError::while_trying("arrange the trial's tables"))
    }

    /// Somebody's hero.
    pub(crate) async fn hero(&self, user: Uuid) -> Result<Uuid, TrialError> {
        sqlx::query_scalar(
            "insert into public.characters (owner_user_id, name) values ($1, 'Ember') returning id",
        )
        .bind(user)
        .fetch_one(self.stack.pool())
        .await
        .map_err(TrialError::while_trying("make a character"))
    }

    /// Accepts this many stories for somebody without limits; no function is told of them.
    pub(crate) async fn stories(&self, user: Uuid, count: usize) -> Result<Vec<Uuid>, TrialError> {
        let hero = self.hero(user).await?;
        sqlx::query_scalar(
            "select (public.create_story($1, null, jsonb_build_object('character_ids', jsonb_build_array($2), 'story_type',
                'adventure', 'themes', '[]'::jsonb, 'asset_types', to_jsonb($3))) -> 'story' ->> 'id')::uuid
             from generate_series(1, $4)",
        )
        .bind(user)
        .bind(hero)
        .bind(ASSETS.map(str::to_owned).to_vec())
        .bind(i32::try_from(count).unwrap_or(i32::MAX))
        .fetch_all(self.stack.pool())
        .await
        .map_err(TrialError::while_trying("accept stories"))
    }

    /// Leases every queued job of these stories to the trial for an hour, whatever they wait for.
    pub(crate) async fn lease_all(&self, stories: &[Uuid]) -> Result<Vec<LeasedJob>, TrialError> {
        let jobs: Value = sqlx::query_scalar(
            "with leased as (
               update public.asset_generation_jobs set status = 'generating', inputs_settled = true, attempt = attempt + 1,
                 lease_token = gen_random_uuid(), lease_owner = 'trial', started_at = now(),
                 lease_expires_at = now() + interval '1 hour'
               where story_id = any ($1) and status = 'queued' returning *)
             select jsonb_agg(jsonb_build_object('jobId', id, 'storyId', story_id, 'assetType', asset_type, 'leaseToken',
               lease_token, 'attempt', attempt, 'retryCount', 0, 'assetVersion', 0, 'checkpoint', checkpoint, 'options', options))
             from leased",
        )
        .bind(stories)
        .fetch_one(self.stack.pool())
        .await
        .map_err(TrialError::while_trying("lease the jobs of the trial"))?;
        serde_json::from_value(jobs).map_err(TrialError::while_trying("read the jobs of the trial"))
    }
}

/// Until `holds`, looking every few milliseconds; the time it took, or that it was too long.
pub(crate) async fn until<F, W>(
    what: &str,
    within: Duration,
    holds: F,
) -> Result<Duration, TrialError>
where
    F: Fn() -> W,
    W: Future<Output = bool>,
{
    let began = std::time::Instant::now();
    while !holds().await {
        if began.elapsed() > within {
            return Err(TrialError::Stuck(format!(
                "waited {} s in vain: {what}",
                within.as_secs()
            )));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(began.elapsed())
}
