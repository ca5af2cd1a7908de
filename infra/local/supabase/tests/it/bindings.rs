//! Which changes a binding asks for: filters, columns, whole schemas, and what it cannot have.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::stack::Stack;

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
