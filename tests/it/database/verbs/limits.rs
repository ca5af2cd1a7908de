//! What the providers allow: paces, jobs at once and pauses, kept by every verb that leases.

use crate::database::fixture::{Database, Lease, Story, completion, failure, fresh_key, leases};
use serde_json::{Value, json};

async fn limit(database: &Database, kind: &str, setting: &str) {
    database
        .arrange(&format!(
            "update public.provider_limits set {setting} where kind = '{kind}'"
        ))
        .await;
}

/// Moves what limits remember this far into the past.
async fn let_limits_age(database: &Database, seconds: u32) {
    database
        .arrange(&format!(
            "update public.provider_limits set taken_until = taken_until - interval '{seconds} seconds',
               paused_until = paused_until - interval '{seconds} seconds'"
        ))
        .await;
}

async fn covers(database: &Database, count: usize) -> Vec<Story> {
    let mut stories = Vec::new();
    for _ in 0..count {
        stories.push(database.story_with_text(&["cover"]).await);
    }
    stories
}

async fn claim_as(database: &Database, worker: &str, wait_seconds: u32) -> Value {
    let arguments = json!({"p_limit": 50, "p_owner": format!("claim:{worker}/{}", fresh_key()), "p_wait_seconds": wait_seconds});
    database.call("claim_asset_jobs", arguments).await
}

fn limited(lease: &Lease, retry_after_seconds: Option<u32>) -> Value {
    let mut failed = failure(lease, true);
    failed["p_error_code"] = json!("RATE_LIMITED");
    failed["p_retry_after_seconds"] = json!(retry_after_seconds);
    failed
}

fn seconds(answer: &Value) -> f64 {
    answer["nextInSeconds"].as_f64().unwrap_or(f64::NAN)
}

#[tokio::test]
async fn leases_keep_the_pace_and_the_next_opening_is_told() {
    let database = Database::new().await;
    limit(&database, "picture", "per_minute = 6, burst_seconds = 0").await;
    covers(&database, 3).await;
    let first = claim_as(&database, "one", 60).await;
    assert_eq!(leases(&first["jobs"]).len(), 1, "{first}");
    assert_eq!(first["more"], false);
    // One minute by 5.85: a fortieth of the limit is left free.
    assert!((8.0..=10.3).contains(&seconds(&first)), "{first}");
    assert_eq!(claim_as(&database, "one", 60).await["jobs"], json!([]));
    let_limits_age(&database, 11).await;
    assert_eq!(database.claim(50).await.len(), 1);
}

#[tokio::test]
async fn a_burst_is_what_was_not_used_within_its_seconds_and_no_more() {
    let database = Database::new().await;
    limit(&database, "picture", "per_minute = 60, burst_seconds = 3").await;
    covers(&database, 8).await;
    let_limits_age(&database, 3600).await;
    let burst = database.claim(50).await.len();
    assert_eq!(burst, 3, "one now, and what fits into three seconds");
}

#[tokio::test]
async fn other_kinds_of_call_do_not_wait_for_a_limited_one() {
    let database = Database::new().await;
    limit(&database, "picture", "per_minute = 1, burst_seconds = 0").await;
    covers(&database, 2).await;
    database
        .story_with_text(&["cover", "audio", "activities"])
        .await;
    let mut claimed = Vec::new();
    loop {
        let answer = claim_as(&database, "one", 60).await;
        claimed.extend(leases(&answer["jobs"]).into_iter().map(|lease| lease.asset));
        if answer["more"] == false {
            break;
        }
    }
    claimed.sort();
    assert_eq!(claimed, ["activities", "audio", "cover"]);
}

#[tokio::test]
async fn a_job_that_needs_more_calls_than_a_burst_holds_begins_all_the_same() {
    let database = Database::new().await;
    covers(&database, 2).await;
    limit(&database, "text", "per_minute = 60, burst_seconds = 0").await;
    let answer = claim_as(&database, "one", 60).await;
    assert_eq!(leases(&answer["jobs"]).len(), 1);
    // A cover asks text models seven times.
    assert!((5.5..=7.2).contains(&seconds(&answer)), "{answer}");
}

#[tokio::test]
async fn no_more_jobs_than_allowed_call_at_once_and_a_free_place_is_announced() {
    let database = Database::new().await;
    limit(&database, "speech", "at_once = 2").await;
    for _ in 0..4 {
        database.story_with_text(&["audio"]).await;
    }
    let held = database.claim(50).await;
    assert_eq!(held.len(), 2);
    assert_eq!(database.claim(50).await, []);
    let settled = database.complete(&held[0]).await;
    assert_eq!(
        settled["claimable"], 1,
        "a job of another story waits for the place: {settled}"
    );
    assert_eq!(database.claim(50).await.len(), 1);
    assert_eq!(
        database.complete(&held[1]).await["claimable"],
        1,
        "one more waits"
    );
    let last = database.claim(50).await;
    assert_eq!(last.len(), 1);
    assert_eq!(database.complete(&last[0]).await["claimable"], 0);
}

