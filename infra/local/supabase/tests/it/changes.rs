//! What a change looks like, and which changes a binding gets.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::stack::Stack;

#[tokio::test]
async fn values_are_proper_json_with_their_types_named() {
    let stack = Stack::start().await;
    let ada = Uuid::new_v4();
    let everything = json!([{"event": "INSERT", "schema": "public", "table": "stories"}]);
    let mut client = stack
        .subscribed(Some(&stack.token_of(ada)), everything)
        .await;
    stack
        .sql(&format!(
            "insert into public.stories (owner_id, title, status, pages, rating, ready, tags, mood)
             values ('{ada}', 'Ünïcode \"quoted\"', '{{\"overall\": \"ready\", \"n\": [1, 2]}}', 12, 4.5, true,
                     '{{a,\"b c\"}}', 'wild')"
        ))
        .await;

    let change = client.change().await;
    assert_eq!(
        (&change["schema"], &change["table"], &change["type"]),
        (&json!("public"), &json!("stories"), &json!("INSERT"))
    );
    assert_eq!(change["errors"], Value::Null);
    assert!(change.get("old_record").is_none());
    let record = &change["record"];
    assert_eq!(record["title"], "Ünïcode \"quoted\"");
    assert_eq!(record["status"], json!({"overall": "ready", "n": [1, 2]}));
    assert_eq!(record["pages"], 12);
    assert_eq!(record["rating"], 4.5);
    assert_eq!(record["ready"], true);
    assert_eq!(record["tags"], json!(["a", "b c"]));
    assert_eq!(record["mood"], "wild");
    assert_eq!(record["body"], Value::Null);
    assert_eq!(record["created_at"], "2026-11-21T03:00:00.5+00:00");
    let types: Vec<(&str, &str)> = change["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| {
            (
                column["name"].as_str().unwrap(),
                column["type"].as_str().unwrap(),
            )
        })
        .collect();
    for expected in [
        ("id", "uuid"),
        ("status", "jsonb"),
        ("tags", "_text"),
        ("ready", "bool"),
        ("mood", "mood"),
    ] {
        assert!(types.contains(&expected), "{expected:?} in {types:?}");
    }
    let committed = change["commit_timestamp"].as_str().unwrap();
    let parsed: jiff::Timestamp = committed.parse().unwrap();
    assert!(
        committed.ends_with('Z') && committed.len() == "2026-11-21T03:00:00.123Z".len(),
        "{committed}"
    );
    assert!(
        parsed.duration_until(jiff::Timestamp::now()).abs() < jiff::SignedDuration::from_secs(30)
    );
}

#[tokio::test]
async fn an_update_carries_the_new_row_and_the_old_key() {
    let stack = Stack::start().await;
    let ada = Uuid::new_v4();
    let id = stack.story(ada).await;
    let binding = json!([{"event": "UPDATE", "schema": "public", "table": "stories", "filter": format!("id=eq.{id}")}]);
    let mut client = stack.subscribed(Some(&stack.token_of(ada)), binding).await;
    stack
        .sql(&format!(
            "update public.stories set title = 'b' where id = '{id}'"
        ))
        .await;
    let change = client.change().await;
    assert_eq!(change["record"]["title"], "b");
    assert_eq!(change["old_record"], json!({"id": id}));
}

#[tokio::test]
async fn an_untouched_large_value_is_missing_and_not_null_unless_the_identity_is_full() {
    let stack = Stack::start().await;
    let ada = Uuid::new_v4();
    let id = stack.story(ada).await;
    stack
        .sql(&format!(
            "update public.stories set body = repeat('x', 20000) where id = '{id}'"
        ))
        .await;
    let binding = json!([{"event": "UPDATE", "schema": "public", "table": "stories"}]);
    let mut client = stack.subscribed(Some(&stack.token_of(ada)), binding).await;

    stack
        .sql(&format!(
            "update public.stories set title = 'b' where id = '{id}'"
        ))
        .await;
    let change = client.change().await;
    assert_eq!(change["record"]["title"], "b");
    assert!(
        change["record"].get("body").is_none(),
        "{}",
        change["record"]
    );
    assert_eq!(change["record"]["secret"], Value::Null);

    stack
        .sql("alter table public.stories replica identity full")
        .await;
    stack
        .sql(&format!(
            "update public.stories set title = 'c' where id = '{id}'"
        ))
        .await;
    assert_eq!(
        client.change().await["record"]["body"]
            .as_str()
            .unwrap()
            .len(),
        20_000
    );
}

