//! What operators ask of the database: one verb each, told in lines for people.

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::error::Error;

type Fault = Box<dyn Error + Send + Sync>;

/// The database of a stack, as the functions reach it.
#[derive(Clone, Debug)]
pub struct Database {
    /// `SUPABASE_URL`.
    pub url: String,
    /// `SUPABASE_SERVICE_ROLE_KEY`.
    pub key: String,
}

impl Database {
    /// What a verb answers.
    ///
    /// # Errors
    /// What it refused, in its own words; or that nobody answered.
    pub async fn call(&self, verb: &str, arguments: Value) -> Result<Value, Fault> {
        let Self { url, key } = self;
        let request = reqwest::Client::new().post(format!("{url}/rest/v1/rpc/{verb}"));
        let answer = as_service(request, key).json(&arguments).send().await?;
        let is_done = answer.status().is_success();
        let answer: Value = answer.json().await?;
        match is_done {
            true => Ok(answer),
            false => Err(answer["message"].as_str().unwrap_or("no answer").into()),
        }
    }

    /// What stands before a story, a line for each asset that is not there.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn why(&self, story: &str) -> Result<String, Fault> {
        let why = self.call("story_why", json!({"p_story_id": story})).await?;
        let mut told = format!("Story {story}: {}\n", text(&why["overall"]));
        for asset in why["assets"].as_array().into_iter().flatten() {
            let (name, reason) = (text(&asset["assetType"]), text(&asset["reason"]));
            told.push_str(&format!("  {name}: {reason}"));
            for (name, words) in [
                ("waitsFor", "waits for"),
                ("waitedOnBy", "holds up"),
                ("nextAttemptAt", "next attempt"),
                ("retriesLeft", "retries left"),
            ] {
                if !asset[name].is_null() {
                    told.push_str(&format!("; {words} {}", text(&asset[name])));
                }
            }
            if let Some(code) = asset["lastError"]["code"].as_str() {
                let message = text(&asset["lastError"]["message"]);
                told.push_str(&format!("; last error {code}: {message}"));
            }
            told.push('\n');
        }
        Ok(told)
    }

    /// Turns the emergency switch, and says what is still being made.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn switch(&self, state: &str, reason: Option<&str>) -> Result<String, Fault> {
        let mut arguments = json!({"p_state": state});
        if let Some(reason) = reason {
            arguments["p_reason"] = reason.into();
        }
        let now = self.call("set_platform_state", arguments).await?;
        let [was, state, working, waiting] =
            ["was", "state", "working", "waiting"].map(|name| text(&now[name]));
        Ok(format!(
            "{was} -> {state}: {working} jobs are being made and will be finished, {waiting} wait."
        ))
    }
}

/// With the key that passes row-level security: an opaque one belongs in `apikey` alone, a legacy one is a token as well.
pub(crate) fn as_service(request: RequestBuilder, key: &str) -> RequestBuilder {
    let request = request.header("apikey", key);
    match key.starts_with("sb_") {
        true => request,
        false => request.bearer_auth(key),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
