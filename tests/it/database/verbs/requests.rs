//! take_requests: no more of a minute than the limit, however many processes take shares of it.

use crate::database::fixture::Database;
use serde_json::{Value, json};
use uuid::Uuid;

/// Shares until nothing is left: how many requests they come to.
async fn take_all(database: &Database, arguments: &Value, whose: &str) -> u64 {
    let mut granted = 0;
    loop {
        let answer = database.call("take_requests", arguments.clone()).await;
        let share = answer[whose]["granted"].as_u64().unwrap();
        granted += share;
        if share == 0 {
            return granted;
        }
    }
}

#[tokio::test]
async fn shares_come_to_the_limit_of_the_plan_and_another_user_has_a_minute_of_their_own() {
    let database = Database::new().await;
    // All of this happens within one minute.
    database
        .arrange("create or replace function private.request_window() returns timestamptz language sql stable as 'select date_trunc(''day'', now())'")
        .await;
    database
        .arrange("update public.tiers set requests_per_minute = 50 where code = 'free'")
        .await;
    for user in [database.user("free").await, Uuid::new_v4()] {
        let of_user = json!({"p_user_id": user, "p_address": null});
        let first = database.call("take_requests", of_user.clone()).await;
        assert_eq!(
            first["user"],
            json!({"limit": 50, "left": 48, "granted": 2})
        );
        assert_eq!(first["address"], Value::Null);
        assert_eq!(take_all(&database, &of_user, "user").await, 48);
    }
    let unlimited = database.user("school").await;
    let of_both = json!({"p_user_id": unlimited, "p_address": "d1"});
    let shares = database.call("take_requests", of_both).await;
    assert_eq!(
        (&shares["user"], &shares["address"]["limit"]),
        (&Value::Null, &json!(3000))
    );
}

#[tokio::test]
async fn a_minute_that_is_over_leaves_nothing_behind() {
    let database = Database::new().await;
    let user = database.user("free").await;
    let of_user = json!({"p_user_id": user, "p_address": "d1"});
    database.call("take_requests", of_user).await;
    database
        .arrange("update private.request_windows set began_at = began_at - interval '2 minutes' where true")
        .await;
    database.call("expire_stuck_jobs", json!({})).await;
    assert_eq!(database.count("private.request_windows").await, 0);
}
