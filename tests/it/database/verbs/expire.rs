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
            json!({"expired": 0, "requeued": 1, "more": false, "claimable": true})
        );
        assert_eq!(database.asset(&story, "audio").await["status"], "retrying");
    }
    database.claim_asset(&story, "audio").await;
    database.let_leases_run_out(&story).await;
    let answer = database.call("expire_stuck_jobs", json!({})).await;
    assert_eq!(
        answer,
        json!({"expired": 1, "requeued": 0, "more": false, "claimable": false})
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
    database.claim_asset(&story, "cover").await;
    let again = json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["content"], "p_force": true});
    database.call("retry_assets", again).await;
    database.claim_asset(&story, "content").await;
    database.claim(100).await;
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
