//! The Phoenix side: heartbeats, joins and leaves, in both serializations.

use serde_json::{Value, json};
use tokio_tungstenite::connect_async;

use crate::phoenix::Phoenix;
use crate::stack::Stack;

#[tokio::test]
async fn both_serializers_join_beat_and_get_changes() {
    let stack = Stack::start().await;
    for (id, version) in [(1, "1.0.0"), (2, "2.0.0")] {
        let mut client = Phoenix::connect(stack.port, &stack.api_keys.publishable, version).await;
        let beat = client.send(None, "phoenix", "heartbeat", json!({})).await;
        assert_eq!(
            client.reply_to(&beat).await,
            json!({"status": "ok", "response": {}})
        );
        let binding = json!([{"event": "*", "schema": "public", "table": "notices"}]);
        client.subscribe("realtime:changes", None, binding).await;
        stack
            .sql(&format!("insert into public.notices values ({id}, 'x')"))
            .await;
        let change = client.expect("postgres_changes").await;
        assert_eq!(
            (change.join_ref, change.reference),
            (Value::Null, Value::Null)
        );
        assert_eq!(change.topic, "realtime:changes");
    }
}

#[tokio::test]
async fn a_join_echoes_its_bindings_in_order_with_ids_before_the_system_message() {
    let stack = Stack::start().await;
    let mut client = stack.connect().await;
    let bindings = json!([
        {"event": "*", "schema": "public", "table": "notices", "filter": "id=eq.5"},
        {"event": "UPDATE", "schema": "public", "table": "stories"},
    ]);
    let join = client
        .send(
            None,
            "realtime:changes",
            "phx_join",
            json!({"config": {"postgres_changes": bindings}}),
        )
        .await;
    let reply = client.expect_that(|_| true).await;
    assert_eq!(
        (reply.event.as_str(), &reply.reference, &reply.join_ref),
        ("phx_reply", &json!(join), &json!(join))
    );
    let mut echoed = reply.payload["response"]["postgres_changes"].clone();
    for entry in echoed.as_array_mut().unwrap() {
        assert!(
            entry
                .as_object_mut()
                .unwrap()
                .remove("id")
                .unwrap()
                .is_u64()
        );
    }
    assert_eq!(echoed, bindings);
    let system = client.expect_that(|_| true).await;
    assert_eq!(
        system.payload,
        json!({"extension": "postgres_changes", "status": "ok", "message": "Subscribed to PostgreSQL", "channel": "changes"})
    );
}

#[tokio::test]
async fn a_join_without_bindings_still_lists_none() {
    let stack = Stack::start().await;
    let mut client = stack.connect().await;
    let join = client
        .send(None, "realtime:room", "phx_join", json!({"config": {}}))
        .await;
    assert_eq!(
        client.reply_to(&join).await["response"],
        json!({"postgres_changes": []})
    );
}

#[tokio::test]
async fn what_cannot_be_joined_is_refused_with_a_reason() {
    let stack = Stack::start().await;
    let mut client = stack.connect().await;
    for (topic, payload, reason) in [
        ("elsewhere", json!({}), "unmatched topic"),
        (
            "realtime:",
            json!({}),
            "TopicNameRequired: You must provide a topic name",
        ),
        (
            "realtime:room",
            json!({"config": {"private": true}}),
            "Unauthorized: You do not have permissions to read from this Channel topic: room",
        ),
        (
            "realtime:room",
            json!({"access_token": "nonsense"}),
            "MalformedJWT: the token is not a JSON Web Token",
        ),
    ] {
        let join = client.send(None, topic, "phx_join", payload).await;
        assert_eq!(
            client.reply_to(&join).await,
            json!({"status": "error", "response": {"reason": reason}})
        );
    }
    let push = client
        .send(Some("1"), "realtime:never", "broadcast", json!({}))
        .await;
    assert_eq!(client.reply_to(&push).await["status"], "error");
}

#[tokio::test]
async fn a_hundred_and_first_channel_is_refused() {
    let stack = Stack::start().await;
    let mut client = stack.connect().await;
    for number in 0..100 {
        client
            .join(&format!("realtime:{number}"), None, json!([]))
            .await;
    }
    let join = client
        .send(None, "realtime:100", "phx_join", json!({}))
        .await;
    assert_eq!(
        client.reply_to(&join).await["response"]["reason"],
        "ChannelRateLimitReached: Too many channels"
    );
}

