//! Tokens of channels: the anonymous default, refresh, and expiry.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use crate::stack::Stack;

fn bindings() -> serde_json::Value {
    json!([{"event": "*", "schema": "public", "table": "stories"}])
}

#[tokio::test]
async fn a_channel_joined_with_the_key_alone_is_anonymous_until_a_token_is_pushed() {
    let stack = Stack::start().await;
    let ada = Uuid::new_v4();
    let mut client = stack.connect().await;
    let join = client
        .subscribe(
            "realtime:changes",
            Some(&stack.api_keys.publishable),
            bindings(),
        )
        .await;
    let unseen = stack.story(ada).await;

    let token = stack.token_of(ada);
    client
        .send(
            Some(&join),
            "realtime:changes",
            "access_token",
            json!({"access_token": token}),
        )
        .await;
    assert_eq!(
        client.expect("system").await.payload["status"],
        "ok",
        "announced again after the refresh"
    );
    let seen = stack.story(ada).await;
    let record_id = client.change().await["record"]["id"].clone();
    assert_ne!(record_id, json!(unseen));
    assert_eq!(record_id, json!(seen));
}

#[tokio::test]
async fn a_refreshed_token_keeps_changes_flowing_past_the_first_ones_end() {
    let stack = Stack::start().await;
    let ada = Uuid::new_v4();
    let mut client = stack.connect().await;
    let short = stack.token_for(ada, Duration::from_secs(3));
    let join = client
        .subscribe("realtime:refreshed", Some(&short), bindings())
        .await;
    client
        .subscribe("realtime:forgotten", Some(&short), bindings())
        .await;
    let token = stack.token_of(ada);
    client
        .send(
            Some(&join),
            "realtime:refreshed",
            "access_token",
            json!({"access_token": token}),
        )
        .await;
    client.expect("system").await;

    let expired = client.expect("system").await;
    assert_eq!(expired.topic, "realtime:forgotten");
    assert_eq!(
        (&expired.payload["extension"], &expired.payload["status"]),
        (&json!("system"), &json!("error"))
    );
    assert!(
        expired.payload["message"]
            .as_str()
            .unwrap()
            .starts_with("Token has expired "),
        "{expired:?}"
    );
    assert_eq!(client.expect("phx_close").await.topic, "realtime:forgotten");

    let story = stack.story(ada).await;
    let change = client.expect("postgres_changes").await;
    assert_eq!(
        (
            change.topic.as_str(),
            &change.payload["data"]["record"]["id"]
        ),
        ("realtime:refreshed", &json!(story))
    );
}

#[tokio::test]
async fn a_token_of_another_user_changes_what_is_seen() {
    let stack = Stack::start().await;
    let (ada, bob) = (Uuid::new_v4(), Uuid::new_v4());
    let mut client = stack.connect().await;
    let join = client
        .subscribe("realtime:changes", Some(&stack.token_of(ada)), bindings())
        .await;
    let token = stack.token_of(bob);
    client
        .send(
            Some(&join),
            "realtime:changes",
            "access_token",
            json!({"access_token": token}),
        )
        .await;
    client.expect("system").await;
    stack.story(ada).await;
    let of_bob = stack.story(bob).await;
    assert_eq!(client.change().await["record"]["id"], json!(of_bob));
}

#[tokio::test]
async fn the_publishable_key_pushed_after_signing_out_is_ignored() {
    let stack = Stack::start().await;
    let ada = Uuid::new_v4();
    let mut client = stack.connect().await;
    let join = client
        .subscribe("realtime:changes", Some(&stack.token_of(ada)), bindings())
        .await;
    let key = json!({"access_token": stack.api_keys.publishable});
    client
        .send(Some(&join), "realtime:changes", "access_token", key)
        .await;
    assert!(client.so_far("system").await.is_empty());
    let story = stack.story(ada).await;
    assert_eq!(client.change().await["record"]["id"], json!(story));
}

#[tokio::test]
async fn a_bad_token_is_refused_at_joining_and_closes_a_joined_channel() {
    let stack = Stack::start().await;
    let mut client = stack.connect().await;
    let expired = stack.token_for(Uuid::new_v4(), Duration::ZERO);
    let refused = client
        .send(
            None,
            "realtime:changes",
            "phx_join",
            json!({"access_token": expired}),
        )
        .await;
    let reason = client.reply_to(&refused).await["response"]["reason"].clone();
    assert!(
        reason
            .as_str()
            .unwrap()
            .starts_with("InvalidJWTToken: Token has expired"),
        "{reason}"
    );

    let join = client.join("realtime:changes", None, json!([])).await;
    client
        .send(
            Some(&join),
            "realtime:changes",
            "access_token",
            json!({"access_token": "x.y.z"}),
        )
        .await;
    assert_eq!(client.expect("system").await.payload["status"], "error");
    client.expect("phx_close").await;
}
