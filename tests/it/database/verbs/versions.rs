//! What is shown belongs together: a new text takes everything with it that was made from the old one, and a try that
//! fails or is cancelled takes nothing away.

use crate::database::fixture::{Database, EVERYTHING, Lease, Story, completion};
use serde_json::{Value, json};

async fn steer(database: &Database, verb: &str, story: &Story, assets: &[&str]) -> Value {
    let arguments =
        json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": assets});
    database.call(verb, arguments).await
}

async fn regenerate(database: &Database, story: &Story, assets: &[&str]) -> Value {
    steer(database, "regenerate_assets", story, assets).await
}

async fn finished_story(database: &Database) -> Story {
    let story = database.story_with_text(&EVERYTHING).await;
    database.finish(&story).await;
    assert_eq!(database.overall(&story).await, "ready");
    story
}

/// A narration that was recorded with or without the times of its words.
async fn narrate(database: &Database, lease: &Lease, words: Value) {
    let mut narration = completion(lease);
    narration["p_result"]["words"] = words;
    narration["p_result"]["blocks"] = json!({"a": "<p>…</p>"});
    database.call("complete_job", narration).await;
}

/// Status, address and version of every asset, as the front end sees them.
async fn shown(database: &Database, story: &Story) -> Vec<(String, Value, Value, Value)> {
    let row = database.row(story).await;
    let assets = row["asset_generation_status"]["assets"]
        .as_object()
        .unwrap();
    assets
        .iter()
        .map(|(asset, state)| {
            let part = |name: &str| state[name].clone();
            (asset.clone(), part("status"), part("url"), part("version"))
        })
        .collect()
}

#[tokio::test]
async fn a_new_text_makes_everything_again_that_was_made_from_the_old_one() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    let steered = regenerate(&database, &story, &["content"]).await;
    assert_eq!(steered["assetTypes"], json!(["content"]));
    assert_eq!(database.claim(100).await.len(), 1, "all wait for the text");
    database.let_leases_run_out(&story).await;
    database.finish(&story).await;
    for (asset, status, _, version) in shown(&database, &story).await {
        assert_eq!((status, version), (json!("ready"), json!(2)), "{asset}");
    }
    assert_eq!(database.overall(&story).await, "ready");
}

#[tokio::test]
async fn what_is_being_made_from_the_old_text_loses_its_lease_to_a_new_one() {
    let database = Database::new().await;
    let story = database.story_with_text(&["audio", "cover"]).await;
    let narration = database.claim_asset(&story, "audio").await;
    regenerate(&database, &story, &["content"]).await;
    assert_eq!(database.complete(&narration).await["accepted"], false);
    database.finish(&story).await;
    assert_eq!(database.asset(&story, "audio").await["version"], 1);
    assert_eq!(database.overall(&story).await, "ready");
}

#[tokio::test]
async fn a_new_text_gets_an_art_direction_of_its_own() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "scene_1"]).await;
    let cover = database.claim_asset(&story, "cover").await;
    let art = json!({"journey": {"motif": "a lamp"}, "scenes": {"1": {"pose": "sitting"}}});
    let report = json!({"p_jobs": [{"jobId": cover.job, "leaseToken": cover.token, "checkpoint": {"art-1": art}}]});
    database.call("report_progress", report).await;
    database.complete(&cover).await;
    let known = async || -> Value {
        let view = format!("select private.story_view('{}') -> 'art'", story.id);
        database.value(&view).await
    };
    assert_eq!(known().await["journey"]["motif"], "a lamp");
    regenerate(&database, &story, &["content"]).await;
    assert_eq!(known().await, json!({"journey": null, "scenes": {}}));
    database.write_text(&story).await;
    assert_eq!(known().await, json!({"journey": null, "scenes": {}}));
    // The text before is shown again, and its pictures go on in their direction.
    steer(&database, "cancel_assets", &story, &["cover"]).await;
    assert_eq!(known().await["journey"]["motif"], "a lamp");
}

