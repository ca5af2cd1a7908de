//! Events from outside: what is believed, what follows from it, and that it counts once.

use crate::test_api::{PAYMENT_SECRET, TestApi, USER, body, code_of};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use axum::{extract::Request, response::Response};
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};

fn signature(secret: &[u8], signed: &str) -> String {
    let key = Key::new(HMAC_SHA256, secret);
    BASE64_STANDARD.encode(sign(&key, signed.as_bytes()))
}

async fn pay(api: &TestApi, id: &str, sent_at: i64, event: &str) -> Response {
    let secret = PAYMENT_SECRET.trim_start_matches("whsec_");
    let secret = BASE64_STANDARD.decode(secret).unwrap();
    let signature = signature(&secret, &format!("{id}.{sent_at}.{event}"));
    let request = Request::post("/api/v1/webhooks/incoming/payments")
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", sent_at)
        .header("webhook-signature", format!("v1,{signature}"));
    api.send(request.body(event.to_owned().into()).unwrap())
        .await
}

fn now() -> i64 {
    Timestamp::now().as_second()
}

#[tokio::test]
async fn what_was_paid_is_given_once_per_event() {
    let api = TestApi::new().await;
    let event =
        json!({"type": "purchase.completed", "data": {"user_id": USER, "pack": "story_pack_5"}});
    for replayed in [false, true] {
        let given =
            json!({"userId": USER, "tier": "free", "extraStories": 5, "replayed": replayed});
        api.database.answers("rpc/apply_purchase", 200, given);
        let response = pay(&api, "msg_1", now(), &event.to_string()).await;
        assert_eq!(response.status(), 200);
        let told = json!({"handled": true, "replayed": replayed});
        assert_eq!(body(response).await["data"], told);
    }
    let asked = api.database.questions();
    let wanted = json!({"p_key": "payments:msg_1", "p_user_id": USER, "p_purchase": {"pack": "story_pack_5"}});
    assert!(
        asked.iter().all(|(_, _, arguments)| *arguments == wanted),
        "{asked:?}"
    );
}

#[tokio::test]
async fn what_is_not_signed_or_too_old_is_refused_in_the_documented_words_and_changes_nothing() {
    let api = TestApi::new().await;
    let event = json!({"type": "purchase.completed", "data": {"user_id": USER, "tier": "premium"}})
        .to_string();
    let late = pay(&api, "msg_1", now() - 301, &event).await;
    let unsigned = |sender: &str| {
        let request = Request::post(format!("/api/v1/webhooks/incoming/{sender}"));
        request.body(event.clone().into()).unwrap()
    };
    for response in [
        late,
        api.send(unsigned("payments")).await,
        api.send(unsigned("shopify")).await,
    ] {
        assert_eq!(response.status(), 401);
        let body = body(response).await;
        assert_eq!(code_of(&body), "INVALID_WEBHOOK_SIGNATURE");
        assert_eq!(body["error"], "Invalid webhook signature");
    }
    assert_eq!(api.send(unsigned("stripe")).await.status(), 404);
    assert!(api.database.questions().is_empty());
}

#[tokio::test]
async fn other_events_are_taken_and_nothing_follows_and_bad_ones_are_named() {
    let api = TestApi::new().await;
    let order = r#"{"id": 1}"#;
    let request = Request::post("/api/v1/webhooks/incoming/shopify")
        .header("x-shopify-hmac-sha256", signature(b"hush", order));
    let response = api.send(request.body(order.into()).unwrap()).await;
    let nothing = json!({"handled": false, "replayed": false});
    assert_eq!(body(response).await["data"], nothing);
    let refund = pay(&api, "msg_2", now(), r#"{"type": "refund.completed"}"#).await;
    assert_eq!(body(refund).await["data"], nothing);
    assert!(api.database.questions().is_empty());

    for (event, code) in [
        ("{", "INVALID_JSON"),
        (r#"{"type": "purchase.completed"}"#, "VALIDATION_FAILED"),
        (
            r#"{"type": "purchase.completed", "data": {"user_id": "x", "pack": "a"}}"#,
            "VALIDATION_FAILED",
        ),
    ] {
        let response = pay(&api, "msg_3", now(), event).await;
        assert_eq!(response.status(), 400, "{event}");
        assert_eq!(code_of(&body(response).await), code, "{event}");
    }
    let unknown =
        json!({"code": "PT400", "message": "UNKNOWN_PURCHASE", "details": "{}", "hint": null});
    api.database.answers("rpc/apply_purchase", 400, unknown);
    let event =
        json!({"type": "purchase.completed", "data": {"user_id": USER, "pack": "story_pack_9"}});
    let refused = body(pay(&api, "msg_4", now(), &event.to_string()).await).await;
    assert_eq!(
        (code_of(&refused), &refused["data"]["field"]),
        ("VALIDATION_FAILED", &Value::from("data"))
    );
}
