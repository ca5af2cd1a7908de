//! report_progress: leases live on, progress only grows, and who lost a job is told.

use crate::database::fixture::{Database, Lease, Story};
use serde_json::{Value, json};

fn beat(lease: &Lease, more: Value) -> Value {
    let mut beat = json!({"jobId": lease.job, "leaseToken": lease.token});
    beat.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    beat
}

/// The story's row was written longer ago than it must rest.
async fn let_the_row_rest(database: &Database, story: &Story) {
    database
        .arrange(&format!(
            "set session_replication_role = replica;
             update public.stories set updated_at = updated_at - interval '2 seconds' where id = '{}';
             set session_replication_role = origin",
            story.id
        ))
        .await;
}

#[tokio::test]
async fn progress_grows_and_is_never_nearly_done_by_itself() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let lease = database.claim_asset(&story, "cover").await;
    for (reported, shown) in [(40, 40), (25, 40), (100, 95)] {
        let_the_row_rest(&database, &story).await;
        database
            .call(
                "report_progress",
                json!({"p_jobs": [beat(&lease, json!({"progress": reported}))]}),
            )
            .await;
        assert_eq!(database.asset(&story, "cover").await["progress"], shown);
    }
}

#[tokio::test]
async fn a_bare_heartbeat_extends_the_lease_and_changes_nothing_a_reader_sees() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let lease = database.claim_asset(&story, "cover").await;
    database.let_leases_run_out(&story).await;
    let before = database.row(&story).await;
    let answer = database
        .call(
            "report_progress",
            json!({"p_jobs": [beat(&lease, json!({}))], "p_lease_seconds": 60}),
        )
        .await;
    assert_eq!(answer, json!({"lost": []}));
    assert_eq!(database.row(&story).await, before);
    let job = database.job(&story, "cover").await;
    assert_eq!(job["progress"], 0);
    assert!(database.value::<bool>("select min(lease_expires_at) > now() + interval '50 seconds' from public.asset_generation_jobs").await);
}

#[tokio::test]
async fn what_a_picture_found_out_comes_with_every_job_that_is_leased_after_it() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "audio"]).await;
    let cover = database.claim_asset(&story, "cover").await;
    let audio = database.claim_asset(&story, "audio").await;
    let art = json!({"journey": {"motif": "lantern"}, "scenes": {"3": {"action": "run"}}});
    let found = beat(&cover, json!({"checkpoint": {"art-1": art}}));
    database
        .call("report_progress", json!({"p_jobs": [found]}))
        .await;
    // The picture goes back to the queue, and on to an invocation that began before anything was found out.
    database
        .call(
            "release_job",
            json!({"p_job_id": cover.job, "p_lease_token": cover.token}),
        )
        .await;
    let then = json!({"owner": "narrator", "limit": 3, "leaseSeconds": 60, "maxInFlight": 100, "holding": []});
    let told = database
        .call(
            "complete_job",
            json!({"p_job_id": audio.job, "p_lease_token": audio.token, "p_result": {"url": "u"}, "p_continue": then}),
        )
        .await;
    assert_eq!(told["leased"][0]["assetType"], "cover", "{told}");
    assert_eq!(told["view"]["art"], art);
}

#[tokio::test]
async fn a_report_that_was_overtaken_takes_back_nothing_that_was_found_out_of_pictures() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let cover = database.claim_asset(&story, "cover").await;
    let scene = |action: &str| json!({"action": action});
    let later = json!({"journey": {"motif": "lantern"}, "scenes": {"1": scene("run"), "2": scene("sleep")}});
    let earlier = json!({"journey": null, "scenes": {"1": scene("run")}});
    for art in [&later, &earlier] {
        let found = beat(&cover, json!({"checkpoint": {"art-1": art}}));
        database
            .call("report_progress", json!({"p_jobs": [found]}))
            .await;
    }
    database.fail(&cover, true).await;
    database.let_time_pass(&story).await;
    let next = database.call("claim_asset_jobs", json!({})).await;
    assert_eq!(next["jobs"][0]["checkpoint"], json!({"art-1": later}));
}