#[tokio::test]
async fn a_lease_tells_whether_an_earlier_version_serves_on() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    let told = async || -> bool {
        let lease = database.claim_asset(&story, "cover").await;
        let jobs = format!("private.leased_jobs(array['{}'::uuid])", lease.job);
        let query = format!("select ({jobs} #> '{{0,earlierVersionStands}}')::boolean");
        database.value(&query).await
    };
    regenerate(&database, &story, &["cover"]).await;
    assert!(told().await);
    // Under a new text as well: readers keep what they have.
    regenerate(&database, &story, &["content"]).await;
    database.write_text(&story).await;
    assert!(told().await);
    let unfinished = database.story_with_text(&["cover"]).await;
    let lease = database.claim_asset(&unfinished, "cover").await;
    let jobs = format!("private.leased_jobs(array['{}'::uuid])", lease.job);
    let query = format!("select ({jobs} #> '{{0,earlierVersionStands}}')::boolean");
    assert!(!database.value::<bool>(&query).await);
}

#[tokio::test]
async fn a_new_text_that_fails_or_is_cancelled_leaves_the_finished_story_as_it_was() {
    let database = Database::new().await;
    for cancelled in [false, true] {
        let story = finished_story(&database).await;
        let before = shown(&database, &story).await;
        regenerate(&database, &story, &["content"]).await;
        if cancelled {
            steer(&database, "cancel_assets", &story, &["content"]).await;
        } else {
            let text = database.claim_asset(&story, "content").await;
            assert_eq!(database.fail(&text, false).await["accepted"], true);
            assert_eq!(
                database.fail(&text, false).await["replayed"],
                true,
                "said again because the answer was lost"
            );
        }
        assert_eq!(shown(&database, &story).await, before);
        let row = database.row(&story).await;
        assert_eq!(
            (&row["status"], &row["asset_generation_status"]["overall"]),
            (&json!("ready"), &json!("ready"))
        );
        let last_error = &row["asset_generation_status"]["assets"]["content"]["lastError"];
        let code = if cancelled {
            "CANCELLED"
        } else {
            "PROVIDER_UNAVAILABLE"
        };
        assert_eq!(last_error["code"], code);
        assert_eq!(
            database.credits(story.user).await,
            (1, 1),
            "a story that was delivered is not refunded"
        );
        let failures = format!(
            "public.notification_outbox where story_id = '{}' and kind = 'failed'",
            story.id
        );
        assert_eq!(database.count(&failures).await, 0);
        assert_eq!(database.claim(100).await, []);
    }
}

#[tokio::test]
async fn a_new_picture_that_fails_leaves_the_old_one_and_the_book_that_was_bound_from_it() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    let before = shown(&database, &story).await;
    regenerate(&database, &story, &["scene_2"]).await;
    assert_eq!(database.asset(&story, "pdf").await["status"], "pending");
    let scene = database.claim_asset(&story, "scene_2").await;
    let mut failure = crate::database::fixture::failure(&scene, false);
    failure["p_placeholder"] =
        json!({"url": "https://cdn.example/placeholder", "colors": ["#000000"]});
    database.call("fail_job", failure).await;
    assert_eq!(shown(&database, &story).await, before);
    assert_eq!(
        database.row(&story).await["hue_extracted_colors"]["scene_2"],
        json!(["#101010"])
    );
    assert_eq!(database.overall(&story).await, "ready");

    regenerate(&database, &story, &["scene_2"]).await;
    database.finish(&story).await;
    let scene = database.asset(&story, "scene_2").await;
    assert_eq!(
        (&scene["version"], &scene["lastError"]),
        (&json!(2), &Value::Null)
    );
    assert_eq!(database.asset(&story, "pdf").await["version"], 2);
}

