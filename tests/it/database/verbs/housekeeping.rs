//! tidy_history: what leaves the hot tables, when, and how it comes back.

use crate::database::fixture::{Database, EVERYTHING, Story, fresh_key};
use serde_json::{Value, json};

const TIDY: &str = "tidy_history";

/// A finished story that nobody touched for this many days.
async fn finished_story(database: &Database, days: u32) -> Story {
    let story = database.story_with_text(&EVERYTHING).await;
    let cover = database.claim_asset(&story, "cover").await;
    let report = json!([{"jobId": cover.job, "leaseToken": cover.token, "progress": 20, "metadata": {"motif": "lantern"},
        "checkpoint": {"art-1": {"journey": {"motif": "lantern"}}}}]);
    database
        .call("report_progress", json!({"p_jobs": report}))
        .await;
    database.complete(&cover).await;
    database.finish(&story).await;
    assert_eq!(database.overall(&story).await, "ready");
    age(database, &story, days).await;
    story
}

async fn age(database: &Database, story: &Story, days: u32) {
    database
        .arrange(&format!(
            "update public.stories set asset_generation_completed_at = asset_generation_completed_at - interval '{days} days'
               where id = '{0}';
             update public.asset_generation_jobs set completed_at = completed_at - interval '{days} days' where story_id = '{0}';
             select private.refresh_story_status('{0}', '{{}}')",
            story.id
        ))
        .await;
}

async fn jobs_of(database: &Database, story: &Story, table: &str) -> Vec<Value> {
    let query = format!(
        "select coalesce(jsonb_agg(to_jsonb(j) order by asset_type), '[]') from public.{table} j where story_id = '{}'",
        story.id
    );
    let jobs: Value = database.value(&query).await;
    jobs.as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn only_stories_at_rest_for_a_month_leave_and_their_rows_stay_as_they_are() {
    let database = Database::new().await;
    let old = finished_story(&database, 31).await;
    let young = finished_story(&database, 29).await;
    let at_work = database.story_with_text(&["cover"]).await;
    age(&database, &at_work, 60).await;
    let (jobs, row) = (
        jobs_of(&database, &old, "asset_generation_jobs").await,
        database.row(&old).await,
    );

    assert_eq!(
        database.call("expire_stuck_jobs", json!({})).await["tidy"],
        true
    );
    let tidied = database.call(TIDY, json!({})).await;
    assert_eq!(
        (&tidied["stories"], &tidied["jobs"]),
        (&json!(1), &json!(9))
    );
    assert_eq!(
        jobs_of(&database, &old, "asset_generation_jobs").await,
        [] as [Value; 0]
    );
    assert_eq!(
        jobs_of(&database, &old, "asset_generation_history").await,
        jobs
    );
    assert_eq!(
        database.row(&old).await,
        row,
        "the story's row does not move"
    );
    assert_eq!(
        jobs_of(&database, &young, "asset_generation_jobs")
            .await
            .len(),
        9
    );
    assert_eq!(
        jobs_of(&database, &at_work, "asset_generation_jobs")
            .await
            .len(),
        2
    );
    assert_eq!(jobs_of(&database, &old, "asset_job_records").await.len(), 9);
    assert_eq!(
        database.call("expire_stuck_jobs", json!({})).await["tidy"],
        false
    );
}

#[tokio::test]
async fn a_story_at_rest_comes_back_whole_when_somebody_steers_it() {
    let database = Database::new().await;
    let story = finished_story(&database, 31).await;
    let (jobs, status) = (
        jobs_of(&database, &story, "asset_generation_jobs").await,
        database.row(&story).await["asset_generation_status"]["assets"].clone(),
    );
    database.call(TIDY, json!({})).await;
    let regenerated = database
        .call(
            "regenerate_assets",
            json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["scene_2"]}),
        )
        .await;
    assert_eq!(regenerated["assetTypes"], json!(["scene_2"]));
    assert_eq!(
        jobs_of(&database, &story, "asset_generation_history").await,
        [] as [Value; 0]
    );
    let back = jobs_of(&database, &story, "asset_generation_jobs").await;
    for (before, after) in jobs.iter().zip(&back) {
        match before["asset_type"].as_str() {
            Some("scene_2" | "pdf") => assert_eq!(after["status"], "queued"),
            _ => assert_eq!(before, after),
        }
    }
    for asset in ["content", "cover", "scene_1", "audio", "activities"] {
        assert_eq!(
            database.asset(&story, asset).await,
            status[asset],
            "{asset}"
        );
    }
    assert_eq!(
        database.asset(&story, "cover").await["metadata"]["motif"],
        "lantern"
    );
    // The palette that was paid for is found again.
    let scene = database.claim_asset(&story, "scene_2").await;
    let work = json!([{"jobId": scene.job, "leaseToken": scene.token}]);
    let started = database
        .call(
            "start_assets",
            json!({"p_story_id": story.id, "p_jobs": work, "p_owner": "me"}),
        )
        .await;
    assert_eq!(
        started["story"]["view"]["art"]["journey"]["motif"],
        "lantern"
    );
    database.complete(&scene).await;
    database.finish(&story).await;
    assert_eq!(database.overall(&story).await, "ready");
    assert_eq!(database.asset(&story, "scene_2").await["version"], 2);
    assert_eq!(
        database.call(TIDY, json!({})).await["stories"],
        0,
        "touched just now"
    );
}

