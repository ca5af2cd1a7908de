//! The status of a story while the database does not answer.

use crate::test_api::{STORY, TestApi, body, story_row};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, pause};

fn path() -> String {
    format!("/stories/{STORY}/assets/status")
}

async fn status(api: &TestApi, path: &str) -> Value {
    let response = api.get(path).await;
    assert_eq!(response.status(), 200);
    body(response).await["data"].take()
}

fn assets() -> Value {
    json!({"content": {"status": "ready", "progress": 100}, "cover": {"status": "generating", "progress": 40}})
}

#[tokio::test]
async fn what_was_known_last_is_told_within_five_seconds_and_marked() {
    let api = TestApi::new().await;
    let row = story_row("generating", assets());
    api.database.answers("stories", 200, json!([row]));
    let mut last = status(&api, &path()).await;
    assert_eq!(last.get("degraded"), None);

    api.database.falls_silent();
    pause();
    let since = Instant::now();
    let told = status(&api, &path()).await;
    assert!(since.elapsed() <= Duration::from_millis(5_010));
    last["degraded"] = true.into();
    assert_eq!(told, last);
    let asked = api.database.questions();
    let tries = asked
        .iter()
        .filter(|(_, path, _)| path.starts_with("stories"));
    assert_eq!(
        tries.count(),
        1 + 3,
        "one that was answered, three that were not"
    );
}

#[tokio::test]
async fn a_story_that_nothing_is_known_of_is_told_to_be_in_the_making() {
    let api = TestApi::without_database().await;
    let path = format!("{}?detailed=true", path());
    let told = status(&api, &path).await;
    assert_eq!(
        told,
        json!({"overall": "generating", "assets": {}, "progress": 0, "version": 0, "degraded": true, "jobs": []})
    );
}

#[tokio::test]
async fn an_error_of_the_database_is_no_error_of_the_status() {
    let api = TestApi::new().await;
    let broken =
        json!({"code": "42501", "message": "permission denied", "details": null, "hint": null});
    api.database.answers("stories", 403, broken);
    assert_eq!(status(&api, &path()).await["degraded"], true);
    // What is known to be gone is not told again.
    api.database.answers("stories", 200, json!([]));
    assert_eq!(api.get(&path()).await.status(), 404);
}

#[tokio::test]
async fn a_degraded_status_is_told_to_whoever_holds_the_same_state() {
    let api = TestApi::new().await;
    let row = story_row("generating", assets());
    api.database.answers("stories", 200, json!([row]));
    let first = api.get(&path()).await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(api.get_unless(&path(), &tag).await.status(), 304);
    let broken = json!({"code": "XX000", "message": "broken", "details": null, "hint": null});
    api.database.answers("stories", 500, broken);
    assert_eq!(api.get_unless(&path(), &tag).await.status(), 200);
}
