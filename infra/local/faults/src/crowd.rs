//! People who ask for stories, through the REST API, and wait until they are settled.

use crate::TrialError;
use serde_json::{Value, json};
use stack::{api::Api, stack::Stack};
use std::time::{Duration, Instant};
use supabase::auth::User;
use uuid::Uuid;

/// What the free tier includes.
const FREE_STORIES: i32 = 2;

/// Everybody who may ask for something on one stack.
#[derive(Clone, Copy)]
pub struct Crowd<'a>(pub &'a Stack);

/// One signed-in person.
#[derive(Clone, Debug)]
pub struct Reader {
    pub api: Api,
    pub id: Uuid,
    pub token: String,
}

impl Crowd<'_> {
    /// Somebody new: without limits, or free with this many stories in all (2 at least).
    pub async fn newcomer(&self, story_limit: Option<i32>) -> Result<Reader, TrialError> {
        let failed = || TrialError::while_trying("make a user");
        let id = Uuid::new_v4();
        let email = format!("{id}@trial.example");
        sqlx::query("insert into auth.users (id, email) values ($1, $2)")
            .bind(id)
            .bind(&email)
            .execute(self.0.pool())
            .await
            .map_err(failed())?;
        sqlx::query("update public.users set tier = $2, extra_stories = $3 where id = $1")
            .bind(id)
            .bind(if story_limit.is_some() {
                "free"
            } else {
                "school"
            })
            .bind(story_limit.map_or(0, |limit| (limit - FREE_STORIES).max(0)))
            .execute(self.0.pool())
            .await
            .map_err(failed())?;
        let user = User::with_email(id, email);
        let token = self.0.keys().access_token(&user, Duration::from_secs(7200));
        let api = Api::new(self.0.variable("API_URL"), &token);
        Ok(Reader { api, id, token })
    }

    /// Waits until every one of these stories is settled, by looking at the database; the time it took.
    pub async fn settled(
        &self,
        stories: &[Uuid],
        within: Duration,
    ) -> Result<Duration, TrialError> {
        let began = Instant::now();
        loop {
            let open = self.open(stories).await?;
            if open == 0 {
                return Ok(began.elapsed());
            }
            if began.elapsed() > within {
                let states = self.states(stories).await?;
                return Err(TrialError::Stuck(format!(
                    "{open} of {} stories are not settled after {} s: {states}",
                    stories.len(),
                    within.as_secs()
                )));
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    async fn open(&self, stories: &[Uuid]) -> Result<i64, TrialError> {
        sqlx::query_scalar(
            "select count(*) from public.stories where id = any ($1) and asset_generation_status ->> 'overall' = 'generating'",
        )
        .bind(stories)
        .fetch_one(self.0.pool())
        .await
        .map_err(TrialError::while_trying("see which stories are settled"))
    }

    /// The open jobs of these stories, for the sentence that says what is stuck.
    async fn states(&self, stories: &[Uuid]) -> Result<String, TrialError> {
        sqlx::query_scalar(
            "select coalesce(string_agg(format('%s %s (attempt %s, %s)', asset_type, status, attempt, coalesce(error_code, '-')), ', '), 'no job is open')
             from (select * from public.asset_generation_jobs where story_id = any ($1) and status in ('queued', 'generating') limit 20) j",
        )
        .bind(stories)
        .fetch_one(self.0.pool())
        .await
        .map_err(TrialError::while_trying("see what is stuck"))
    }

    /// The row of one story, whole.
    pub async fn story(&self, id: Uuid) -> Result<Value, TrialError> {
        sqlx::query_scalar("select to_jsonb(s) from public.stories s where id = $1")
            .bind(id)
            .fetch_one(self.0.pool())
            .await
            .map_err(TrialError::while_trying("read a story"))
    }

    /// The job of one asset, whole.
    pub async fn job(&self, story: Uuid, asset: &str) -> Result<Value, TrialError> {
        sqlx::query_scalar("select to_jsonb(j) from public.asset_generation_jobs j where story_id = $1 and asset_type = $2")
            .bind(story)
            .bind(asset)
            .fetch_one(self.0.pool())
            .await
            .map_err(TrialError::while_trying("read a job"))
    }

    /// The process of `function` that works for this story now, if one does.
    pub fn pid_working_for(&self, function: &str, story: Uuid) -> Option<u32> {
        self.0
            .emulator()
            .pid_working_on(function, &story.to_string())
    }
}

impl Reader {
    /// Asks for a story about a new dragon of this name.
    pub async fn ask(&self, hero: &str) -> Result<Uuid, TrialError> {
        let hero =
            json!({"name": hero, "species": "dragon", "appearance": {"skin": "soft green scales"}});
        let hero = self
            .api
            .create_character(&hero)
            .await
            .map_err(TrialError::while_trying("make a character"))?;
        self.ask_about(&hero["id"]).await
    }

    /// Asks for a story about a character that exists.
    pub async fn ask_about(&self, character: &Value) -> Result<Uuid, TrialError> {
        let request = json!({"character_ids": [character], "story_type": "adventure", "themes": ["courage", "friendship"]});
        let story = self
            .api
            .create_story(&request)
            .await
            .map_err(TrialError::while_trying("ask for a story"))?;
        let id = story["id"].as_str().unwrap_or_default();
        Uuid::parse_str(id).map_err(TrialError::while_trying("read the id of a new story"))
    }
}
