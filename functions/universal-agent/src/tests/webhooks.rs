//! Webhooks as their user manages them; how they are sent is the timeout handler's.

use crate::test_api::{STORY, TestApi, USER, body, code_of, header};
use serde_json::{Value, json};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

fn webhook() -> Value {
    json!({"id": STORY, "url": "https://hooks.example.com/a", "events": ["story.ready"], "enabled": true,
        "disabledBecause": null, "formerSecretUntil": null, "createdAt": "2026-01-01T00:00:00+00:00"})
}

fn with_secret(replayed: bool) -> Value {
    let mut webhook = webhook();
    webhook["secret"] = SECRET.into();
    json!({"webhook": webhook, "replayed": replayed})
}

fn delivery() -> Value {
    json!({"id": USER, "storyId": STORY, "event": "story.ready", "status": "pending", "createdAt": "2026-01-01T00:00:00+00:00",
        "settledAt": null, "nextAttemptAt": "2026-01-01T00:00:05+00:00",
        "attempts": [{"attempt": 1, "at": "2026-01-01T00:00:00+00:00", "status": 500, "durationMs": 7},
            {"attempt": 2, "at": "2026-01-01T00:00:00+00:00", "error": "no answer within 10 s", "durationMs": 10000}]})
}

fn refusal(status: u16, code: &str) -> Value {
    json!({"code": format!("PT{status}"), "message": code, "details": "{\"limit\": 2}", "hint": null})
}

#[tokio::test]
async fn a_webhook_is_made_once_per_key_with_all_events_unless_some_are_named_and_tells_its_secret_once()
 {
    let api = TestApi::new().await;
    for replayed in [false, true] {
        api.database
            .answers("rpc/create_webhook", 200, with_secret(replayed));
        let wish = json!({"url": "https://hooks.example.com/a"});
        let response = api.post_with_key("/webhooks", "once", wish).await;
        assert_eq!(response.status(), 201);
        let told = header(response.headers(), "idempotency-replayed") == "true";
        assert_eq!(told, replayed);
        assert_eq!(body(response).await["data"]["secret"], SECRET);
    }
    let (_, _, asked) = api.database.questions().pop().unwrap();
    let all = json!([
        "story.ready",
        "story.partial",
        "story.failed",
        "story.deleted"
    ]);
    assert_eq!(asked["p_events"], all);
    let wish = json!({"url": "https://hooks.example.com/a", "events": ["story.deleted", "story.ready", "story.ready"]});
    api.post("/webhooks", wish).await;
    let (_, _, asked) = api.database.questions().pop().unwrap();
    assert_eq!(asked["p_events"], json!(["story.ready", "story.deleted"]));

    api.database
        .answers("rpc/list_webhooks", 200, json!([webhook()]));
    let listed = body(api.get("/webhooks").await).await;
    assert_eq!(listed["data"]["webhooks"], json!([webhook()]));
    let limit = refusal(403, "WEBHOOK_LIMIT");
    api.database.answers("rpc/create_webhook", 403, limit);
    let wish = json!({"url": "https://hooks.example.com/a"});
    let refused = body(api.post("/webhooks", wish).await).await;
    assert_eq!(
        (code_of(&refused), &refused["data"]["limit"]),
        ("WEBHOOK_LIMIT", &json!(2))
    );
}

#[tokio::test]
async fn an_address_that_leads_inside_is_refused_before_anything_is_asked() {
    let api = TestApi::new().await;
    for url in [
        "http://hooks.example.com/",
        "https://10.0.0.1/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/",
        "https://metadata.google.internal/",
        "https://localhost/",
        "https://hooks.example.com:8443/",
        "https://user@hooks.example.com/",
        "hooks",
    ] {
        let path = format!("/webhooks/{STORY}");
        let wish = json!({"url": url}).to_string();
        for (method, path) in [("POST", "/webhooks"), ("PATCH", &path)] {
            let response = api.ask(method, path, wish.clone()).await;
            assert_eq!(response.status(), 400, "{url}");
            assert_eq!(body(response).await["data"]["field"], "url");
        }
    }
    let wish = json!({"url": "https://hooks.example.com/a", "events": ["story.read"]});
    let refused = body(api.post("/webhooks", wish).await).await;
    let field = refused["data"]["field"].as_str().unwrap_or_default();
    assert!(field.starts_with("events"), "{refused}");
    assert!(api.database.questions().is_empty());
}

