//! Answers that their asker may hold already.

use crate::test_api::{STORY, TestApi, body, header, story_row};
use axum::body::to_bytes;
use serde_json::json;

#[tokio::test]
async fn an_answer_that_is_held_already_is_304_and_another_one_is_not() {
    let api = TestApi::new().await;
    let plans = json!({"plans": [], "packs": []});
    api.database.answers("rpc/list_plans", 200, plans);
    let story = format!("/stories/{STORY}");
    let status = format!("{story}/assets/status");
    for (path, caching, vary) in [
        (&*story, "private, no-cache", "authorization"),
        (&*status, "no-store", "authorization"),
        ("/audio/voices", "private, max-age=60", "authorization"),
        ("/plans", "public, max-age=300", ""),
    ] {
        let row = story_row("generating", json!({}));
        api.database.answers("stories", 200, json!([row]));
        let first = api.get(path).await;
        let tag = header(first.headers(), "etag").to_owned();
        assert_eq!(tag.len(), 34, "{path}");
        assert_eq!(header(first.headers(), "cache-control"), caching, "{path}");
        assert_eq!(header(first.headers(), "vary"), vary, "{path}");

        let again = api.get_unless(path, &format!("\"older\", W/{tag}")).await;
        assert_eq!(again.status(), 304, "{path}");
        assert_eq!(header(again.headers(), "etag"), tag);
        assert_eq!(header(again.headers(), "cache-control"), caching);
        let rest = to_bytes(again.into_body(), usize::MAX).await.unwrap();
        assert!(rest.is_empty(), "{path}");

        let other = api.get_unless(path, "\"older\"").await;
        assert_eq!(other.status(), 200, "{path}");
        assert_eq!(body(other).await, body(first).await, "{path}");
    }
}

#[tokio::test]
async fn a_story_that_changed_has_another_tag() {
    let api = TestApi::new().await;
    let path = format!("/stories/{STORY}");
    let mut row = story_row("generating", json!({}));
    api.database.answers("stories", 200, json!([row]));
    let tag = api.get(&path).await.headers()["etag"].clone();
    row["version"] = json!(4);
    api.database.answers("stories", 200, json!([row]));
    let changed = api.get_unless(&path, tag.to_str().unwrap()).await;
    assert_eq!(changed.status(), 200);
    assert_ne!(changed.headers()["etag"], tag);
}
