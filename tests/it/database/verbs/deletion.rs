//! What is taken away is gone from every table, leaves its files in the queue, and the ledgers right to the cent.

pub(super) mod files;
mod users;

use crate::database::fixture::{Database, EVERYTHING, Story, completion, creation};
use serde_json::{Value, json};

/// Rows of any table that name one of these ids anywhere, with the table's name. The queue, which is to name the story
/// until its files are gone, is left out.
async fn rows_that_name(database: &Database, ids: &[&str]) -> Vec<String> {
    let tables = database
        .column(
            "select oid::regclass::text from pg_class where relkind = 'r'
               and relnamespace in ('public'::regnamespace, 'private'::regnamespace, 'auth'::regnamespace)
               and oid <> 'private.deletion_queue'::regclass",
        )
        .await;
    assert!(tables.len() > 15, "the catalogue was not read: {tables:?}");
    let mut named = Vec::new();
    for table in tables {
        for id in ids {
            let rows = format!("{table} t where to_jsonb(t)::text like '%{id}%'");
            if database.count(&rows).await > 0 {
                named.push(format!("{table} names {id}"));
            }
        }
    }
    named
}

fn deletion(story: &Story, key: &str) -> Value {
    json!({"p_user_id": story.user, "p_story_id": story.id, "p_idempotency_key": key, "p_request_hash": "h"})
}

async fn delete(database: &Database, story: &Story) {
    database.call("delete_story", deletion(story, "d")).await;
}

fn paid(key: &str) -> Value {
    json!([{"callKey": key, "provider": "openai", "model": "m", "kind": "picture", "inputUnits": 3, "costUsd": 0.25}])
}

async fn kinds(database: &Database) -> Vec<String> {
    let kinds = "select kind from private.deletion_queue order by kind";
    database.column(kinds).await
}

#[tokio::test]
async fn a_deleted_story_is_named_in_no_table_whatever_became_of_it() {
    let database = Database::new().await;
    let story = database.story_with_text(&EVERYTHING).await;
    let cover = database.claim_asset(&story, "cover").await;
    let mut done = completion(&cover);
    done["p_usage"] = paid("one");
    database.call("complete_job", done).await;
    database.finish(&story).await;
    let wish = json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["scene_1"],
        "p_idempotency_key": "k", "p_request_hash": "h"});
    database.call("regenerate_assets", wish).await;
    database.claim_asset(&story, "scene_1").await;
    let credits = database.credits(story.user).await;

    delete(&database, &story).await;
    assert_eq!(rows_that_name(&database, &[&story.id]).await, [""; 0]);
    assert_eq!(kinds(&database).await, ["files"]);
    assert_eq!(database.credits(story.user).await, credits);
    let calls = "public.usage_ledger where call_key = 'one' and cost_usd = 0.25";
    assert_eq!(database.count(calls).await, 1);
}

#[tokio::test]
async fn a_story_at_rest_and_one_that_goes_with_the_sign_in_leave_nothing_either() {
    let database = Database::new().await;
    let story = database.story(&["cover"]).await;
    database.write_text(&story).await;
    database.finish(&story).await;
    database
        .arrange(&format!(
            "update public.stories set asset_generation_completed_at = now() - interval '31 days' where id = '{0}';
             update public.asset_generation_jobs set completed_at = now() - interval '31 days' where story_id = '{0}'",
            story.id
        ))
        .await;
    database.call("tidy_history", json!({})).await;
    assert_eq!(database.count("public.asset_generation_history").await, 2);
    // As somebody at the dashboard does it.
    database
        .arrange(&format!(
            "delete from auth.users where id = '{}'",
            story.user
        ))
        .await;
    let user = story.user.to_string();
    assert_eq!(
        rows_that_name(&database, &[&story.id, &user]).await,
        [""; 0]
    );
    assert_eq!(kinds(&database).await, ["files"]);
}