#[tokio::test]
async fn a_webhook_is_changed_rotated_and_taken_away_by_its_user_alone() {
    let api = TestApi::new().await;
    let path = format!("/webhooks/{STORY}");
    api.database.answers("rpc/change_webhook", 200, webhook());
    let off = json!({"enabled": false}).to_string();
    assert_eq!(api.ask("PATCH", &path, off.clone()).await.status(), 200);
    let (_, _, asked) = api.database.questions().pop().unwrap();
    assert_eq!(asked["p_change"], json!({"enabled": false}));
    assert_eq!(api.ask("PATCH", &path, "{}").await.status(), 400);
    api.database
        .answers("rpc/rotate_webhook", 200, with_secret(false));
    let rotated = api.ask("POST", &format!("{path}/rotate"), "").await;
    assert_eq!(body(rotated).await["data"]["secret"], SECRET);
    api.database.answers("rpc/delete_webhook", 200, json!({}));
    assert_eq!(api.ask("DELETE", &path, "").await.status(), 204);

    let missing = || refusal(404, "WEBHOOK_NOT_FOUND");
    for (verb, method, path, sent) in [
        ("change_webhook", "PATCH", path.clone(), &*off),
        ("delete_webhook", "DELETE", path.clone(), ""),
        ("rotate_webhook", "POST", format!("{path}/rotate"), ""),
        (
            "webhook_deliveries",
            "GET",
            format!("{path}/deliveries"),
            "",
        ),
    ] {
        api.database.answers(&format!("rpc/{verb}"), 404, missing());
        let response = api.ask(method, &path, sent.to_owned()).await;
        assert_eq!(response.status(), 404, "{verb}");
        assert_eq!(code_of(&body(response).await), "WEBHOOK_NOT_FOUND");
        let (_, _, asked) = api.database.questions().pop().unwrap();
        assert_eq!(asked["p_user_id"], USER);
    }
}

#[tokio::test]
async fn deliveries_are_listed_page_by_page_and_told_again_at_once() {
    let api = TestApi::new().await;
    let path = format!("/webhooks/{STORY}/deliveries");
    let all = json!([delivery(), delivery()]);
    api.database.answers("rpc/webhook_deliveries", 200, all);
    let listed = body(api.get(&format!("{path}?limit=1")).await).await;
    assert_eq!(listed["data"]["deliveries"], json!([delivery()]));
    assert_eq!(listed["data"]["hasMore"], true);

    api.database
        .answers("rpc/redeliver_webhook", 200, delivery());
    let again = api
        .ask("POST", &format!("{path}/{USER}/redeliver"), "")
        .await;
    assert_eq!(body(again).await["data"], delivery());
    let woken = (
        "timeout-handler".to_owned(),
        json!({"action": "send_notices"}),
    );
    assert_eq!(api.events(), [woken]);
    let response = api
        .ask("POST", &format!("{path}/seven/redeliver"), "")
        .await;
    assert_eq!(body(response).await["data"]["field"], "delivery");
}

#[tokio::test]
async fn that_a_story_is_gone_is_told_at_once_where_somebody_wants_to_know() {
    for told in [false, true] {
        let api = TestApi::new().await;
        let deleted = json!({"told": told, "replayed": false});
        api.database.answers("rpc/delete_story", 200, deleted);
        api.ask("DELETE", &format!("/stories/{STORY}"), "").await;
        let events = api.events();
        let is_woken = events.iter().any(|(name, _)| name == "timeout-handler");
        assert_eq!(is_woken, told);
    }
}
