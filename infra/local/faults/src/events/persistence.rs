//! A client that does not give up: the same request with the same idempotency key until it is accepted.

use crate::{Context, Result, TestStack, TestUser, stuck};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const TRIES_MAX: usize = 200;

/// Asks for a story about a new dragon until the API has said yes; a character made twice is no harm.
pub(crate) async fn ask_until_accepted(
    stack: &TestStack,
    user: &TestUser,
    hero: String,
) -> Result<Uuid> {
    let api = stack.variable("API_URL");
    let character = json!({"name": hero, "species": "dragon"});
    let character = insist(user, &format!("{api}/api/v1/characters"), None, &character).await?;
    let key = Uuid::new_v4().to_string();
    let wish = json!({"character_ids": [character["id"]], "story_type": "adventure", "themes": ["courage"]});
    let story = insist(user, &format!("{api}/api/v1/stories"), Some(&key), &wish).await?;
    let story = Uuid::parse_str(story["id"].as_str().unwrap_or_default())
        .context("read the id of a story")?;
    stack.note(story, &hero);
    Ok(story)
}

async fn insist(user: &TestUser, url: &str, key: Option<&str>, body: &Value) -> Result<Value> {
    let http = reqwest::Client::new();
    let mut last = String::new();
    for _ in 0..TRIES_MAX {
        let mut request = http.post(url).bearer_auth(&user.token).json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        match request.send().await {
            Ok(response) => {
                let status = response.status();
                let mut answer: Value = response.json().await.unwrap_or_default();
                if status.is_success() {
                    return Ok(answer["data"].take());
                }
                last = format!("HTTP {status} {}", answer["code"]);
                // Another try of the same key is under way, or something behind the API is down.
                if status.is_client_error() && status.as_u16() != 409 && status.as_u16() != 429 {
                    break;
                }
            }
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stuck(format!("a request was never accepted; last: {last}"))
}
