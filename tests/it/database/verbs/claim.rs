//! claim_asset_jobs, start_assets and release_job: who gets which job, and when.

use crate::database::fixture::{Database, Story, leases};
use serde_json::{Value, json};

async fn with_priority(database: &Database, priority: &str) -> Story {
    let story = database.story_with_text(&["cover"]).await;
    database
        .arrange(&format!(
            "update public.asset_generation_jobs set priority = '{priority}', inputs_settled = true,
             claim_order = now() + private.head_start('{priority}') where story_id = '{}' and asset_type = 'cover'",
            story.id
        ))
        .await;
    story
}

#[tokio::test]
async fn urgent_is_claimed_before_high_before_normal() {
    let database = Database::new().await;
    let normal = with_priority(&database, "normal").await;
    let high = with_priority(&database, "high").await;
    let urgent = with_priority(&database, "urgent").await;
    let mut order = Vec::new();
    for _ in 0..3 {
        order.push(database.claim(1).await.remove(0).story);
    }
    assert_eq!(order, [urgent.id, high.id, normal.id]);
}

#[tokio::test]
async fn a_normal_job_that_waited_five_minutes_is_claimed_before_an_urgent_one() {
    let database = Database::new().await;
    let normal = with_priority(&database, "normal").await;
    database.arrange("update public.asset_generation_jobs set claim_order = claim_order - interval '5 minutes'").await;
    let urgent = with_priority(&database, "urgent").await;
    assert_eq!(database.claim(1).await[0].story, normal.id);
    assert_eq!(database.claim(1).await[0].story, urgent.id);
}

#[tokio::test]
async fn a_user_with_one_story_is_served_between_the_many_of_another() {
    let database = Database::new().await;
    let busy = database.user("school").await;
    for _ in 0..5 {
        let story = database.story_of(busy, &["cover", "audio"]).await;
        database.write_text(&story).await;
    }
    let modest = database.story_with_text(&["cover"]).await;
    let claimed = database.claim(3).await;
    assert!(
        claimed.iter().any(|lease| lease.story == modest.id),
        "{claimed:?}"
    );
    // Those in flight count as turns already had: the next newcomer is first.
    let newcomer = database.story_with_text(&["cover"]).await;
    assert_eq!(database.claim(1).await[0].story, newcomer.id);
}

#[tokio::test]
async fn no_more_are_in_flight_than_the_cap_whatever_the_limit() {
    let database = Database::new().await;
    for _ in 0..4 {
        database.story_with_text(&["cover", "audio"]).await;
    }
    let capped = json!({"p_limit": 100, "p_max_in_flight": 5});
    let first = database.call("claim_asset_jobs", capped.clone()).await;
    assert_eq!(
        (leases(&first["jobs"]).len(), &first["more"]),
        (5, &json!(false))
    );
    assert_eq!(
        database.call("claim_asset_jobs", capped.clone()).await["jobs"],
        json!([])
    );
    database.complete(&leases(&first["jobs"])[0]).await;
    assert_eq!(
        leases(&database.call("claim_asset_jobs", capped).await["jobs"]).len(),
        1
    );
}

#[tokio::test]
async fn a_small_batch_says_that_there_is_more() {
    let database = Database::new().await;
    database.story_with_text(&["cover", "audio"]).await;
    assert_eq!(
        database
            .call("claim_asset_jobs", json!({"p_limit": 1}))
            .await["more"],
        true
    );
    assert_eq!(
        database
            .call("claim_asset_jobs", json!({"p_limit": 1}))
            .await["more"],
        false
    );
}

#[tokio::test]
async fn cancelled_jobs_and_jobs_in_backoff_are_not_claimed() {
    let database = Database::new().await;
    let story = database
        .story_with_text(&["cover", "audio", "activities"])
        .await;
    database
        .call(
            "cancel_assets",
            json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["cover"]}),
        )
        .await;
    let audio = database.claim_asset(&story, "audio").await;
    database.fail(&audio, true).await;
    let answer = database.call("claim_asset_jobs", json!({})).await;
    let claimed: Vec<_> = leases(&answer["jobs"])
        .into_iter()
        .map(|lease| lease.asset)
        .collect();
    assert_eq!(claimed, ["activities"]);
    let seconds = answer["nextInSeconds"].as_f64().unwrap();
    assert!(
        (4.0..=6.5).contains(&seconds),
        "audio waits 5 s and up to a quarter more, not {seconds}"
    );
}

#[tokio::test]
async fn a_job_in_backoff_takes_no_place_in_a_batch() {
    let database = Database::new().await;
    database.story_with_text(&["cover", "audio"]).await;
    database
        .arrange(
            "update public.asset_generation_jobs set available_at = now() + interval '1 hour',
               claim_order = now() - interval '1 hour' where asset_type = 'cover'",
        )
        .await;
    assert_eq!(database.claim(1).await[0].asset, "audio");
}

#[tokio::test]
async fn a_claimed_job_starts_once_and_again_only_for_the_same_invocation() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "audio"]).await;
    let claimed = database.claim(10).await;
    let jobs: Vec<Value> = claimed
        .iter()
        .map(|lease| json!({"jobId": lease.job, "leaseToken": lease.token}))
        .collect();
    let start = |owner: &str| json!({"p_story_id": story.id, "p_jobs": jobs, "p_owner": owner});
    assert_eq!(
        database.call("start_assets", start("one")).await["jobs"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        database.call("start_assets", start("one")).await["jobs"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        database.call("start_assets", start("two")).await["jobs"],
        json!([])
    );
}

#[tokio::test]
async fn a_released_job_is_claimable_after_its_delay_and_loses_no_retry() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let lease = database.claim_asset(&story, "cover").await;
    let release =
        json!({"p_job_id": lease.job, "p_lease_token": lease.token, "p_delay_seconds": 30});
    assert_eq!(
        database.call("release_job", release.clone()).await["accepted"],
        true
    );
    assert_eq!(database.claim(10).await, []);
    assert_eq!(database.job(&story, "cover").await["retry_count"], 0);
    assert_eq!(
        database.call("release_job", release).await["accepted"],
        false
    );
    let next = database.claim_asset(&story, "cover").await;
    assert_ne!(next.token, lease.token);
    assert_eq!(database.complete(&lease).await["reason"], "LEASE_LOST");
}

#[tokio::test]
async fn a_claim_requeues_what_ran_out_in_passing() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let dead = database.claim_asset(&story, "cover").await;
    database.let_leases_run_out(&story).await;
    let taken_over = database.claim(10).await;
    assert_eq!(taken_over[0].job, dead.job);
    assert_eq!(database.complete(&dead).await["reason"], "LEASE_LOST");
}
