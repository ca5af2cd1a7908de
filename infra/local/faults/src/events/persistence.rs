//! A client that does not give up: the same request with the same idempotency key until there is an answer to it.

use crate::prelude::*;
use reqwest::{RequestBuilder, Response};

const TRIES_MAX: usize = 200;

/// Asks for a story about a new dragon until the API has said yes.
pub(crate) async fn ask_until_accepted(
    stack: &TestStack,
    user: &TestUser,
    hero: String,
) -> Result<Uuid> {
    let post = async |path: &str, body: Value| {
        let request = user.request(stack, "POST", path).json(&body);
        // Another try of the same key is under way, or something behind the API is down.
        let passes = |status| status >= 500 || matches!(status, 409 | 429);
        let answer = insist(request, |status| !passes(status)).await?;
        let answer = answer.error_for_status().context("be accepted")?;
        let mut answer: Value = answer.json().await.context("read an answer")?;
        Ok::<_, crate::TrialError>(answer["data"]["id"].take())
    };
    let character = post("/characters", json!({"name": hero, "species": "dragon"})).await?;
    let wish =
        json!({"character_ids": [character], "story_type": "adventure", "themes": ["courage"]});
    let story = post("/stories", wish).await?;
    let story =
        Uuid::parse_str(story.as_str().unwrap_or_default()).context("read the id of a story")?;
    stack.note(story, &hero);
    Ok(story)
}

/// Sends a request until the status of its answer is an answer.
pub(crate) async fn insist(
    request: RequestBuilder,
    is_answer: impl Fn(u16) -> bool,
) -> Result<Response> {
    let mut last = String::new();
    for _ in 0..TRIES_MAX {
        let Some(again) = request.try_clone() else {
            return stuck("a request that streams is sent once");
        };
        match again.send().await {
            Ok(answer) if is_answer(answer.status().as_u16()) => return Ok(answer),
            Ok(answer) => last = answer.status().to_string(),
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stuck(format!("a request was never answered; last: {last}"))
}
