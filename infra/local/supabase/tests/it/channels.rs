//! The Phoenix side: heartbeats, joins, leaves, broadcasts, presence, in both serializations.

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
        reply["response"]["reason"], "PresenceDisabled: enable presence when joining",
        "still joined"
    );
}

#[tokio::test]
async fn a_text_broadcast_reaches_both_kinds_of_socket_and_its_sender_only_on_request() {
    let stack = Stack::start().await;
    let mut old = Phoenix::connect(stack.port, &stack.api_keys.publishable, "1.0.0").await;
    let mut new = stack.connect().await;
    let config = json!({"config": {"broadcast": {"ack": true, "self": false}}});
    let old_join = old
        .send(None, "realtime:room", "phx_join", config.clone())
        .await;
    old.reply_to(&old_join).await;
    let new_join = new.send(None, "realtime:room", "phx_join", config).await;
    new.reply_to(&new_join).await;

    let message = json!({"type": "broadcast", "event": "hello", "payload": {"a": 1}});
    let sent = old
        .send(
            Some(&old_join),
            "realtime:room",
            "broadcast",
            message.clone(),
        )
        .await;
    assert_eq!(old.reply_to(&sent).await["status"], "ok");
    let heard = new.expect("broadcast").await.payload;
    assert_eq!(
        (&heard["event"], &heard["payload"]),
        (&json!("hello"), &json!({"a": 1}))
    );
    assert!(old.so_far("broadcast").await.is_empty());

    // As supabase-js 2.109.0 sends it on a 2.0.0 socket.
    let mut frame = vec![3, new_join.len() as u8, 2, 13, 5, 0, 1];
    frame.extend_from_slice(new_join.as_bytes());
    frame.extend_from_slice(br#"77realtime:roomhello{"a":2}"#);
    new.send_binary(frame).await;
    assert_eq!(new.reply_to("77").await["status"], "ok");
    assert_eq!(
        old.expect("broadcast").await.payload,
        json!({"type": "broadcast", "event": "hello", "payload": {"a": 2}})
    );
}

#[tokio::test]
async fn broadcasts_over_http_reach_the_topic() {
    let stack = Stack::start().await;
    let mut client = stack.connect().await;
    client.join("realtime:room", None, json!([])).await;
    let http = reqwest::Client::new();
    let single = stack.url("/realtime/v1/api/broadcast/room/events/tick?vsn=2.0.0");
    let key = &stack.api_keys.publishable;
    let answer = http
        .post(single)
        .header("apikey", key)
        .json(&json!({"n": 1}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 202);
    assert_eq!(
        client.expect("broadcast").await.payload["payload"],
        json!({"n": 1})
    );

    let batch = json!({"messages": [{"topic": "room", "event": "tock", "payload": {"n": 2}, "private": false}]});
    let url = stack.url("/realtime/v1/api/broadcast");
    assert_eq!(
        http.post(&url)
            .header("apikey", key)
            .json(&batch)
            .send()
            .await
            .unwrap()
            .status(),
        202
    );
    assert_eq!(client.expect("broadcast").await.payload["event"], "tock");
    assert_eq!(
        http.post(&url).json(&batch).send().await.unwrap().status(),
        401
    );
    assert_eq!(
        http.post(&url)
            .header("apikey", key)
            .body("{}")
            .send()
            .await
            .unwrap()
            .status(),
        422
    );
}

#[tokio::test]
async fn presence_is_told_on_joining_tracking_and_leaving() {
    let stack = Stack::start().await;
    let config = |key: &str| json!({"config": {"presence": {"enabled": true, "key": key}}});
    let (mut ada, mut bob) = (stack.connect().await, stack.connect().await);
    let ada_join = ada
        .send(None, "realtime:room", "phx_join", config("ada"))
        .await;
    assert_eq!(ada.expect("presence_state").await.payload, json!({}));
    let track = json!({"type": "presence", "event": "track", "payload": {"page": 3}});
    let tracked = ada
        .send(Some(&ada_join), "realtime:room", "presence", track)
        .await;
    assert_eq!(ada.reply_to(&tracked).await["status"], "ok");
    assert_eq!(
        ada.expect("presence_diff").await.payload["joins"]["ada"]["metas"][0]["page"],
        3
    );

    bob.send(None, "realtime:room", "phx_join", config("bob"))
        .await;
    assert_eq!(
        bob.expect("presence_state").await.payload["ada"]["metas"][0]["page"],
        3
    );
    drop(ada);
    assert_eq!(
        bob.expect("presence_diff").await.payload["leaves"]["ada"]["metas"][0]["page"],
        3
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
    client.send_binary(vec![9, 9, 9]).await;
    assert!(client.is_cut().await);
}