#[tokio::test]
async fn checkpoints_and_metadata_are_merged_and_outlive_the_attempt() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let lease = database.claim_asset(&story, "cover").await;
    for step in [
        json!({"checkpoint": {"art": 1}}),
        json!({"checkpoint": {"picture": 2}, "metadata": {"model": "m"}}),
    ] {
        database
            .call("report_progress", json!({"p_jobs": [beat(&lease, step)]}))
            .await;
    }
    assert_eq!(
        database.asset(&story, "cover").await["metadata"],
        json!({"model": "m"})
    );
    database.fail(&lease, true).await;
    database.let_time_pass(&story).await;
    let next = database.call("claim_asset_jobs", json!({})).await;
    assert_eq!(
        next["jobs"][0]["checkpoint"],
        json!({"art": 1, "picture": 2})
    );
}

#[tokio::test]
async fn whoever_lost_a_job_or_had_it_cancelled_is_told_and_writes_nothing() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "audio"]).await;
    let claimed = database.claim(10).await;
    database
        .call(
            "cancel_assets",
            json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["audio"]}),
        )
        .await;
    let cover = claimed.iter().find(|lease| lease.asset == "cover").unwrap();
    database.let_leases_run_out(&story).await;
    database.claim(10).await;
    let before = database.row(&story).await;
    let beats: Vec<_> = claimed
        .iter()
        .map(|lease| beat(lease, json!({"progress": 80, "checkpoint": {"x": 1}})))
        .collect();
    let answer = database
        .call("report_progress", json!({"p_jobs": beats}))
        .await;
    let reason_of = |job: &str| {
        answer["lost"]
            .as_array()
            .unwrap()
            .iter()
            .find(|lost| lost["jobId"] == job)
            .unwrap()["reason"]
            .clone()
    };
    assert_eq!(answer["lost"].as_array().unwrap().len(), 2);
    for lease in &claimed {
        assert_eq!(
            reason_of(&lease.job),
            if lease == cover {
                "LEASE_LOST"
            } else {
                "CANCELLED"
            }
        );
    }
    assert_eq!(database.row(&story).await, before);
    assert_eq!(database.job(&story, "cover").await["checkpoint"], json!({}));
}

#[tokio::test]
async fn money_spent_is_recorded_once_a_call_even_when_the_lease_is_gone() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let lease = database.claim_asset(&story, "cover").await;
    database
        .call(
            "cancel_assets",
            json!({"p_user_id": story.user, "p_story_id": story.id}),
        )
        .await;
    let paid = json!([{"callKey": "k", "provider": "openai", "model": "m", "kind": "image", "inputUnits": 3, "costUsd": 0.04}]);
    for _ in 0..2 {
        database
            .call(
                "report_progress",
                json!({"p_jobs": [beat(&lease, json!({"usage": paid}))]}),
            )
            .await;
    }
    assert_eq!(
        database
            .count(
                "public.usage_ledger where call_key = 'k' and cost_usd = 0.04 and result_refused"
            )
            .await,
        1
    );
}

