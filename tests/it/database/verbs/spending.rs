//! Money: what is recorded of it, and limits of a day that stop it before it is spent.

use crate::database::fixture::{
    Database, EVERYTHING, Lease, Refusal, Story, completion, creation, failure, fresh_key, leases,
};
use serde_json::{Value, json};
use uuid::Uuid;

mod own_day;

fn paid(usd: f64) -> Value {
    json!([{"callKey": fresh_key(), "provider": "openai", "model": "m", "kind": "picture", "costUsd": usd,
        "priceVersion": "2026-11-26"}])
}

async fn complete_for(database: &Database, lease: &Lease, usd: f64) -> Value {
    let mut done = completion(lease);
    done["p_usage"] = paid(usd);
    database.call("complete_job", done).await
}

/// What the day has come to: of the platform, or of a user.
async fn spent(database: &Database, user: Option<Uuid>) -> f64 {
    let payer = user.unwrap_or_default();
    database
        .value(&format!(
            "select coalesce(sum(spent_usd), 0)::float8 from private.spending
             where day = private.today() and payer = '{payer}'"
        ))
        .await
}

async fn limit_platform(database: &Database, setting: &str) {
    database
        .arrange(&format!("update private.platform_limits set {setting}"))
        .await;
}

async fn limit_premium(database: &Database, usd: f64) {
    database
        .arrange(&format!(
            "update public.tiers set daily_cost_limit_usd = {usd} where code = 'premium'"
        ))
        .await;
}

async fn let_the_day_turn(database: &Database) {
    database
        .arrange("update private.spending set day = day - 1; update public.asset_generation_jobs set available_at = now() where status = 'queued'")
        .await;
}

async fn covers(database: &Database, count: usize) -> Vec<Story> {
    let mut stories = Vec::new();
    for _ in 0..count {
        stories.push(database.story_with_text(&["cover"]).await);
    }
    stories
}

/// A story whose assets are there, of a plan with a limit.
async fn finished_story(database: &Database, assets: &[&str]) -> Story {
    let user = database.user("premium").await;
    let story = database.story_of(user, assets).await;
    database.write_text(&story).await;
    database.finish(&story).await;
    story
}

async fn ask_again(database: &Database, story: &Story, assets: &[&str]) -> Result<Value, Refusal> {
    let wish = json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": assets});
    database.try_call("regenerate_assets", &wish).await
}

async fn refused(database: &Database, user: Uuid, assets: &[&str]) -> Refusal {
    let character = database.character(user).await;
    let wish = creation(user, &character, assets);
    database.try_call("create_story", &wish).await.unwrap_err()
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-6
}

#[tokio::test]
async fn a_call_counts_once_and_says_by_which_price() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let lease = database.claim_asset(&story, "cover").await;
    let beat =
        json!({"p_jobs": [{"jobId": lease.job, "leaseToken": lease.token, "usage": paid(0.25)}]});
    for _ in 0..2 {
        database.call("report_progress", beat.clone()).await;
    }
    complete_for(&database, &lease, 0.5).await;
    assert!(close(spent(&database, None).await, 0.75));
    assert_eq!(
        database
            .count("public.usage_ledger where price_version = '2026-11-26' and asset_version = 1")
            .await,
        2
    );
}

#[tokio::test]
async fn what_a_user_asks_for_again_draws_on_the_day_and_a_new_story_does_not() {
    let database = Database::new().await;
    let story = finished_story(&database, &["cover"]).await;
    let fresh = database.story_of(story.user, &["cover"]).await;
    database.write_text(&fresh).await;
    let first = database.claim_asset(&fresh, "cover").await;
    complete_for(&database, &first, 0.3).await;
    assert!(close(spent(&database, Some(story.user)).await, 0.0));
    ask_again(&database, &story, &["cover"]).await.unwrap();
    let again = database.claim_asset(&story, "cover").await;
    complete_for(&database, &again, 0.2).await;
    assert!(close(spent(&database, Some(story.user)).await, 0.2));
    let usage = json!({"p_user_id": story.user, "p_email": null});
    let usage = database.call("user_usage", usage).await;
    assert!(close(
        usage["costTodayUsd"].as_f64().unwrap_or_default(),
        0.2
    ));
    assert!(close(spent(&database, None).await, 0.5));
}