#[tokio::test]
async fn a_retry_after_holds_back_every_job_of_its_kind_and_costs_no_retry() {
    let database = Database::new().await;
    let stories = covers(&database, 2).await;
    let narrated = database.story_with_text(&["audio"]).await;
    let refused = database.claim_asset(&stories[0], "cover").await;
    let answer = database.call("fail_job", limited(&refused, Some(20))).await;
    assert_eq!(answer["retryInSeconds"].as_f64(), Some(20.0), "{answer}");
    let job = database.job(&stories[0], "cover").await;
    assert_eq!(
        (&job["status"], &job["retry_count"]),
        (&json!("queued"), &json!(0))
    );

    let claimed = claim_as(&database, "one", 60).await;
    let held: Vec<_> = leases(&claimed["jobs"])
        .into_iter()
        .map(|lease| lease.story)
        .collect();
    assert_eq!(held, [narrated.id], "neither cover is handed out");
    assert!((18.0..=20.0).contains(&seconds(&claimed)), "{claimed}");
    let_limits_age(&database, 20).await;
    database.let_time_pass(&stories[0]).await;
    assert_eq!(database.claim(50).await.len(), 2);
}

#[tokio::test]
async fn a_rate_limited_job_holds_no_slot() {
    let database = Database::new().await;
    let refused = covers(&database, 1).await.remove(0);
    let narrated = database.story_with_text(&["audio"]).await;
    let lease = database.claim_asset(&refused, "cover").await;
    database.call("fail_job", limited(&lease, Some(600))).await;
    let one_slot = json!({"p_limit": 10, "p_max_in_flight": 1});
    let claimed = database.call("claim_asset_jobs", one_slot).await;
    let claimed = leases(&claimed["jobs"]);
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].story, narrated.id);
}

#[tokio::test]
async fn a_limit_without_retry_after_holds_back_its_own_job_longer_each_time() {
    let database = Database::new().await;
    let stories = covers(&database, 2).await;
    let pause_of = async |lease: &Lease| {
        let answer = database.call("fail_job", limited(lease, None)).await;
        answer["retryInSeconds"].as_f64().unwrap()
    };
    let first = pause_of(&database.claim_asset(&stories[0], "cover").await).await;
    assert!((2.0..=2.5).contains(&first), "{first}");
    assert_eq!(database.claim(1).await[0].story, stories[1].id);
    database
        .arrange("update public.asset_generation_jobs set limited_since = limited_since - interval '20 seconds'")
        .await;
    let second = pause_of(&database.claim_asset(&stories[0], "cover").await).await;
    assert!((20.0..=25.6).contains(&second), "{second}");
}

#[tokio::test]
async fn no_job_fails_for_rate_within_half_an_hour_and_none_waits_for_ever() {
    let database = Database::new().await;
    let story = covers(&database, 1).await.remove(0);
    let refuse = async || {
        let_limits_age(&database, 60).await;
        let lease = database.claim_asset(&story, "cover").await;
        database.call("fail_job", limited(&lease, Some(30))).await;
        database.job(&story, "cover").await
    };
    for _ in 0..10 {
        assert_eq!(refuse().await["retry_count"], 0);
    }
    database
        .arrange("update public.asset_generation_jobs set limited_since = now() - interval '31 minutes' where asset_type = 'cover'")
        .await;
    for retries in 1..=3 {
        assert_eq!(refuse().await["retry_count"], retries);
    }
    let settled = refuse().await;
    assert_eq!(
        (
            &settled["status"],
            &settled["error_code"],
            &settled["limited_since"]
        ),
        (&json!("failed"), &json!("RATE_LIMITED"), &Value::Null)
    );
}

#[tokio::test]
async fn going_on_in_the_same_invocation_keeps_the_limits_too() {
    let database = Database::new().await;
    limit(&database, "picture", "per_minute = 60, burst_seconds = 1.5").await;
    let assets = ["cover", "scene_1", "scene_2", "scene_3", "scene_4", "audio"];
    let story = database.story(&assets).await;
    let text = database.start_content(&story, "me").await;
    let then = json!({"owner": "me", "limit": 9, "leaseSeconds": 60, "maxInFlight": 1000});
    let mut saved = completion(&text);
    saved["p_continue"] = then.clone();
    let_limits_age(&database, 60).await;
    let settled = database.call("complete_job", saved).await;
    let leased = leases(&settled["leased"]);
    assert_eq!(leased.len(), 2, "cover and voice: {settled}");
    let cover = leased
        .into_iter()
        .find(|lease| lease.asset == "cover")
        .unwrap();
    let mut drawn = completion(&cover);
    drawn["p_continue"] = then;
    let settled = database.call("complete_job", drawn).await;
    assert_eq!(
        leases(&settled["leased"]).len(),
        1,
        "one scene, two seconds' worth of pictures spoken for: {settled}"
    );
    assert_eq!(settled["claimable"], 3);
}

