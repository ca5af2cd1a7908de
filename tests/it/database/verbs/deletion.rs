//! What is taken away is gone from every table, leaves its files in the queue, and the ledgers right to the cent.

use crate::database::fixture::{Database, EVERYTHING, Story, completion, creation};
use serde_json::{Value, json};
use uuid::Uuid;

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

async fn claim_deletions(database: &Database, owner: &str) -> Vec<Value> {
    let claimed = database.call("claim_deletions", json!({"p_owner": owner}));
    claimed.await["deletions"].as_array().unwrap().clone()
}

async fn complete_deletion(database: &Database, deletion: &Value, error: Option<&str>) -> bool {
    let done = json!({"p_deletion_id": deletion["deletionId"], "p_lease_token": deletion["leaseToken"], "p_error": error});
    database.call("complete_deletion", done).await["accepted"] == true
}

/// Makes every pause of the queue be over, and every invocation that may store late.
async fn let_writers_end(database: &Database) {
    database
        .arrange(
            "update private.deletion_queue set available_at = now() - interval '1 second',
               wanted_since = wanted_since - private.late_writer_grace()",
        )
        .await;
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
