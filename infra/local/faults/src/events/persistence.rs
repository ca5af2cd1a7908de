//! A client that does not give up: the same request with the same idempotency key until it is accepted.

use crate::{Reader, TrialError};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const TRIES_MAX: usize = 200;

/// Asks for a story about a new dragon until the API has said yes; a character made twice is no harm.
pub(crate) async fn ask_until_accepted(
    reader: &Reader,
    api: &str,
    hero: &str,
) -> Result<Uuid, TrialError> {
    let hero = json!({"name": hero, "species": "dragon"});
    let character = insist(reader, &format!("{api}/api/v1/characters"), None, &hero).await?;
    let key = Uuid::new_v4().to_string();
    let wish = json!({"character_ids": [character["id"]], "story_type": "adventure", "themes": ["courage"]});
    let story = insist(reader, &format!("{api}/api/v1/stories"), Some(&key), &wish).await?;
    Uuid::parse_str(story["id"].as_str().unwrap_or_default())
        .map_err(TrialError::while_trying("read the id of a story"))
}

async fn insist(
    reader: &Reader,
    url: &str,
    key: Option<&str>,
    body: &Value,
) -> Result<Value, TrialError> {
    let http = reqwest::Client::new();
    let mut last = String::new();
    for _ in 0..TRIES_MAX {
        let mut request = http.post(url).bearer_auth(&reader.token).json(body);
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
    Err(TrialError::Stuck(format!(
        "a request was never accepted; last: {last}"
    )))
}