#[tokio::test]
async fn a_change_above_one_mebibyte_keeps_only_its_small_values() {
    let stack = Stack::start().await;
    let ada = Uuid::new_v4();
    let binding = json!([{"event": "INSERT", "schema": "public", "table": "stories"}]);
    let mut client = stack.subscribed(Some(&stack.token_of(ada)), binding).await;
    stack
        .sql(&format!("insert into public.stories (owner_id, title, body) values ('{ada}', 'small', repeat('x', 1100000))"))
        .await;
    let change = client.change().await;
    assert_eq!(change["errors"], json!(["Error 413: Payload Too Large"]));
    assert_eq!(change["record"]["title"], "small");
    assert!(change["record"].get("body").is_none());
}

#[tokio::test]
async fn a_rolled_back_change_and_a_truncate_are_silent() {
    let stack = Stack::start().await;
    let mut client = stack
        .subscribed(
            None,
            json!([{"event": "*", "schema": "public", "table": "notices"}]),
        )
        .await;
    stack
        .sql("begin; insert into public.notices values (1, 'a'); rollback")
        .await;
    stack
        .sql("insert into public.notices values (2, 'b')")
        .await;
    stack.sql("truncate public.notices").await;
    stack
        .sql("insert into public.notices values (3, 'c')")
        .await;
    assert_eq!(client.change().await["record"]["id"], 2);
    assert_eq!(client.change().await["record"]["id"], 3);
}

#[tokio::test]
async fn changes_of_a_transaction_arrive_in_order_and_soon() {
    let stack = Stack::start().await;
    let mut client = stack
        .subscribed(
            None,
            json!([{"event": "*", "schema": "public", "table": "notices"}]),
        )
        .await;
    let mut delays = Vec::new();
    for id in 0..40 {
        stack
            .sql(&format!("insert into public.notices values ({id}, 'x')"))
            .await;
        let committed = Instant::now();
        assert_eq!(client.change().await["record"]["id"], id);
        delays.push(committed.elapsed());
    }
    delays.sort();
    println!(
        "commit to subscriber: median {:?}, worst {:?}",
        delays[20], delays[39]
    );
    assert!(
        delays[20] < Duration::from_millis(100),
        "median {:?}",
        delays[20]
    );

    stack
        .sql("insert into public.notices select n, 'bulk' from generate_series(100, 3099) n")
        .await;
    for id in 100..3_100 {
        assert_eq!(client.change().await["record"]["id"], id);
    }
}

#[tokio::test]
async fn nothing_is_replayed_after_a_cut() {
    let stack = Stack::start().await;
    let binding = json!([{"event": "*", "schema": "public", "table": "notices"}]);
    let mut client = stack.subscribed(None, binding.clone()).await;
    stack.realtime.cut_all_sockets();
    assert!(client.is_cut().await);
    stack
        .sql("insert into public.notices values (1, 'missed')")
        .await;
    let mut client = stack.subscribed(None, binding).await;
    stack
        .sql("insert into public.notices values (2, 'seen')")
        .await;
    assert_eq!(client.change().await["record"]["id"], 2);
}

#[tokio::test]
async fn a_share_of_the_deliveries_can_be_lost_on_purpose() {
    let stack = Stack::start().await;
    let mut client = stack
        .subscribed(
            None,
            json!([{"event": "*", "schema": "public", "table": "notices"}]),
        )
        .await;
    stack.realtime.lose_deliveries(1.0.into());
    stack
        .sql("insert into public.notices values (1, 'lost')")
        .await;
    // Another subscription is only announced once everything committed before it was delivered.
    stack
        .subscribed(
            None,
            json!([{"event": "*", "schema": "public", "table": "notices"}]),
        )
        .await;
    stack.realtime.lose_deliveries(0.0.into());
    stack
        .sql("insert into public.notices values (2, 'kept')")
        .await;
    assert_eq!(client.change().await["record"]["id"], 2);
}

#[tokio::test]
async fn a_lost_place_in_the_log_is_found_again_and_announced() {
    let stack = Stack::start().await;
    let mut client = stack
        .subscribed(
            None,
            json!([{"event": "*", "schema": "public", "table": "notices"}]),
        )
        .await;
    stack
        .sql("select pg_terminate_backend(active_pid) from pg_replication_slots")
        .await;
    assert_eq!(client.expect("system").await.payload["status"], "ok");
    stack
        .sql("insert into public.notices values (1, 'after')")
        .await;
    assert_eq!(client.change().await["record"]["id"], 1);
}
