//! Checks of the guards around what is taken away.

use crate::prelude::*;
use std::sync::Arc;

async fn claim(database: &TestDatabase, owner: &str) -> Vec<Value> {
    let claimed = database.call("claim_deletions", json!({"p_owner": owner}));
    let deletions = claimed.await["deletions"].take();
    deletions.as_array().cloned().unwrap_or_default()
}

async fn complete(database: &TestDatabase, deletion: &Value) -> Value {
    let done =
        json!({"p_deletion_id": deletion["deletionId"], "p_lease_token": deletion["leaseToken"]});
    database.call("complete_deletion", done).await["accepted"].take()
}

/// Neither its files, nor its name in the ledger, nor its text in an answer that was kept.
pub(super) async fn a_deleted_story_leaves_nothing(database: Arc<TestDatabase>) {
    let user = database.user("school").await;
    let character = database.character(user).await;
    let mut wish = creation(user, &character, &["cover"]);
    wish["p_idempotency_key"] = json!("k");
    wish["p_request_hash"] = json!("h");
    let id = database.call("create_story", wish).await["story"]["id"].take();
    let text = database.call("start_content", json!({"p_story_id": id, "p_owner": "r/1"}));
    let mut done = completion(&crate::Lease::from_json(&text.await["job"]));
    done["p_usage"] = json!([{"callKey": "c", "provider": "openai", "model": "m", "kind": "text"}]);
    database.call("complete_job", done).await;
    let gone = json!({"p_user_id": user, "p_story_id": id});
    database.call("delete_story", gone).await;
    let id = id.as_str().unwrap_or_default();
    let queued = format!("private.deletion_queue where kind = 'files' and story_id = '{id}'");
    assert_eq!(database.count(&queued).await, 1);
    for rows in [
        format!("public.usage_ledger where story_id = '{id}' or user_id = '{user}'"),
        format!("public.idempotency_keys where response::text like '%{id}%'"),
    ] {
        assert_eq!(database.count(&rows).await, 0, "{rows}");
    }
    // It may be reported again, and would be counted twice.
    database.call("tidy_history", json!({})).await;
    assert_eq!(database.count("private.usage_sums").await, 0);
}

/// Files are looked for twice, and only who holds the lease says that they are gone.
pub(super) async fn files_are_deleted_under_a_lease_and_twice(database: Arc<TestDatabase>) {
    let story = database.story(&["cover"]).await;
    let gone = json!({"p_user_id": story.user, "p_story_id": story.id});
    database.call("delete_story", gone).await;
    let stale = claim(&database, "r/1").await;
    database
        .arrange("update private.deletion_queue set available_at = now() - interval '1 second'")
        .await;
    let first = claim(&database, "r/2").await;
    let by_stale = complete(&database, &stale[0]).await;
    assert_eq!(by_stale, false, "a lease that ended counts");
    assert_eq!(complete(&database, &first[0]).await, true);
    let again = "private.deletion_queue where kind = 'files' and available_at > now()";
    assert_eq!(database.count(again).await, 1, "nobody looks a second time");
}

/// The token of a deleted user makes no profile, and the sums of the credits are those of all who are gone.
pub(super) async fn a_deleted_user_comes_to_nothing_but_sums(database: Arc<TestDatabase>) {
    for _ in 0..2 {
        let story = database.story(&["cover"]).await;
        let gone = json!({"p_user_id": story.user});
        assert_eq!(database.call("delete_user", gone).await["done"], true);
        let usage = json!({"p_user_id": story.user, "p_email": null});
        let answered = database.try_call("user_usage", &usage).await;
        assert!(answered.is_err(), "a deleted user has a profile");
    }
    let sums = "private.credit_sums where reason = 'story_created' and entries = 2 and delta = -2";
    assert_eq!(database.count(sums).await, 1, "credits are lost");
}
