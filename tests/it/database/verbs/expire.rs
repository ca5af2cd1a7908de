//! expire_stuck_jobs: who stopped extending a lease loses the job, within bounds.

use crate::database::fixture::{Database, EVERYTHING};
use serde_json::json;

#[tokio::test]
async fn a_silent_worker_costs_a_retry_each_time_and_in_the_end_the_job() {
    let database = Database::new().await;
    let story = database.story_with_text(&["audio"]).await;
    for _ in 0..2 {
        database.claim_asset(&story, "audio").await;
        database.let_leases_run_out(&story).await;
        let answer = database.call("expire_stuck_jobs", json!({})).await;
        assert_eq!(
            answer,
            json!({"expired": 0, "requeued": 1, "more": false, "claimable": true, "tidy": false, "spentTodayUsd": 0})
        );
        assert_eq!(database.asset(&story, "audio").await["status"], "retrying");
    }
    database.claim_asset(&story, "audio").await;
    database.let_leases_run_out(&story).await;
    let mut answer = database.call("expire_stuck_jobs", json!({})).await;
    let ended = answer["ended"].take();
    assert_eq!(
        (
            &ended[0]["overall"],
            &ended[0]["failed"],
            &ended[0]["retries"]
        ),
        (&json!("partial"), &json!(1), &json!(2))
    );
    assert_eq!(
        answer,
        // Of a story that ended a snapshot is to be written.
        json!({"ended": null, "expired": 1, "requeued": 0, "more": false, "claimable": true, "tidy": false,
            "spentTodayUsd": 0})
    );
    let shown = database.asset(&story, "audio").await;
    assert_eq!(
        (&shown["status"], &shown["error"], &shown["code"]),
        (
            &json!("failed"),
            &json!("Job timeout"),
            &json!("JOB_TIMEOUT")
        )
    );
    assert_eq!(database.overall(&story).await, "partial");
    let job = database.job(&story, "audio").await;
    let ends: Vec<_> = job["attempt_errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|end| (end["attempt"].clone(), end["code"].clone()))
        .collect();
    let timeout = |attempt: u32| (json!(attempt), json!("JOB_TIMEOUT"));
    assert_eq!(ends, [1, 2, 3].map(timeout));
}

#[tokio::test]
async fn a_sweep_tells_what_the_day_has_cost_everybody() {
    let database = Database::new().await;
    database
        .arrange(
            "select private.add_spending(private.platform(), 1.25), private.add_spending(gen_random_uuid(), 7);
             insert into private.spending (day, payer, spent_usd) values (private.today() - 1, private.platform(), 99)",
        )
        .await;
    let answer = database.call("expire_stuck_jobs", json!({})).await;
    assert_eq!(answer["spentTodayUsd"].as_f64(), Some(1.25), "{answer}");
}

#[tokio::test]
async fn a_live_lease_is_left_alone() {
    let database = Database::new().await;
    let story = database.story_with_text(&["audio"]).await;
    let lease = database.claim_asset(&story, "audio").await;
    assert_eq!(
        database.call("expire_stuck_jobs", json!({})).await["requeued"],
        0
    );
    assert_eq!(database.complete(&lease).await["accepted"], true);
}

#[tokio::test]
async fn a_batch_is_bounded_and_says_when_there_is_more() {
    let database = Database::new().await;
    let mut stories = Vec::new();
    for _ in 0..3 {
        stories.push(database.story_with_text(&["audio", "cover"]).await);
    }
    assert_eq!(database.claim(10).await.len(), 6);
    for story in &stories {
        database.let_leases_run_out(story).await;
    }
    let first = database
        .call("expire_stuck_jobs", json!({"p_limit": 4}))
        .await;
    assert_eq!(
        (&first["requeued"], &first["more"]),
        (&json!(4), &json!(true))
    );
    let second = database
        .call("expire_stuck_jobs", json!({"p_limit": 4}))
        .await;
    assert_eq!(
        (&second["requeued"], &second["more"]),
        (&json!(2), &json!(false))
    );
}

#[tokio::test]
async fn a_text_that_runs_out_takes_the_rest_with_it_even_what_ran_out_in_the_same_batch() {
    let database = Database::new().await;
    let story = database.story_with_text(&EVERYTHING).await;
    // No verb begins a text again and lets others go on, but nothing may hang on that.
    database
        .arrange(
            "update public.asset_generation_jobs set status = 'queued', completed_at = null, asset_version = 0
             where asset_type = 'content'",
        )
        .await;
    database.let_time_pass(&story).await;
    assert_eq!(database.claim(100).await.len(), 4);
    database
        .arrange(
            "update public.asset_generation_jobs set retry_count = 3 where status = 'generating'",
        )
        .await;
    database.let_leases_run_out(&story).await;
    database
        .arrange("update public.asset_generation_jobs set lease_expires_at = now() - interval '1 minute' where asset_type = 'content' and status = 'generating'")
        .await;
    let answer = database.call("expire_stuck_jobs", json!({})).await;
    assert_eq!(answer["expired"], 1, "{answer}");
    assert_eq!(
        database
            .count("public.asset_generation_jobs where status = 'cancelled'")
            .await,
        8
    );
    assert_eq!(database.credits(story.user).await, (0, 0));
}

/// What the rescuer is told of one dead invocation.
fn death(request: &str, tokens: &[&str]) -> serde_json::Value {
    match tokens {
        [] => json!({"p_dead_request": request}),
        _ => json!({"p_dead_request": request, "p_lease_tokens": tokens}),
    }
}

#[tokio::test]
async fn a_dead_invocation_loses_what_it_held_at_once_and_nobody_else_does() {
    let database = Database::new().await;
    let (dead, alive) = (
        database.story_with_text(&["audio", "cover"]).await,
        database.story_with_text(&["audio"]).await,
    );
    let claimed = database.claim(10).await;
    for (story, owner) in [(&dead, "r1/n1"), (&alive, "r10/n1")] {
        let jobs: Vec<_> = claimed
            .iter()
            .filter(|lease| lease.story == story.id)
            .map(|lease| json!({"jobId": lease.job, "leaseToken": lease.token}))
            .collect();
        let start = json!({"p_story_id": story.id, "p_jobs": jobs, "p_owner": owner});
        database.call("start_assets", start).await;
    }
    let answer = database.call("expire_stuck_jobs", death("r1", &[])).await;
    assert_eq!(
        (&answer["expired"], &answer["requeued"], &answer["more"]),
        (&json!(0), &json!(2), &json!(false))
    );
    assert_eq!(database.asset(&dead, "cover").await["status"], "retrying");
    assert_eq!(database.job(&dead, "audio").await["retry_count"], 1);
    assert_eq!(
        database.asset(&alive, "audio").await["status"],
        "generating"
    );
}

#[tokio::test]
async fn a_claim_that_was_never_started_goes_back_after_a_pause_and_counts_no_retry() {
    let database = Database::new().await;
    let story = database.story_with_text(&["audio"]).await;
    let claim = json!({"p_owner": "claim:w1/n1"});
    database.call("claim_asset_jobs", claim).await;
    let answer = database.call("expire_stuck_jobs", death("w1", &[])).await;
    assert_eq!(
        (&answer["requeued"], &answer["claimable"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(database.job(&story, "audio").await["retry_count"], 0);
    assert_eq!(database.claim(10).await, []);
}

#[tokio::test]
async fn an_event_that_never_ran_gives_back_the_leases_it_named_unless_somebody_started_them() {
    let database = Database::new().await;
    let story = database.story_with_text(&["audio", "cover"]).await;
    let claimed = database.claim(10).await;
    let audio = claimed.iter().find(|lease| lease.asset == "audio").unwrap();
    let started = json!([{"jobId": audio.job, "leaseToken": audio.token}]);
    let start = json!({"p_story_id": story.id, "p_jobs": started, "p_owner": "living/n1"});
    database.call("start_assets", start).await;
    let tokens: Vec<String> = claimed
        .iter()
        .map(|lease| lease.token.to_string())
        .collect();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let answer = database
        .call("expire_stuck_jobs", death("never-ran", &tokens))
        .await;
    assert_eq!(answer["requeued"], 1);
    assert_eq!(
        database.asset(&story, "audio").await["status"],
        "generating"
    );
    assert_eq!(database.asset(&story, "cover").await["status"], "pending");
}

#[tokio::test]
async fn a_new_story_s_text_waits_no_longer_for_an_invocation_that_died() {
    let database = Database::new().await;
    let story = database.story(&["cover"]).await;
    assert_eq!(database.claim(10).await, []);
    let death = json!({"p_dead_request": "r1", "p_new_story": story.id});
    let answer = database.call("expire_stuck_jobs", death).await;
    assert_eq!(answer["claimable"], true);
    assert_eq!(database.claim(10).await[0].asset, "content");
}

#[tokio::test]
async fn a_claim_says_when_a_lease_that_missed_its_heartbeats_ends() {
    let database = Database::new().await;
    let story = database.story_with_text(&["audio"]).await;
    database.claim_asset(&story, "audio").await;
    let healthy = database.call("claim_asset_jobs", json!({})).await;
    assert_eq!(healthy["nextInSeconds"], json!(null));
    database
        .arrange("update public.asset_generation_jobs set lease_expires_at = now() + interval '8 seconds' where status = 'generating'")
        .await;
    let silent = database.call("claim_asset_jobs", json!({})).await;
    let seconds = silent["nextInSeconds"].as_f64().unwrap();
    assert!((6.0..=8.0).contains(&seconds), "{seconds}");
}
