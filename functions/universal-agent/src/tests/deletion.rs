//! Taking a story away, and oneself.

use crate::test_api::{STORY, TestApi, USER, body, header};
use axum::{body::Body, http::Request};
use serde_json::json;

fn delete_event() -> (String, serde_json::Value) {
    (
        "content-agent".to_owned(),
        json!({"action": "delete_files"}),
    )
}

fn refusal(status: u16, code: &str) -> serde_json::Value {
    json!({"code": format!("PT{status}"), "message": code, "details": "{}", "hint": null})
}

#[tokio::test]
async fn a_story_is_deleted_with_204_and_its_files_are_seen_to() {
    let api = TestApi::new().await;
    api.database
        .answers("rpc/delete_story", 200, json!({"replayed": false}));
    let response = api.ask("DELETE", &format!("/stories/{STORY}"), "").await;
    assert_eq!(response.status(), 204);
    let (_, asked, arguments) = api.database.questions().pop().unwrap();
    assert_eq!(asked, "rpc/delete_story");
    assert_eq!(arguments["p_story_id"], STORY);
    assert_eq!(arguments["p_user_id"], USER);
    assert_eq!(api.events(), [delete_event()]);
}

#[tokio::test]
async fn a_deletion_that_comes_again_under_its_key_says_so_and_another_finds_nothing() {
    let api = TestApi::new().await;
    let mut digests = Vec::new();
    for story in [STORY, STORY, USER] {
        api.database
            .answers("rpc/delete_story", 200, json!({"replayed": true}));
        let request = Request::delete(format!("/api/v1/stories/{story}"))
            .header("authorization", format!("Bearer {}", api.token()))
            .header("idempotency-key", "once");
        let response = api.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 204);
        assert_eq!(header(response.headers(), "idempotency-replayed"), "true");
        let (_, _, arguments) = api.database.questions().pop().unwrap();
        assert_eq!(arguments["p_idempotency_key"], "once");
        digests.push(arguments["p_request_hash"].to_string());
    }
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0], digests[2], "another story is another request");

    let gone = refusal(404, "STORY_NOT_FOUND");
    api.database.answers("rpc/delete_story", 404, gone);
    let response = api.ask("DELETE", &format!("/stories/{STORY}"), "").await;
    assert_eq!(response.status(), 404);
    assert_eq!(body(response).await["code"], "STORY_NOT_FOUND");
}

#[tokio::test]
async fn a_user_is_deleted_step_by_step_until_nothing_is_left() {
    let api = TestApi::new().await;
    api.database
        .answers("rpc/delete_user", 200, json!({"done": true}));
    let response = api.ask("DELETE", "/users/me", "").await;
    assert_eq!(response.status(), 204);
    let (_, asked, arguments) = api.database.questions().pop().unwrap();
    assert_eq!(
        (asked.as_str(), &arguments["p_user_id"]),
        ("rpc/delete_user", &json!(USER))
    );
    assert_eq!(api.events(), [delete_event()]);
}

#[tokio::test]
async fn the_token_of_a_deleted_user_is_refused() {
    let api = TestApi::new().await;
    let deleted = refusal(401, "TOKEN_INVALID");
    api.database.answers("rpc/user_usage", 401, deleted);
    let response = api.get("/users/me/usage").await;
    assert_eq!(response.status(), 401);
    assert_eq!(body(response).await["code"], "TOKEN_INVALID");
}