#[tokio::test]
async fn deleting_is_for_the_owner_once_and_again_under_the_same_key() {
    let database = Database::new().await;
    let story = database.story(&["cover"]).await;
    let stranger = Story {
        user: database.user("free").await,
        ..story.clone()
    };
    let refused = async |story: &Story, key: &str| {
        let refusal = database
            .try_call("delete_story", &deletion(story, key))
            .await;
        refusal.unwrap_err().message
    };
    assert_eq!(refused(&stranger, "d").await, "STORY_NOT_FOUND");
    let first = database.call("delete_story", deletion(&story, "d")).await;
    let again = database.call("delete_story", deletion(&story, "d")).await;
    assert_eq!(
        (&first["replayed"], &again["replayed"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(refused(&story, "another").await, "STORY_NOT_FOUND");
}

#[tokio::test]
async fn a_story_without_a_text_gives_its_credit_back_when_it_is_deleted() {
    let database = Database::new().await;
    let user = database.user("free").await;
    let waiting = database.story_of(user, &["cover"]).await;
    delete(&database, &waiting).await;
    assert_eq!(database.credits(user).await, (0, 0));
    let told = database.story_of(user, &["cover"]).await;
    database.write_text(&told).await;
    let second = json!({"p_user_id": user, "p_story_id": told.id});
    database.call("delete_story", second).await;
    assert_eq!(database.credits(user).await, (1, 1));
    let notices = "public.notification_outbox";
    assert_eq!(database.count(notices).await, 0);
}

#[tokio::test]
async fn the_key_that_made_a_deleted_story_makes_no_other() {
    let database = Database::new().await;
    let user = database.user("school").await;
    let character = database.character(user).await;
    let mut wish = creation(user, &character, &["cover"]);
    wish["p_idempotency_key"] = json!("k");
    wish["p_request_hash"] = json!("h");
    let made = database.call("create_story", wish.clone()).await;
    let id = made["story"]["id"].as_str().unwrap().to_owned();
    delete(&database, &Story { id, user }).await;
    let refusal = database.try_call("create_story", &wish).await.unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("PT404", "STORY_NOT_FOUND")
    );
    assert_eq!(database.count("public.stories").await, 0);
}

#[tokio::test]
async fn what_is_reported_late_of_a_deleted_story_changes_nothing_and_is_booked_once_without_a_name()
 {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "audio"]).await;
    let cover = database.claim_asset(&story, "cover").await;
    let audio = database.claim_asset(&story, "audio").await;
    delete(&database, &story).await;
    let mut done = completion(&cover);
    done["p_usage"] = paid("late");
    for _ in 0..2 {
        let answer = database.call("complete_job", done.clone()).await;
        assert_eq!(answer["accepted"], false, "{answer}");
    }
    let beat = json!([{"jobId": audio.job, "leaseToken": audio.token, "progress": 40, "usage": paid("later")}]);
    let beaten = database
        .call("report_progress", json!({"p_jobs": beat}))
        .await;
    assert_eq!(beaten["lost"][0]["reason"], "NO_SUCH_JOB");
    let nameless =
        "public.usage_ledger where user_id is null and story_id is null and job_id is null";
    assert_eq!(database.count(nameless).await, 2);
}

#[tokio::test]
async fn calls_without_a_name_become_sums_once_nobody_can_report_them_again() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "audio"]).await;
    for (asset, key) in [("cover", "one"), ("audio", "two")] {
        let mut done = completion(&database.claim_asset(&story, asset).await);
        done["p_usage"] = paid(key);
        database.call("complete_job", done).await;
    }
    delete(&database, &story).await;
    database.call("tidy_history", json!({})).await;
    assert_eq!(database.count("private.usage_sums").await, 0, "too early");
    database
        .arrange("update public.usage_ledger set created_at = now() - interval '1 day'")
        .await;
    assert_eq!(
        database.call("expire_stuck_jobs", json!({})).await["tidy"],
        true
    );
    for _ in 0..2 {
        database.call("tidy_history", json!({})).await;
    }
    let sums = "private.usage_sums where model = 'm' and kind = 'picture' and calls = 2 and input_units = 6 and cost_usd = 0.5";
    assert_eq!(database.count(sums).await, 1);
    assert_eq!(database.count("public.usage_ledger").await, 0);
}