#[tokio::test]
async fn leaving_is_acknowledged_closed_and_ends_the_changes() {
    let stack = Stack::start().await;
    let binding = json!([{"event": "*", "schema": "public", "table": "notices"}]);
    let mut client = stack.connect().await;
    let left = client
        .subscribe("realtime:left", None, binding.clone())
        .await;
    client.subscribe("realtime:kept", None, binding).await;
    let leave = client
        .send(Some(&left), "realtime:left", "phx_leave", json!({}))
        .await;
    assert_eq!(client.reply_to(&leave).await["status"], "ok");
    let close = client.expect("phx_close").await;
    assert_eq!(
        (close.topic.as_str(), &close.reference),
        ("realtime:left", &json!(left))
    );

    stack
        .sql("insert into public.notices values (1, 'x'), (2, 'y')")
        .await;
    for _ in 0..2 {
        assert_eq!(
            client.expect("postgres_changes").await.topic,
            "realtime:kept"
        );
    }
    let unjoined = client
        .send(None, "realtime:never", "phx_leave", json!({}))
        .await;
    assert_eq!(client.reply_to(&unjoined).await["status"], "ok");
}

#[tokio::test]
async fn joining_again_closes_the_earlier_channel_and_messages_for_it_are_ignored() {
    let stack = Stack::start().await;
    let mut client = stack.connect().await;
    let first = client.join("realtime:room", None, json!([])).await;
    let second = client.join("realtime:room", None, json!([])).await;
    assert_eq!(client.expect("phx_close").await.reference, json!(first));
    client
        .send(Some(&first), "realtime:room", "phx_leave", json!({}))
        .await;
    let track = client
        .send(
            Some(&second),
            "realtime:room",
            "presence",
            json!({"event": "track"}),
        )
        .await;
    let reply = client.reply_to(&track).await;
    assert_eq!(
        reply["response"]["reason"], "the local Realtime serves postgres_changes alone",
        "still joined"
    );
}

#[tokio::test]
async fn a_socket_without_a_good_key_is_refused_at_the_door() {
    let stack = Stack::start().await;
    for key in ["sb_publishable_foreign", "nonsense", ""] {
        let url = format!(
            "ws://127.0.0.1:{}/realtime/v1/websocket?apikey={key}&vsn=2.0.0",
            stack.port
        );
        let Err(tokio_tungstenite::tungstenite::Error::Http(answer)) = connect_async(url).await
        else {
            panic!("{key} was let in");
        };
        assert_eq!(answer.status(), 401, "{key}");
    }
    Phoenix::connect(stack.port, &stack.api_keys.anon_token, "2.0.0").await;
}

#[tokio::test]
async fn a_frame_that_is_no_message_ends_the_connection() {
    let stack = Stack::start().await;
    let mut client = stack.connect().await;
    client.send_text("no message").await;
    assert!(client.is_cut().await);
}

#[tokio::test]
async fn flags_and_messages_of_broadcasts_and_presence_cost_no_change() {
    let stack = Stack::start().await;
    let mut client = stack.connect().await;
    let config = json!({"config": {
        "broadcast": {"ack": true, "self": true}, "presence": {"enabled": true, "key": "ada"},
        "postgres_changes": [{"event": "*", "schema": "public", "table": "notices"}]}});
    let join = client.send(None, "realtime:room", "phx_join", config).await;
    assert_eq!(client.reply_to(&join).await["status"], "ok");
    assert_eq!(client.expect("system").await.payload["status"], "ok");
    // How supabase-js 2.109.0 broadcasts on a 2.0.0 socket.
    client.send_binary(vec![3, 1, 1, 13, 5, 0, 1]).await;
    stack
        .sql("insert into public.notices values (1, 'x')")
        .await;
    assert_eq!(client.change().await["record"]["id"], 1);
}

fn waiting(bindings: &Value) -> Value {
    json!({"config": {"postgres_changes": bindings, "postgres_changes_options": {"wait": true}}})
}

#[tokio::test]
async fn a_join_that_waits_is_answered_when_changes_arrive_and_says_why_they_cannot() {
    let stack = Stack::start().await;
    let mut client = stack.connect().await;
    let notices = json!([{"event": "*", "schema": "public", "table": "notices"}]);
    let join = client
        .send(None, "realtime:changes", "phx_join", waiting(&notices))
        .await;
    assert_eq!(client.reply_to(&join).await["status"], "ok");
    stack
        .sql("insert into public.notices values (7, 'x')")
        .await;
    assert_eq!(client.change().await["record"]["id"], 7);

    let nowhere = json!([{"event": "*", "schema": "public", "table": "no_such_table"}]);
    let join = client
        .send(None, "realtime:nowhere", "phx_join", waiting(&nowhere))
        .await;
    let refused = client.reply_to(&join).await;
    assert_eq!(refused["status"], "error", "{refused}");
    assert!(refused["response"]["reason"].is_string(), "{refused}");
}
