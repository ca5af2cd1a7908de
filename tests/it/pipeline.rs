//! From a request to a book, over the real protocols: the four real functions, nothing mocked.

mod book;
mod calls;
mod deletion;
mod deployed;
mod failures;
mod files;
mod front_end;
mod growing;
mod interruptions;
mod invocations;
mod libraries;
mod logs;
mod models;
mod motion;
mod names;
mod narration;
mod notices;
mod picture_providers;
mod plans;
mod previews;
mod provider_errors;
mod recovery;
mod references;
mod replay;
mod requests;
mod scripts;
mod sheets;
mod shop;
mod support;
mod uploads;
mod versions;
mod voices;
mod webhooks;
mod wire;

/// What holds answers to `openapi.json`, shared with the API's own tests.
#[path = "../../functions/universal-agent/src/test_api/contract.rs"]
mod contract;

use crate::stack::Shared;
use operate::api::Api;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use std::time::Duration;

/// A signed-in user of a stack.
pub(crate) struct User {
    pub(crate) api: Api,
    pub(crate) id: uuid::Uuid,
    pub(crate) token: String,
}

/// The demo user, who has no limits.
pub(crate) fn demo(shared: &Shared) -> User {
    let id = shared.stack().variable("DEMO_USER_ID");
    user_with(
        shared,
        id.parse().expect("an id"),
        shared.stack().variable("DEMO_USER_TOKEN").to_owned(),
    )
}

/// Somebody new, on the free plan.
pub(crate) async fn newcomer(shared: &Shared) -> User {
    let id = uuid::Uuid::new_v4();
    let email = format!("{id}@example.com");
    sqlx::query("insert into auth.users (id, email) values ($1, $2)")
        .bind(id)
        .bind(&email)
        .execute(shared.stack().pool())
        .await
        .expect("a new user");
    let user = supabase::auth::User::with_email(id, email);
    user_with(
        shared,
        id,
        shared
            .stack()
            .keys()
            .access_token(&user, Duration::from_secs(3600)),
    )
}

fn user_with(shared: &Shared, id: uuid::Uuid, token: String) -> User {
    User {
        id,
        api: Api::new(shared.stack().variable("API_URL"), &token),
        token,
    }
}

impl User {
    /// Asks for a story about a new dragon and answers its id.
    pub(crate) async fn ask_for_story(&self) -> String {
        self.ask_for_story_about("Ember").await
    }

    pub(crate) async fn ask_for_story_about(&self, name: &str) -> String {
        let hero =
            json!({"name": name, "species": "dragon", "appearance": {"skin": "soft green scales"}});
        let hero = self.api.create_character(&hero).await.expect("a character");
        let request = json!({"character_ids": [hero["id"]], "story_type": "adventure", "themes": ["courage", "friendship"]});
        let story = self.api.create_story(&request).await.expect("a story");
        story["id"].as_str().expect("an id").to_owned()
    }

    /// The status of the answer to `DELETE` of this path; held to `openapi.json`.
    pub(crate) async fn delete(&self, shared: &Shared, path: &str) -> u16 {
        self.delete_with_key(shared, path, &uuid::Uuid::new_v4().to_string())
            .await
    }

    /// The same under an idempotency key.
    pub(crate) async fn delete_with_key(&self, shared: &Shared, path: &str, key: &str) -> u16 {
        let path = format!("/api/v1{path}");
        let url = format!("{}{path}", shared.stack().variable("API_URL"));
        let request = reqwest::Client::new()
            .delete(url)
            .bearer_auth(&self.token)
            .header("Idempotency-Key", key);
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.bytes().await.expect("all of it");
        let deviations = contract::find_deviations(&contract::Answered {
            method: "DELETE",
            path: &path,
            status,
            headers: as_texts(&headers),
            body: serde_json::from_slice(&body).ok(),
        });
        assert!(deviations.is_empty(), "{deviations:#?}");
        status
    }

    /// The story once it is settled.
    pub(crate) async fn settled(&self, id: &str) -> Value {
        self.until(id, |status| status["overall"] != "generating")
            .await
    }

    /// The story as soon as its status is as wanted; the database is asked again and again, with short pauses.
    pub(crate) async fn until(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let story = self.api.story(id).await.expect("the story");
            if wanted(&story["asset_generation_status"]) {
                assert_story_documented(&story);
                return story;
            }
            // Slower than a free user's requests of a minute.
            tokio::time::sleep(Duration::from_millis(120)).await;
        }
    }
}

/// Fails when an answer of the API is not as `openapi.json` describes it.
pub(crate) fn assert_documented(
    method: &str,
    path: &str,
    status: u16,
    headers: &HeaderMap,
    body: &Value,
) {
    let answered = contract::Answered {
        method,
        path,
        status,
        headers: as_texts(headers),
        body: Some(body.clone()),
    };
    let deviations = contract::find_deviations(&answered);
    assert!(deviations.is_empty(), "{deviations:#?} in {answered:#?}");
}

fn as_texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

/// As [`assert_documented`], of a story that was shown; its client keeps the `data` alone.
fn assert_story_documented(story: &Value) {
    let headers = [
        ("x-request-id", "none"),
        ("content-type", "application/json"),
    ];
    let headers = headers.map(|(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    });
    let id = story["id"].as_str().expect("an id");
    assert_documented(
        "GET",
        &format!("/api/v1/stories/{id}"),
        200,
        &HeaderMap::from_iter(headers),
        &json!({"success": true, "data": story}),
    );
}

/// The state of one asset.
pub(crate) fn asset<'a>(story: &'a Value, name: &str) -> &'a Value {
    &story["asset_generation_status"]["assets"][name]
}

/// Number of paid calls of the stand-ins whose request named this character.
pub(crate) fn paid_calls(shared: &Shared) -> usize {
    shared
        .stack()
        .stand_ins()
        .calls()
        .iter()
        .filter(|call| call.paid)
        .count()
}