#[tokio::test]
async fn a_stranger_does_not_bring_a_story_back() {
    let database = Database::new().await;
    let story = finished_story(&database, 31).await;
    database.call(TIDY, json!({})).await;
    let stranger = database.user("school").await;
    let refused = database
        .try_call(
            "cancel_assets",
            &json!({"p_user_id": stranger, "p_story_id": story.id}),
        )
        .await;
    assert_eq!(refused.unwrap_err().message, "STORY_NOT_FOUND");
    assert_eq!(
        jobs_of(&database, &story, "asset_generation_history")
            .await
            .len(),
        9
    );
}

#[tokio::test]
async fn a_sent_notice_travels_along_and_is_never_sent_again() {
    let database = Database::new().await;
    let sent = finished_story(&database, 31).await;
    database
        .arrange("update public.notification_outbox set sent_at = now()")
        .await;
    assert_eq!(database.call(TIDY, json!({})).await["notices"], 1);
    database
        .call(
            "regenerate_assets",
            json!({"p_user_id": sent.user, "p_story_id": sent.id, "p_asset_types": ["audio"]}),
        )
        .await;
    database.finish(&sent).await;
    let notices = format!("public.notification_outbox where story_id = '{}'", sent.id);
    assert_eq!(database.count(&notices).await, 1);
    assert_eq!(
        database
            .count(&format!("{notices} and sent_at is not null"))
            .await,
        1
    );
}

#[tokio::test]
async fn a_batch_is_bounded_and_takes_the_oldest_first() {
    let database = Database::new().await;
    let (younger, oldest) = (
        finished_story(&database, 40).await,
        finished_story(&database, 50).await,
    );
    let batch = json!({"p_limit": 1});
    assert_eq!(database.call(TIDY, batch.clone()).await["stories"], 1);
    assert_eq!(
        jobs_of(&database, &oldest, "asset_generation_history")
            .await
            .len(),
        9
    );
    assert_eq!(
        jobs_of(&database, &younger, "asset_generation_history")
            .await
            .len(),
        0
    );
    assert_eq!(database.call(TIDY, batch.clone()).await["stories"], 1);
    assert_eq!(database.call(TIDY, batch).await["stories"], 0);
}

#[tokio::test]
async fn idempotency_keys_are_forgotten_after_a_day() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let keyed = |key: &str| json!({"p_user_id": story.user, "p_story_id": story.id, "p_idempotency_key": key, "p_request_hash": "h"});
    let (old, new) = (fresh_key(), fresh_key());
    database.call("continue_story", keyed(&old)).await;
    database
        .arrange("update public.idempotency_keys set created_at = created_at - interval '25 hours'")
        .await;
    database.call("continue_story", keyed(&new)).await;
    assert_eq!(
        database.call("expire_stuck_jobs", json!({})).await["tidy"],
        true
    );
    assert_eq!(database.call(TIDY, json!({})).await["keys"], 1);
    let kept: String = database
        .value("select key from public.idempotency_keys")
        .await;
    assert_eq!(kept, new);
}

#[tokio::test]
async fn a_late_event_for_a_story_at_rest_is_told_so() {
    let database = Database::new().await;
    let story = finished_story(&database, 31).await;
    let cover = database.job(&story, "cover").await;
    database.call(TIDY, json!({})).await;
    let started = database
        .call(
            "start_content",
            json!({"p_story_id": story.id, "p_owner": "late"}),
        )
        .await;
    assert_eq!(
        (&started["granted"], &started["reason"]),
        (&json!(false), &json!("NO_SUCH_JOB"))
    );
    let report =
        json!([{"jobId": cover["id"], "leaseToken": cover["lease_token"], "progress": 50}]);
    let lost = database
        .call("report_progress", json!({"p_jobs": report}))
        .await;
    assert_eq!(lost["lost"][0]["reason"], "NO_SUCH_JOB");
    let late = json!({"p_job_id": cover["id"], "p_lease_token": cover["lease_token"], "p_result": {"url": "https://late.example"}});
    assert_eq!(database.call("complete_job", late).await["accepted"], false);
}

#[tokio::test]
async fn the_history_has_the_columns_of_the_tables_it_keeps() {
    let database = Database::new().await;
    let columns = async |table: &str| -> Vec<(String, String)> {
        sqlx::query_as(
            "select attname::text, format_type(atttypid, atttypmod) from pg_attribute
             where attrelid = format('public.%I', $1)::regclass and attnum > 0 and not attisdropped order by attnum",
        )
        .bind(table)
        .fetch_all(&database.superuser)
        .await
        .unwrap()
    };
    for (table, history) in [
        ("asset_generation_jobs", "asset_generation_history"),
        ("notification_outbox", "notification_history"),
    ] {
        assert_eq!(columns(table).await, columns(history).await, "{history}");
    }
}

#[tokio::test]
async fn a_notice_that_nobody_sent_for_a_month_is_dropped_and_the_outbox_stays_small() {
    let database = Database::new().await;
    let story = finished_story(&database, 31).await;
    assert_eq!(database.call(TIDY, json!({})).await["notices"], 1);
    assert_eq!(database.count("public.notification_outbox").await, 0);
    let again =
        json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["audio"]});
    database.call("regenerate_assets", again).await;
    database.finish(&story).await;
    let waiting = "public.notification_outbox where sent_at is null and dropped_at is null";
    assert_eq!(
        database.count(waiting).await,
        0,
        "nobody is told a month late"
    );
}