#[tokio::test]
async fn the_money_of_a_job_that_is_gone_is_kept_without_names() {
    let database = Database::new().await;
    let (job, token) = (Uuid::new_v4(), Uuid::new_v4());
    let told = database
        .call(
            "complete_job",
            json!({"p_job_id": job, "p_lease_token": token, "p_result": {}, "p_usage": paid(0.1)}),
        )
        .await;
    assert_eq!(told["accepted"], false);
    let story = database.story_with_text(&["cover"]).await;
    let lease = database.claim_asset(&story, "cover").await;
    let beats = json!({"p_jobs": [{"jobId": job, "leaseToken": token, "usage": paid(0.2)},
        {"jobId": lease.job, "leaseToken": lease.token, "usage": paid(0.4)}]});
    database.call("report_progress", beats).await;
    assert_eq!(
        database
            .count("public.usage_ledger where user_id is null and story_id is null and job_id is null and result_refused")
            .await,
        2
    );
    assert!(close(spent(&database, None).await, 0.7));
}

#[tokio::test]
async fn a_job_that_is_handed_back_tells_what_was_paid_for_it() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let lease = database.claim_asset(&story, "cover").await;
    let release =
        json!({"p_job_id": lease.job, "p_lease_token": lease.token, "p_usage": paid(0.034)});
    assert_eq!(
        database.call("release_job", release).await["accepted"],
        true
    );
    assert!(close(spent(&database, None).await, 0.034));
}

#[tokio::test]
async fn a_story_is_not_charged_for_what_failed_or_has_a_placeholder() {
    let database = Database::new().await;
    let story = database
        .story_with_text(&["cover", "audio", "activities"])
        .await;
    let done = database.claim_asset(&story, "activities").await;
    complete_for(&database, &done, 0.01).await;
    let cover = database.claim_asset(&story, "cover").await;
    let failed = json!({"p_job_id": cover.job, "p_lease_token": cover.token, "p_error_code": "IMAGE_VALIDATION_FAILED",
        "p_error_message": "m", "p_retryable": false, "p_placeholder": {"url": "u", "colors": []}, "p_usage": paid(0.1)});
    database.call("fail_job", failed).await;
    let audio = database.claim_asset(&story, "audio").await;
    let mut failed = failure(&audio, false);
    failed["p_usage"] = paid(0.3);
    let summary = database.call("fail_job", failed).await["summary"].clone();
    assert!(
        close(summary["costUsd"].as_f64().unwrap(), 0.01),
        "{summary}"
    );
    assert!(
        close(spent(&database, None).await, 0.41),
        "paid all the same"
    );
}

#[tokio::test]
async fn no_more_is_leased_than_the_platform_has_money_for_until_it_turns_out_to_cost_less() {
    let database = Database::new().await;
    covers(&database, 3).await;
    limit_platform(&database, "daily_cost_usd = 0.5").await;
    let claimed = database
        .call("claim_asset_jobs", json!({"p_owner": "claim:one/1"}))
        .await;
    let held = leases(&claimed["jobs"]);
    assert_eq!(held.len(), 2, "0.22 is set aside for a cover");
    assert_eq!(claimed["more"], false, "a worker goes home: {claimed}");
    complete_for(&database, &held[0], 0.08).await;
    assert_eq!(database.claim(10).await, [], "0.20 are left");
    complete_for(&database, &held[1], 0.08).await;
    assert_eq!(database.claim(10).await.len(), 1);
}

#[tokio::test]
async fn what_waits_for_money_is_taken_up_when_the_day_turns_or_the_limit_is_lifted() {
    let database = Database::new().await;
    covers(&database, 2).await;
    let first = database.claim(1).await.remove(0);
    complete_for(&database, &first, 5.0).await;
    limit_platform(&database, "daily_cost_usd = 5").await;
    let claimed = database.call("claim_asset_jobs", json!({})).await;
    assert_eq!(
        (
            &claimed["jobs"],
            &claimed["more"],
            &claimed["nextInSeconds"]
        ),
        (&json!([]), &json!(false), &Value::Null)
    );
    limit_platform(&database, "daily_cost_usd = 6").await;
    let lifted = database.claim(1).await.remove(0);
    complete_for(&database, &lifted, 1.0).await;
    let_the_day_turn(&database).await;
    assert!(close(spent(&database, None).await, 0.0));
    covers(&database, 1).await;
    assert_eq!(database.claim(1).await.len(), 1);
}