#[tokio::test]
async fn a_cancelled_or_silent_worker_cannot_publish_over_the_version_that_stands() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    let before = shown(&database, &story).await;
    regenerate(&database, &story, &["audio"]).await;
    let late = database.claim_asset(&story, "audio").await;
    steer(&database, "cancel_assets", &story, &["audio"]).await;
    assert_eq!(database.complete(&late).await["accepted"], false);
    assert_eq!(shown(&database, &story).await, before);

    regenerate(&database, &story, &["audio"]).await;
    let silent = database.claim_asset(&story, "audio").await;
    database
        .arrange(
            "update public.asset_generation_jobs set retry_count = 2 where asset_type = 'audio'",
        )
        .await;
    database.let_leases_run_out(&story).await;
    database.call("expire_stuck_jobs", json!({})).await;
    assert_eq!(database.complete(&silent).await["accepted"], false);
    assert_eq!(shown(&database, &story).await, before);
    assert_eq!(
        database.asset(&story, "audio").await["lastError"]["code"],
        "JOB_TIMEOUT"
    );
}

#[tokio::test]
async fn the_times_of_an_old_recording_do_not_outlive_it() {
    let database = Database::new().await;
    let story = database.story_with_text(&["audio"]).await;
    let first = database.claim_asset(&story, "audio").await;
    narrate(
        &database,
        &first,
        json!([{"txt": "Once", "start": 0, "end": 1}]),
    )
    .await;
    assert!(database.row(&story).await["audio_words"].is_array());
    regenerate(&database, &story, &["audio"]).await;
    let second = database.claim_asset(&story, "audio").await;
    narrate(&database, &second, Value::Null).await;
    let row = database.row(&story).await;
    assert_eq!(row["audio_words"], Value::Null);
    assert!(row["audio_blocks"].is_object());
}

#[tokio::test]
async fn scenes_that_were_drawn_from_an_older_cover_are_marked_as_stale() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    assert_eq!(
        database.asset(&story, "scene_1").await["stale"],
        Value::Null
    );
    regenerate(&database, &story, &["cover"]).await;
    database.finish(&story).await;
    assert_eq!(database.asset(&story, "scene_1").await["stale"], true);
    assert_eq!(
        database.asset(&story, "pdf").await["stale"],
        Value::Null,
        "the book was bound again"
    );
    regenerate(&database, &story, &["scene_1"]).await;
    database.finish(&story).await;
    assert_eq!(
        database.asset(&story, "scene_1").await["stale"],
        Value::Null
    );
}

#[tokio::test]
async fn a_scene_that_waits_is_drawn_from_the_cover_that_is_asked_for_again() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "scene_1"]).await;
    let cover = database.claim_asset(&story, "cover").await;
    database.complete(&cover).await;
    regenerate(&database, &story, &["cover"]).await;
    let claimed: Vec<_> = database.claim(10).await;
    let assets: Vec<_> = claimed.iter().map(|lease| lease.asset.as_str()).collect();
    assert_eq!(assets, ["cover"]);
    database.complete(&claimed[0]).await;
    database.finish(&story).await;
    assert_eq!(
        database.asset(&story, "scene_1").await["stale"],
        Value::Null
    );
}

#[tokio::test]
async fn a_book_without_a_cover_is_refused_and_the_cover_is_named() {
    let database = Database::new().await;
    let story = database.story_with_text(&[]).await;
    let ask = json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["pdf"]});
    let before = database.row(&story).await;
    let refusal = database
        .try_call("generate_assets", &ask)
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("PT409", "MISSING_REQUIRED_ASSETS")
    );
    assert_eq!(refusal.detail, json!({"missing": ["cover"]}));
    assert_eq!(database.row(&story).await, before);
    steer(&database, "generate_assets", &story, &["cover", "pdf"]).await;
    database.finish(&story).await;
    assert_eq!(database.overall(&story).await, "ready");
}

#[tokio::test]
async fn a_wish_stays_until_another_of_its_kind_is_made() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    let ask = |options: Value| json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["audio"], "p_options": options});
    database
        .call("regenerate_assets", ask(json!({"voiceId": "josh"})))
        .await;
    database.finish(&story).await;
    database
        .call("regenerate_assets", ask(json!({"simplifyPrompt": false})))
        .await;
    assert_eq!(
        database.job(&story, "audio").await["options"],
        json!({"voiceId": "josh", "simplifyPrompt": false})
    );
}
