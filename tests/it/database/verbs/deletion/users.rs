//! A user who is deleted: stories and all, in steps where they are many.

use super::{files::claim_deletions, kinds, paid, rows_that_name};
use crate::database::fixture::{Database, completion, creation};
use serde_json::json;
use uuid::Uuid;

async fn delete_user(database: &Database, user: Uuid, limit: u32) -> bool {
    let arguments = json!({"p_user_id": user, "p_limit": limit});
    database.call("delete_user", arguments).await["done"] == true
}

#[tokio::test]
async fn a_deleted_user_leaves_sums_and_a_token_that_makes_nothing() {
    let database = Database::new().await;
    let user = database.user("school").await;
    let stories = [
        database.story_of(user, &["cover"]).await,
        database.story_of(user, &["cover"]).await,
    ];
    let mut done = completion(&database.claim_asset(&stories[0], "content").await);
    done["p_usage"] = paid("text");
    database.call("complete_job", done).await;
    let failed = database.claim_asset(&stories[1], "content").await;
    database.fail(&failed, false).await;
    let other = database.story(&["cover"]).await;

    assert!(delete_user(&database, user, 100).await);
    assert!(
        delete_user(&database, user, 100).await,
        "its answer was lost"
    );
    let ids = [
        user.to_string(),
        stories[0].id.clone(),
        stories[1].id.clone(),
    ];
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert_eq!(rows_that_name(&database, &ids).await, [""; 0]);
    assert_eq!(kinds(&database).await, ["files", "files"]);
    for (reason, entries, delta) in [("story_created", 2, -2), ("text_failed", 1, 1)] {
        let sum = format!(
            "private.credit_sums where reason = '{reason}' and entries = {entries} and delta = {delta}"
        );
        assert_eq!(database.count(&sum).await, 1, "{reason}");
    }
    assert_eq!(
        database
            .count("public.usage_ledger where call_key = 'text'")
            .await,
        1
    );

    let character = database.character(other.user).await;
    let usage = json!({"p_user_id": user, "p_email": null});
    for (verb, arguments) in [
        ("user_usage", usage),
        ("create_story", creation(user, &character, &[])),
    ] {
        let refusal = database.try_call(verb, &arguments).await.unwrap_err();
        assert_eq!(
            (refusal.code.as_str(), refusal.message.as_str()),
            ("PT401", "TOKEN_INVALID"),
            "{verb}"
        );
    }
    assert_eq!(database.count("public.users").await, 1);
    assert_eq!(database.count("public.stories").await, 1);
}

#[tokio::test]
async fn a_large_account_goes_in_steps_that_the_queue_ends_when_nobody_else_does() {
    let database = Database::new().await;
    let user = database.user("school").await;
    for _ in 0..3 {
        database.story_of(user, &["cover"]).await;
    }
    assert!(!delete_user(&database, user, 2).await);
    assert_eq!(database.count("public.stories").await, 1);
    let usage = json!({"p_user_id": user, "p_email": null});
    let refusal = database.try_call("user_usage", &usage).await.unwrap_err();
    assert_eq!(refusal.message, "TOKEN_INVALID");
    assert_eq!(
        database.call("claim_asset_jobs", json!({})).await["deletions"],
        true
    );
    assert_eq!(claim_deletions(&database, "r/1").await.len(), 3);
    assert_eq!(
        rows_that_name(&database, &[&user.to_string()]).await,
        [""; 0]
    );
}

#[tokio::test]
async fn who_signs_up_under_an_id_that_was_deleted_is_welcome_and_digests_are_forgotten_with_the_tokens()
 {
    let database = Database::new().await;
    let user = database.user("free").await;
    assert!(delete_user(&database, user, 100).await);
    database
        .arrange(&format!(
            "insert into auth.users (id, email) values ('{user}', 'again@example.com')"
        ))
        .await;
    assert_eq!(database.count("public.users").await, 1);
    assert_eq!(database.count("private.deleted_users").await, 0);
    assert!(delete_user(&database, user, 100).await);
    database
        .arrange("update private.deleted_users set deleted_at = now() - private.token_lifetime_max() - interval '1 hour'")
        .await;
    database.call("tidy_history", json!({})).await;
    assert_eq!(database.count("private.deleted_users").await, 0);
}
