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
async fn each_filter_lets_its_own_rows_through_and_one_frame_names_all_bindings_hit() {
    let stack = Stack::start().await;
    stack.sql("grant select on public.internal to anon").await;
    let filters = [
        "n=eq.5",
        "n=neq.5",
        "n=lt.5",
        "n=lte.5",
        "n=gt.5",
        "n=gte.5",
        "n=in.(4,5)",
        "n=gt.4,n=lt.6",
    ];
    let bindings: Vec<Value> = filters
        .iter()
        .map(|filter| json!({"event": "INSERT", "schema": "public", "table": "internal", "filter": filter}))
        .collect();
    let mut client = stack.connect().await;
    let payload = json!({"config": {"postgres_changes": bindings}});
    let join = client
        .send(None, "realtime:changes", "phx_join", payload)
        .await;
    let echoed = client.reply_to(&join).await["response"]["postgres_changes"].clone();
    client.expect("system").await;

    for (n, passing) in [
        (4, vec!["n=neq.5", "n=lt.5", "n=lte.5", "n=in.(4,5)"]),
        (
            5,
            vec![
                "n=eq.5",
                "n=lte.5",
                "n=gte.5",
                "n=in.(4,5)",
                "n=gt.4,n=lt.6",
            ],
        ),
        (6, vec!["n=neq.5", "n=gt.5", "n=gte.5"]),
    ] {
        stack
            .sql(&format!("insert into public.internal values ({n}, {n})"))
            .await;
        let payload = client.expect("postgres_changes").await.payload;
        let hit: Vec<&str> = echoed
            .as_array()
            .unwrap()
            .iter()
            .filter(|binding| payload["ids"].as_array().unwrap().contains(&binding["id"]))
            .map(|binding| binding["filter"].as_str().unwrap())
            .collect();
        assert_eq!(hit, passing, "n = {n}");
    }
    stack
        .sql("insert into public.internal values (7, null), (8, 5)")
        .await;
    assert_eq!(
        client.change().await["record"]["id"],
        8,
        "null passes no filter"
    );
}

#[tokio::test]
async fn a_filter_value_is_compared_as_its_column_prints_it() {
    let stack = Stack::start().await;
    let ada = Uuid::new_v4();
    let id = stack.story(ada).await;
    let shouted = id.to_string().to_uppercase();
    let binding = json!([{"event": "*", "schema": "public", "table": "stories", "filter": format!("id=eq.{shouted}")}]);
    let mut client = stack.subscribed(Some(&stack.token_of(ada)), binding).await;
    stack
        .sql(&format!(
            "update public.stories set title = 'b' where id = '{id}'"
        ))
        .await;
    assert_eq!(client.change().await["record"]["id"], json!(id));
}

#[tokio::test]
async fn select_limits_the_columns_and_keeps_the_key() {
    let stack = Stack::start().await;
    let binding =
        json!([{"event": "*", "schema": "public", "table": "notices", "select": ["text"]}]);
    let mut client = stack.subscribed(None, binding).await;
    stack.sql("grant select on public.notices to anon; insert into public.notices values (1, 'a', 'b')").await;
    assert_eq!(
        client.change().await["record"],
        json!({"id": 1, "text": "a"})
    );
}

#[tokio::test]
async fn a_whole_schema_can_be_subscribed_to() {
    let stack = Stack::start().await;
    stack.sql("grant select on public.internal to anon").await;
    let mut client = stack
        .subscribed(None, json!([{"event": "INSERT", "schema": "public"}]))
        .await;
    stack
        .sql(
            "insert into public.notices values (1, 'a'); insert into public.internal values (1, 2)",
        )
        .await;
    assert_eq!(client.change().await["table"], "notices");
    assert_eq!(client.change().await["table"], "internal");
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
async fn what_cannot_be_subscribed_to_is_said_in_a_system_message() {
    let stack = Stack::start().await;
    for (binding, said) in [
        (
            json!({"event": "*", "schema": "public", "table": "unpublished"}),
            "Please check Realtime is enabled",
        ),
        (
            json!({"event": "*", "schema": "public", "table": "nowhere"}),
            "Please check Realtime is enabled",
        ),
        (
            json!({"event": "*", "schema": "public", "table": "stories", "filter": "id=eq.5"}),
            "invalid input syntax for type uuid",
        ),
        (
            json!({"event": "*", "schema": "public", "table": "stories", "filter": "nope=eq.5"}),
            "invalid column for filter nope",
        ),
        (
            json!({"event": "*", "schema": "public", "table": "notices", "filter": "internal=eq.5"}),
            "invalid column for filter internal",
        ),
        (
            json!({"event": "*", "schema": "public", "table": "stories", "filter": "undefined"}),
            "Error parsing `filter` params",
        ),
        (json!({"event": "*"}), "No subscription params provided"),
    ] {
        let mut client = stack.connect().await;
        client
            .join("realtime:changes", None, json!([binding]))
            .await;
        let system = client.expect("system").await.payload;
        assert_eq!(
            (&system["extension"], &system["status"]),
            (&json!("postgres_changes"), &json!("error"))
        );
        assert!(
            system["message"].as_str().unwrap().contains(said),
            "{system}"
        );
    }
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
    // Only when the change was looked at is it lost for sure; the slot tells.
    let looked_at = "select bool_and(confirmed_flush_lsn >= pg_current_wal_flush_lsn()) from pg_replication_slots";
    while !sqlx::query_scalar::<_, bool>(looked_at)
        .fetch_one(&stack.pool)
        .await
        .unwrap()
    {
        stack
            .sql("select pg_logical_emit_message(false, 'test', '')")
            .await;
        tokio::task::yield_now().await;
    }
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