#[tokio::test]
async fn a_text_waits_in_the_queue_when_texts_are_paused() {
    let database = Database::new().await;
    let story = database.story(&["cover"]).await;
    limit(
        &database,
        "text",
        "paused_until = now() + interval '20 seconds'",
    )
    .await;
    let started = database
        .call(
            "start_content",
            json!({"p_story_id": story.id, "p_owner": "me"}),
        )
        .await;
    assert_eq!(
        (&started["granted"], &started["reason"]),
        (&json!(false), &json!("AT_CAPACITY"))
    );
    assert_eq!(database.job(&story, "content").await["attempt"], 0);
}

#[tokio::test]
async fn of_many_workers_one_waits_for_a_pause_to_end_and_a_nearer_end_is_worth_another() {
    let database = Database::new().await;
    let stories = covers(&database, 2).await;
    let pause = async |story: &Story, seconds: u32| {
        database
            .arrange(&format!(
                "update public.asset_generation_jobs set available_at = now() + interval '{seconds} seconds'
                 where story_id = '{}' and asset_type = 'cover'",
                story.id
            ))
            .await;
    };
    pause(&stories[0], 40).await;
    pause(&stories[1], 3600).await;
    let told = async |worker: &str| {
        let answer = claim_as(&database, worker, 55).await;
        assert_eq!(answer["jobs"], json!([]), "{answer}");
        answer["nextInSeconds"].as_f64()
    };
    assert!((38.0..=40.0).contains(&told("first").await.unwrap()));
    for other in 0..20 {
        assert_eq!(told(&format!("other-{other}")).await, None);
    }
    pause(&stories[1], 37).await;
    assert_eq!(told("second").await, None, "hardly nearer");
    pause(&stories[1], 4).await;
    assert!((2.0..=4.0).contains(&told("second").await.unwrap()));
    assert_eq!(told("first").await, None, "the second goes on");
    database
        .arrange("update private.limit_waiter set waits_for = now() - interval '3 seconds'")
        .await;
    assert!(
        told("third").await.is_some(),
        "who does not come back is dead"
    );
}

#[tokio::test]
async fn a_claim_tells_how_long_what_it_leaves_behind_has_waited() {
    let database = Database::new().await;
    covers(&database, 2).await;
    database
        .arrange(
            "update public.asset_generation_jobs set available_at = now() - interval '90 seconds'
             where status = 'queued' and asset_type = 'cover'",
        )
        .await;
    let capped = json!({"p_limit": 10, "p_max_in_flight": 1});
    let answer = database.call("claim_asset_jobs", capped).await;
    let age = answer["oldestClaimableSeconds"].as_f64().unwrap();
    assert!((90.0..=120.0).contains(&age), "{answer}");
    let answer = database.call("claim_asset_jobs", json!({})).await;
    assert_eq!(leases(&answer["jobs"]).len(), 1);
    assert_eq!(answer["oldestClaimableSeconds"], json!(null));
}

#[tokio::test]
async fn one_worker_waits_for_an_opening_and_a_fresher_or_a_later_one_takes_over() {
    let database = Database::new().await;
    limit(
        &database,
        "picture",
        "paused_until = now() + interval '10 seconds'",
    )
    .await;
    covers(&database, 1).await;
    let told =
        async |worker: &str, wait: u32| !seconds(&claim_as(&database, worker, wait).await).is_nan();
    assert!(told("one", 40).await);
    assert!(!told("two", 50).await, "one waits already, about as long");
    assert!(told("one", 38).await, "the one who waits is told again");
    assert!(told("two", 55).await, "two can stay 17 s longer");
    assert!(!told("one", 35).await);
    database
        .call("expire_stuck_jobs", json!({"p_dead_request": "two"}))
        .await;
    assert!(told("one", 35).await, "two is dead");
    limit(
        &database,
        "picture",
        "paused_until = now() + interval '50 seconds'",
    )
    .await;
    assert!(seconds(&claim_as(&database, "one", 35).await) > 45.0);
    assert!(
        told("three", 55).await,
        "one could not stay for that and left"
    );
}

#[tokio::test]
async fn calls_that_no_lease_spoke_for_are_taken_with_the_report_that_tells_of_them() {
    let database = Database::new().await;
    limit(&database, "picture", "per_minute = 6, burst_seconds = 0").await;
    let stories = covers(&database, 2).await;
    let lease = database.claim_asset(&stories[0], "cover").await;
    let report = |extra: Value| {
        let mut report = json!({"jobId": lease.job, "leaseToken": lease.token});
        report["extraCalls"] = extra;
        json!({"p_jobs": [report]})
    };
    let next = async || seconds(&claim_as(&database, "one", 60).await);
    database.call("extend_leases", report(Value::Null)).await;
    assert!(
        (8.0..=10.3).contains(&next().await),
        "a heartbeat alone takes none"
    );
    let redrawn = json!({"picture": 2, "text": 2});
    database.call("extend_leases", report(redrawn)).await;
    // Three pictures at a tenth of a minute by 0.975 each.
    assert!(
        (28.0..=30.9).contains(&next().await),
        "the next cover waits for them"
    );
}
