//! The files of what was deleted: under a lease, and twice, for somebody may have stored one late.

use super::{delete, kinds};
use crate::database::fixture::Database;
use serde_json::{Value, json};

pub(in crate::database) async fn claim_deletions(database: &Database, owner: &str) -> Vec<Value> {
    let claimed = database.call("claim_deletions", json!({"p_owner": owner}));
    claimed.await["deletions"].as_array().unwrap().clone()
}

pub(in crate::database) async fn complete_deletion(
    database: &Database,
    deletion: &Value,
    error: Option<&str>,
) -> bool {
    let done = json!({"p_deletion_id": deletion["deletionId"], "p_lease_token": deletion["leaseToken"], "p_error": error});
    database.call("complete_deletion", done).await["accepted"] == true
}

/// Makes every pause of the queue be over, and every invocation that may store late.
pub(in crate::database) async fn let_writers_end(database: &Database) {
    database
        .arrange(
            "update private.deletion_queue set available_at = now() - interval '1 second',
               wanted_since = wanted_since - private.late_writer_grace()",
        )
        .await;
}

#[tokio::test]
async fn files_are_deleted_at_once_and_again_when_nobody_can_store_any_more() {
    let database = Database::new().await;
    let story = database.story(&["cover"]).await;
    delete(&database, &story).await;
    let claimed = database.call("claim_asset_jobs", json!({})).await;
    assert_eq!(claimed["deletions"], true);
    let first = claim_deletions(&database, "r/1").await;
    assert_eq!((first.len(), &first[0]["kind"]), (1, &json!("files")));
    assert_eq!(first[0]["storyId"], story.id.as_str());
    assert_eq!(
        claim_deletions(&database, "r/1").await,
        first,
        "its answer was lost"
    );
    assert_eq!(claim_deletions(&database, "r/2").await, Vec::<Value>::new());
    assert!(complete_deletion(&database, &first[0], None).await);
    assert!(
        !complete_deletion(&database, &first[0], None).await,
        "it is not leased any more"
    );
    assert_eq!(kinds(&database).await, ["cdn", "files"]);
    assert_eq!(claim_deletions(&database, "r/3").await, Vec::<Value>::new());

    let_writers_end(&database).await;
    let second = claim_deletions(&database, "r/4").await;
    assert_eq!(second.len(), 2);
    for deletion in &second {
        assert!(complete_deletion(&database, deletion, None).await);
        assert!(
            complete_deletion(&database, deletion, None).await,
            "its answer was lost"
        );
    }
    assert_eq!(kinds(&database).await, [""; 0]);
    let claimed = database.call("claim_asset_jobs", json!({})).await;
    assert_eq!(claimed["deletions"], false);
}

#[tokio::test]
async fn a_deletion_that_fails_or_whose_worker_dies_is_due_again() {
    let database = Database::new().await;
    let story = database.story(&["cover"]).await;
    delete(&database, &story).await;
    let due_in =
        "select extract(epoch from available_at - now())::float8 from private.deletion_queue";
    let claimed = claim_deletions(&database, "r/1").await;
    assert!(complete_deletion(&database, &claimed[0], Some("refused")).await);
    assert!(database.value::<f64>(due_in).await <= 2.0);
    let_writers_end(&database).await;
    let claimed = claim_deletions(&database, "dead/1").await;
    assert_eq!(claimed[0]["attempts"], 2);
    assert!(database.value::<f64>(due_in).await > 50.0);
    let rescued = database.call("expire_stuck_jobs", json!({"p_dead_request": "dead"}));
    assert_eq!(
        rescued.await["claimable"],
        true,
        "the worker is woken for it"
    );
    assert_eq!(claim_deletions(&database, "r/2").await.len(), 1);
    assert!(!complete_deletion(&database, &claimed[0], None).await);
}

#[tokio::test]
async fn the_second_pass_waits_for_the_longest_invocation_and_a_lease() {
    let database = Database::new().await;
    let grace = "select extract(epoch from private.late_writer_grace())::float8";
    assert!(database.value::<f64>(grace).await >= 300.0 + 60.0);
}

#[tokio::test]
async fn an_attempt_that_ends_without_a_version_has_orphans_looked_for() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "activities"]).await;
    let text = database.claim_asset(&story, "activities").await;
    database.fail(&text, true).await;
    assert_eq!(kinds(&database).await, [""; 0], "activities have no file");
    let cover = database.claim_asset(&story, "cover").await;
    let started = json!({"p_story_id": story.id, "p_owner": "r/1",
        "p_jobs": json!([{"jobId": cover.job, "leaseToken": cover.token}])});
    database.call("start_assets", started).await;
    let ended = database.job(&story, "cover").await["attempt"].clone();
    database.fail(&cover, true).await;
    assert_eq!(kinds(&database).await, ["orphans"]);
    let again = database.claim_asset(&story, "cover").await;
    database.complete(&again).await;

    let_writers_end(&database).await;
    let orphans = claim_deletions(&database, "r/2").await;
    assert_eq!(orphans[0]["kind"], "orphans");
    let url = database.job(&story, "cover").await["url"].clone();
    assert_eq!(orphans[0]["named"], json!([url]));
    assert_eq!(orphans[0]["endedAttempts"], json!([["cover", ended]]));
    assert!(complete_deletion(&database, &orphans[0], None).await);
    assert_eq!(kinds(&database).await, [""; 0]);
}
