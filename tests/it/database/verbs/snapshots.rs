//! Snapshots: which are written when, and what recover_story puts back, refuses and leaves alone.

use crate::database::fixture::{Database, EVERYTHING, Story};
use serde_json::{Value, json};

async fn ready(database: &Database) -> Story {
    let story = database.story_with_text(&EVERYTHING).await;
    database.finish(&story).await;
    story
}

async fn claim(database: &Database) -> Value {
    database.call("claim_snapshots", json!({})).await
}

async fn complete(database: &Database, claimed: &Value, story: &Story) -> Value {
    let arguments = json!({"p_lease_token": claimed["leaseToken"], "p_written": [story.id]});
    database.call("complete_snapshots", arguments).await
}

/// The snapshot of a story, written.
async fn snapshot(database: &Database, story: &Story) -> Value {
    database.call("expire_stuck_jobs", json!({})).await;
    let claimed = claim(database).await;
    complete(database, &claimed, story).await;
    let snapshots = claimed["snapshots"].as_array().expect("a list");
    let found = snapshots
        .iter()
        .find(|one| one["storyId"] == json!(story.id));
    found.expect("one of this story").clone()
}

async fn recover(database: &Database, snapshot: &Value) -> Result<Value, String> {
    let answer = database
        .try_call("recover_story", &json!({"p_snapshot": snapshot}))
        .await;
    answer
        .map(|answer| answer["outcome"].clone())
        .map_err(|refused| refused.message)
}

#[tokio::test]
async fn a_sweep_writes_what_was_settled_since_the_last_and_whoever_is_overtaken_is_not_believed() {
    let database = Database::new().await;
    let story = ready(&database).await;
    assert_eq!(
        claim(&database).await["snapshots"],
        json!([]),
        "no sweep yet"
    );
    let swept = database.call("expire_stuck_jobs", json!({})).await;
    assert_eq!(swept["claimable"], true, "the worker hands it on");
    assert_eq!(
        database
            .call("claim_asset_jobs", json!({"p_limit": 1}))
            .await["deletions"],
        true
    );
    let slow = claim(&database).await;
    assert_eq!(
        slow["snapshots"][0]["story"]["title"],
        database.row(&story).await["title"]
    );
    assert_eq!(claim(&database).await["snapshots"], json!([]), "leased");
    let failed = json!({"p_lease_token": slow["leaseToken"], "p_written": null,
        "p_failed": [{"storyId": story.id, "error": "S3 said no"}]});
    database.call("complete_snapshots", failed).await;
    database
        .arrange("update private.snapshot_queue set available_at = now() where true")
        .await;
    let slow = claim(&database).await;
    let again =
        json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["activities"]});
    database.call("regenerate_assets", again).await;
    database.finish(&story).await;
    assert_eq!(complete(&database, &slow, &story).await["written"], 0);
    let written = snapshot(&database, &story).await;
    assert_eq!(written["version"], database.row(&story).await["version"]);
    assert_eq!(database.count("private.snapshot_queue").await, 0);
}

#[tokio::test]
async fn a_story_comes_back_with_its_credit_and_its_calls_and_no_second_notice() {
    let database = Database::new().await;
    let story = ready(&database).await;
    let written = snapshot(&database, &story).await;
    let credits = database.credits(story.user).await;
    let before = database.row(&story).await;
    assert_eq!(recover(&database, &written).await, Ok(json!("whole")));
    for lost in ["credit_ledger where story_id", "stories where id"] {
        let delete = format!("delete from public.{lost} = '{}'", story.id);
        database.arrange(&delete).await;
        if lost.starts_with("credit") {
            let given = format!(
                "update public.users set stories_used = stories_used - 1 where id = '{}'",
                story.user
            );
            database.arrange(&given).await;
            database
                .arrange(&format!(
                    "update public.stories set title = '?' where id = '{}'",
                    story.id
                ))
                .await;
        }
        assert_eq!(
            recover(&database, &written).await,
            Ok(json!("recovered")),
            "{lost}"
        );
        let mut after = database.row(&story).await;
        for changes in ["version", "updated_at"] {
            after[changes] = before[changes].clone();
        }
        assert_eq!(after, before);
        assert_eq!(database.credits(story.user).await, credits, "{lost}");
    }
    assert_eq!(database.count("private.deletion_queue").await, 0);
    let again =
        json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["activities"]});
    database.call("regenerate_assets", again).await;
    database.finish(&story).await;
    assert_eq!(
        database.count("public.notification_outbox").await,
        1,
        "told once"
    );
    assert_eq!(
        recover(&database, &written).await,
        Err("STORY_IS_NEWER".to_owned())
    );
}

#[tokio::test]
async fn nothing_is_put_back_for_a_user_who_is_gone_over_work_that_goes_on_or_from_a_snapshot_of_another_kind()
 {
    let database = Database::new().await;
    let story = ready(&database).await;
    let written = snapshot(&database, &story).await;
    let again =
        json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["cover"]});
    database.call("regenerate_assets", again).await;
    let at_work = database.row(&story).await;
    assert_eq!(
        recover(&database, &written).await,
        Err("STORY_IS_NEWER".to_owned())
    );
    assert_eq!(database.row(&story).await, at_work);
    let mut of_tomorrow = written.clone();
    of_tomorrow["schema"] = json!(2);
    assert_eq!(
        recover(&database, &of_tomorrow).await,
        Err("UNKNOWN_SNAPSHOT".to_owned())
    );
    database
        .call("delete_user", json!({"p_user_id": story.user}))
        .await;
    assert_eq!(
        recover(&database, &written).await,
        Err("STORY_NOT_RECOVERABLE".to_owned())
    );
    assert_eq!(database.count("private.snapshot_queue").await, 0);
}