#[tokio::test]
async fn a_spent_day_refuses_new_stories_until_midnight_and_a_pause_by_hand_until_it_ends() {
    let database = Database::new().await;
    let user = database.user("school").await;
    limit_platform(&database, "daily_cost_usd = 0.1").await;
    let refusal = refused(&database, user, &EVERYTHING).await;
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("PT503", "PLATFORM_PAUSED")
    );
    let seconds = refusal.detail["retryAfterSeconds"].as_f64().unwrap();
    assert!((1.0..=86_400.0).contains(&seconds), "{seconds}");
    limit_platform(&database, "daily_cost_usd = null, paused = true").await;
    let refusal = refused(&database, user, &EVERYTHING).await;
    assert_eq!(
        (refusal.message.as_str(), &refusal.detail),
        ("PLATFORM_PAUSED", &json!({}))
    );
    assert_eq!(database.credits(user).await, (0, 0));
    limit_platform(&database, "paused = false").await;
    database.story_of(user, &EVERYTHING).await;
}

#[tokio::test]
async fn a_pause_by_hand_begins_nothing_but_what_costs_nothing() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "pdf"]).await;
    let waiting = database.story(&[]).await;
    let cover = database.claim_asset(&story, "cover").await;
    limit_platform(&database, "paused = true").await;
    let started = database
        .call(
            "start_content",
            json!({"p_story_id": waiting.id, "p_owner": "me"}),
        )
        .await;
    assert_eq!(started["reason"], "AT_CAPACITY");
    complete_for(&database, &cover, 0.08).await;
    let claimed = database.claim(10).await;
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    assert_eq!(claimed[0].asset, "pdf");
}

#[tokio::test]
async fn going_on_in_the_same_invocation_keeps_the_budget_too() {
    let database = Database::new().await;
    let story = database.story(&["cover", "audio"]).await;
    let text = database.start_content(&story, "me").await;
    // Enough for a cover, not for a narration beside it.
    limit_platform(&database, "daily_cost_usd = 0.5").await;
    let mut saved = completion(&text);
    saved["p_continue"] =
        json!({"owner": "me", "limit": 9, "leaseSeconds": 60, "maxInFlight": 1000});
    let settled = database.call("complete_job", saved).await;
    let leased = leases(&settled["leased"]);
    assert_eq!(leased.len(), 1, "{settled}");
    assert_eq!(leased[0].asset, "cover");
}

#[tokio::test]
async fn money_is_set_aside_for_a_worker_that_does_not_know_yet_that_its_job_was_cancelled() {
    let database = Database::new().await;
    let stories = covers(&database, 2).await;
    let begun = database.claim(1).await.remove(0);
    let cancelled = stories
        .iter()
        .find(|story| story.id == begun.story)
        .unwrap();
    limit_platform(&database, "daily_cost_usd = 0.3").await;
    database
        .call("cancel_assets", database_wish(cancelled))
        .await;
    assert_eq!(database.claim(10).await, []);
    database
        .arrange("update private.taken_leases set holds_until = now() - interval '1 second'")
        .await;
    assert_eq!(database.claim(10).await.len(), 1);
}

fn database_wish(story: &Story) -> Value {
    json!({"p_user_id": story.user, "p_story_id": story.id})
}

#[tokio::test]
async fn a_worker_that_ends_its_own_lease_has_nothing_set_aside_any_more() {
    let database = Database::new().await;
    let story = database
        .story_with_text(&["cover", "audio", "activities"])
        .await;
    let held = database.claim(3).await;
    complete_for(&database, &held[0], 0.01).await;
    database.fail(&held[1], true).await;
    let release = json!({"p_job_id": held[2].job, "p_lease_token": held[2].token});
    database.call("release_job", release).await;
    assert_eq!(database.count("private.taken_leases").await, 0);
    database.claim_asset(&story, "cover").await;
    database.let_leases_run_out(&story).await;
    database.call("expire_stuck_jobs", json!({})).await;
    assert_eq!(database.count("private.taken_leases").await, 1);
}
