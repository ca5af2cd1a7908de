//! Packs and plans that were paid for: apply_purchase.

use super::plans::refusal;
use crate::database::fixture::{Database, fresh_key};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

fn purchase(key: &str, user: Uuid, bought: Value) -> Value {
    json!({"p_key": key, "p_user_id": user, "p_purchase": bought})
}

#[tokio::test]
async fn a_pack_counts_once_however_often_its_payment_is_told() {
    let database = Database::new().await;
    let (user, other) = (database.user("free").await, database.user("free").await);
    let key = fresh_key();
    let pack = json!({"pack": "story_pack_5"});
    let first = database
        .call("apply_purchase", purchase(&key, user, pack.clone()))
        .await;
    let again = database
        .call("apply_purchase", purchase(&key, user, pack.clone()))
        .await;
    assert_eq!(
        first,
        json!({"userId": user, "tier": "free", "extraStories": 5, "replayed": false})
    );
    assert_eq!(again["replayed"], true);
    let usage = json!({"p_user_id": user, "p_email": null});
    assert_eq!(database.call("user_usage", usage).await["storyLimit"], 7);

    for reused in [
        purchase(&key, user, json!({"tier": "premium"})),
        purchase(&key, other, pack.clone()),
    ] {
        let (code, message, _) = refusal(&database, "apply_purchase", &reused).await;
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("PT422", "IDEMPOTENCY_KEY_REUSED")
        );
    }
    let next = database
        .call("apply_purchase", purchase(&fresh_key(), user, pack))
        .await;
    assert_eq!(next["extraStories"], 10);
}

#[tokio::test]
async fn a_payment_that_is_told_by_many_at_once_counts_once() {
    let database = Arc::new(Database::new().await);
    let user = database.user("free").await;
    let bought = purchase(&fresh_key(), user, json!({"pack": "story_pack_5"}));
    let mut telling = JoinSet::new();
    for _ in 0..8 {
        let (database, bought) = (Arc::clone(&database), bought.clone());
        telling.spawn(async move { database.call("apply_purchase", bought).await });
    }
    let answers = telling.join_all().await;
    let news = answers.iter().filter(|answer| answer["replayed"] == false);
    assert_eq!(news.count(), 1);
    let extra: i32 = database
        .value(&format!(
            "select extra_stories from public.users where id = '{user}'"
        ))
        .await;
    assert_eq!(extra, 5);
}

#[tokio::test]
async fn a_plan_that_was_bought_holds_at_once_also_for_somebody_new() {
    let database = Database::new().await;
    let user = Uuid::new_v4();
    let bought = purchase(&fresh_key(), user, json!({"tier": "individual"}));
    let answer = database.call("apply_purchase", bought).await;
    assert_eq!(answer["tier"], "individual");
    let usage = database
        .call("user_usage", json!({"p_user_id": user, "p_email": null}))
        .await;
    assert_eq!(usage["priorities"], json!(["normal", "high"]));
}

#[tokio::test]
async fn nothing_that_is_not_for_sale_is_sold() {
    let database = Database::new().await;
    let user = database.user("free").await;
    for bought in [
        json!({}),
        json!({"tier": "king"}),
        json!({"pack": "story_pack_5000"}),
        json!({"tier": "premium", "pack": "story_pack_5"}),
        json!({"pack": "story_pack_5", "times": 3}),
        json!({"tier": null}),
    ] {
        let asked = purchase(&fresh_key(), user, bought.clone());
        let (code, message, _) = refusal(&database, "apply_purchase", &asked).await;
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("PT400", "UNKNOWN_PURCHASE"),
            "{bought}"
        );
    }
    assert_eq!(database.count("public.purchases").await, 0);
}

#[tokio::test]
async fn a_payment_told_again_does_not_bring_a_deleted_user_back() {
    let database = Database::new().await;
    let user = database.user("free").await;
    let bought = purchase(&fresh_key(), user, json!({"tier": "premium"}));
    database.call("apply_purchase", bought.clone()).await;
    database
        .arrange(&format!("delete from public.users where id = '{user}'"))
        .await;
    let (_, message, _) = refusal(&database, "apply_purchase", &bought).await;
    assert_eq!(message, "IDEMPOTENCY_KEY_REUSED");
    let left = format!("public.users where id = '{user}'");
    assert_eq!(database.count(&left).await, 0);
    assert_eq!(
        database
            .count("public.purchases where user_id is null")
            .await,
        1,
        "it is known, and names nobody"
    );
}
