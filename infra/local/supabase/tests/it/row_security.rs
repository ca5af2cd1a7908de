//! Who sees which row: the rules of row-level security, column privileges and replica identity.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::phoenix::Phoenix;
use crate::stack::Stack;

fn of_stories(filter: Option<String>) -> Value {
    json!([{"event": "*", "schema": "public", "table": "stories", "filter": filter}])
}

/// Changes of stories that came before a change `client` is sure to see: others never will.
async fn changes_before_a_marker(stack: &Stack, client: &mut Phoenix) -> Vec<Value> {
    let marker = rand_id();
    stack
        .sql(&format!(
            "insert into public.notices values ({marker}, 'marker')"
        ))
        .await;
    let mut changes = Vec::new();
    loop {
        let change = client.change().await;
        if change["record"]["id"] == json!(marker) {
            return changes;
        }
        if change["table"] == "stories" {
            changes.push(change);
        }
    }
}

fn rand_id() -> i32 {
    i32::try_from(Uuid::new_v4().as_u128() % 1_000_000_000).unwrap()
}

async fn watcher(stack: &Stack, token: Option<&str>) -> Phoenix {
    let bindings = json!([
        {"event": "*", "schema": "public", "table": "stories"},
        {"event": "INSERT", "schema": "public", "table": "notices"},
    ]);
    stack.subscribed(token, bindings).await
}

#[tokio::test]
async fn the_owner_sees_a_change_and_a_stranger_and_an_anonymous_client_do_not() {
    let stack = Stack::start().await;
    let (ada, bob) = (Uuid::new_v4(), Uuid::new_v4());
    let mut owner = watcher(&stack, Some(&stack.token_of(ada))).await;
    let mut stranger = watcher(&stack, Some(&stack.token_of(bob))).await;
    let mut anonymous = watcher(&stack, None).await;
    let mut service = watcher(&stack, Some(&stack.api_keys.service_role_token)).await;
    // `notices` is not granted to the service role: it would get an error instead of the marker.
    stack
        .sql("grant select on public.notices to service_role")
        .await;

    let id = stack.story(ada).await;

    for (client, expected) in [
        (&mut owner, 1),
        (&mut stranger, 0),
        (&mut anonymous, 0),
        (&mut service, 1),
    ] {
        let seen = changes_before_a_marker(&stack, client).await;
        assert_eq!(seen.len(), expected, "{seen:?}");
        assert!(
            seen.iter()
                .all(|change| change["record"]["id"] == json!(id))
        );
    }
}

#[tokio::test]
async fn an_update_that_moves_a_row_out_of_view_is_not_told() {
    let stack = Stack::start().await;
    let (ada, bob) = (Uuid::new_v4(), Uuid::new_v4());
    let id = stack.story(ada).await;
    let mut former = watcher(&stack, Some(&stack.token_of(ada))).await;
    let mut new = watcher(&stack, Some(&stack.token_of(bob))).await;

    stack
        .sql(&format!(
            "update public.stories set owner_id = '{bob}' where id = '{id}'"
        ))
        .await;

    assert_eq!(
        changes_before_a_marker(&stack, &mut former).await,
        Vec::<Value>::new()
    );
    assert_eq!(changes_before_a_marker(&stack, &mut new).await.len(), 1);
}

#[tokio::test]
async fn a_delete_reaches_everyone_but_shows_only_the_key() {
    let stack = Stack::start().await;
    stack
        .sql("alter table public.stories replica identity full")
        .await;
    let (ada, bob) = (Uuid::new_v4(), Uuid::new_v4());
    let id = stack.story(ada).await;
    let mut stranger = watcher(&stack, Some(&stack.token_of(bob))).await;

    stack
        .sql(&format!("delete from public.stories where id = '{id}'"))
        .await;

    let change = stranger.change().await;
    assert_eq!(change["type"], "DELETE");
    assert_eq!(change["old_record"], json!({"id": id}));
    assert!(change.get("record").is_none());
}

#[tokio::test]
async fn a_delete_passes_a_filter_on_another_column_only_with_full_replica_identity() {
    let stack = Stack::start().await;
    let ada = Uuid::new_v4();
    let (first, second) = (stack.story(ada).await, stack.story(ada).await);
    let token = stack.token_of(ada);
    let mut client = stack
        .subscribed(Some(&token), of_stories(Some(format!("owner_id=eq.{ada}"))))
        .await;

    stack
        .sql(&format!("delete from public.stories where id = '{first}'"))
        .await;
    stack
        .sql("alter table public.stories replica identity full")
        .await;
    stack
        .sql(&format!("delete from public.stories where id = '{second}'"))
        .await;

    assert_eq!(client.change().await["old_record"], json!({"id": second}));
}

#[tokio::test]
async fn a_column_the_role_may_not_read_is_left_out() {
    let stack = Stack::start().await;
    let mut client = watcher(&stack, None).await;
    stack
        .sql("insert into public.notices values (1, 'hello', 'hidden')")
        .await;
    let change = client.change().await;
    assert_eq!(change["record"], json!({"id": 1, "text": "hello"}));
    assert_eq!(
        change["columns"],
        json!([{"name": "id", "type": "int4"}, {"name": "text", "type": "text"}])
    );
}

#[tokio::test]
async fn a_role_without_any_privilege_gets_an_error_and_no_data() {
    let stack = Stack::start().await;
    let mut client = stack
        .subscribed(
            None,
            json!([{"event": "*", "schema": "public", "table": "internal"}]),
        )
        .await;
    stack.sql("insert into public.internal values (1, 2)").await;
    let change = client.change().await;
    assert_eq!(change["errors"], json!(["Error 401: Unauthorized"]));
    assert_eq!(change["record"], json!({}));
}

#[tokio::test]
async fn a_table_without_a_key_gives_an_error_instead_of_the_row() {
    let stack = Stack::start().await;
    let mut client = stack
        .subscribed(
            None,
            json!([{"event": "*", "schema": "public", "table": "logs"}]),
        )
        .await;
    stack.sql("insert into public.logs values ('x')").await;
    assert_eq!(
        client.change().await["errors"],
        json!(["Error 400: Bad Request, no primary key"])
    );
}

#[tokio::test]
async fn a_claim_that_breaks_the_policy_hides_the_row_and_harms_nobody_else() {
    let stack = Stack::start().await;
    let ada = Uuid::new_v4();
    stack
        .sql("create policy by_mail on public.stories for select to authenticated using ((auth.jwt() ->> 'email')::int = 1)")
        .await;
    stack.sql("drop policy own_rows on public.stories").await;
    let mut broken = watcher(&stack, Some(&stack.token_of(ada))).await;
    let mut service = watcher(&stack, Some(&stack.api_keys.service_role_token)).await;
    stack
        .sql("grant select on public.notices to service_role")
        .await;
    stack.story(ada).await;
    assert_eq!(
        changes_before_a_marker(&stack, &mut broken).await,
        Vec::<Value>::new()
    );
    assert_eq!(changes_before_a_marker(&stack, &mut service).await.len(), 1);
}