#[tokio::test]
async fn mere_progress_is_written_once_a_second_and_only_where_a_reader_sees_it() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "audio"]).await;
    let claimed = database.claim(10).await;
    let told = async |lease: &Lease, percent: u8| {
        let beats = json!({"p_jobs": [beat(lease, json!({"progress": percent}))]});
        database.call("extend_leases", beats).await
    };
    let version = async || database.row(&story).await["version"].as_i64().unwrap();
    let of = |asset: &str| claimed.iter().find(|lease| lease.asset == asset).unwrap();
    let (cover, audio) = (of("cover"), of("audio"));

    let_the_row_rest(&database, &story).await;
    let before = version().await;
    assert_eq!(told(cover, 10).await, json!({"lost": []}));
    assert_eq!(version().await, before + 1);
    // Another invocation of the same story, within the second.
    let deferred = json!({"lost": [], "deferred": true});
    for percent in [11, 12, 13] {
        assert_eq!(told(audio, percent).await, deferred);
    }
    assert_eq!(version().await, before + 1);

    let_the_row_rest(&database, &story).await;
    assert_eq!(told(audio, 13).await, json!({"lost": []}));
    assert_eq!(version().await, before + 2);
    assert_eq!(database.asset(&story, "audio").await["progress"], 13);
    let_the_row_rest(&database, &story).await;
    for lease in [cover, audio] {
        assert_eq!(told(lease, 9).await, json!({"lost": []}), "nothing new");
    }
    assert_eq!(version().await, before + 2);
    // What was found out is shown at once.
    let found =
        json!({"p_jobs": [beat(cover, json!({"progress": 20, "metadata": {"motif": "lamp"}}))]});
    database.call("report_progress", found).await;
    assert_eq!(
        database.asset(&story, "cover").await["metadata"]["motif"],
        "lamp"
    );
}

#[tokio::test]
async fn an_attempt_is_told_where_one_before_it_was_held_up() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let lease = database.claim_asset(&story, "cover").await;
    let half = json!({"p_jobs": [beat(&lease, json!({"progress": 50}))]});
    database.call("report_progress", half).await;
    let release = json!({"p_job_id": lease.job, "p_lease_token": lease.token});
    database.call("release_job", release).await;
    let next = database.call("claim_asset_jobs", json!({})).await;
    assert_eq!(next["jobs"][0]["progress"], 50);
}

#[tokio::test]
async fn a_preview_is_shown_while_its_attempt_draws_and_goes_with_it_however_that_ends() {
    let database = Database::new().await;
    for end in ["complete", "retry", "give up", "lease"] {
        let story = database.story_with_text(&["cover"]).await;
        let lease = database.claim_asset(&story, "cover").await;
        database
            .arrange("update public.asset_generation_jobs set lease_owner = 'request/1' where status = 'generating'")
            .await;
        let told = beat(
            &lease,
            json!({"metadata": {"previewUrl": "https://cdn/p.jpg", "reason": "PICTURE_UNSAFE"}}),
        );
        let tell = async || {
            let told = json!({"p_jobs": [told.clone()]});
            database.call("report_progress", told).await
        };
        let preview = async || {
            let asset = database.asset(&story, "cover").await;
            assert_eq!(asset["metadata"]["reason"], "PICTURE_UNSAFE", "{asset}");
            asset["metadata"].get("previewUrl").cloned()
        };
        tell().await;
        assert_eq!(preview().await, Some(json!("https://cdn/p.jpg")));
        match end {
            "complete" => drop(database.complete(&lease).await),
            "retry" => drop(database.fail(&lease, true).await),
            "give up" => drop(database.fail(&lease, false).await),
            _ => {
                database.let_leases_run_out(&story).await;
                database.call("expire_stuck_jobs", json!({})).await;
            }
        }
        assert_eq!(preview().await, None, "{end}");
        // A late one is told that it is nobody's.
        let late = tell().await;
        assert_eq!(late["lost"][0]["jobId"], json!(lease.job), "{end}: {late}");
        assert_eq!(preview().await, None, "{end}");
        let versions = format!(
            "public.asset_versions where story_id = '{}' and result::text like '%previewUrl%'",
            story.id
        );
        assert_eq!(database.count(&versions).await, 0);
        // Its file is looked for when nobody can write it any more.
        let wanted = format!(
            "private.deletion_queue where story_id = '{}' and kind = 'orphans' and ended_attempts = '[[\"cover\", 1]]'",
            story.id
        );
        assert_eq!(database.count(&wanted).await, 1, "{end}");
    }
}
