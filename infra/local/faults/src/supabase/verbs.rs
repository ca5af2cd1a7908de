//! The verbs as the functions call them, over PostgREST, and stories arranged by SQL for them to work on.

use crate::prelude::*;
use store::LeasedJob;

impl TestStack {
    /// Calls a verb once, without retries: the HTTP status and the answer.
    pub(crate) async fn call_once(
        &self,
        verb: &str,
        arguments: &Value,
    ) -> Result<(u16, Value), reqwest::Error> {
        let url = format!("{}/rest/v1/rpc/{verb}", self.variable("SUPABASE_URL"));
        let key = self.variable("SUPABASE_SERVICE_ROLE_KEY");
        let request = self.http.post(url).header("apikey", key).bearer_auth(key);
        let response = request.json(arguments).send().await?;
        let status = response.status().as_u16();
        Ok((status, response.json().await?))
    }

    /// Somebody's hero.
    pub(crate) async fn hero_of(&self, user: Uuid) -> Result<Uuid> {
        self.query("a hero").bind(user).value().await
    }

    /// Accepts this many stories of the user without limits; no function is told of them.
    pub(crate) async fn accept_stories(&self, count: usize) -> Result<Vec<Uuid>> {
        let hero = self.hero_of(self.user.id).await?;
        let create = self.query("create").bind(self.user.id).bind(hero);
        let create = create.bind(EVERYTHING.as_slice()).bind(count as i32);
        let stories: Vec<Uuid> = create.column().await?;
        stories.iter().for_each(|story| self.note(*story, "Ember"));
        Ok(stories)
    }

    /// Leases every queued job of these stories to the trial for an hour, whatever they wait for.
    pub(crate) async fn lease_all(&self, stories: &[Uuid]) -> Result<Vec<LeasedJob>> {
        let jobs: Value = self.query("lease").bind(stories).value().await?;
        serde_json::from_value(jobs).context("read the jobs of the trial")
    }
}
