//! Checks that limits of money and of remakes hold, and that no money is lost.

use crate::prelude::*;
use std::sync::Arc;

fn paid(usd: f64) -> Value {
    json!([{"callKey": fresh_key(), "provider": "openai", "model": "m", "kind": "picture", "costUsd": usd}])
}

async fn complete_for(database: &TestDatabase, lease: &Lease, usd: f64) {
    let mut done = completion(lease);
    done["p_usage"] = paid(usd);
    database.call("complete_job", done).await;
}

/// A story with a cover, of a plan with these limits.
async fn finished(database: &TestDatabase, limits: &str) -> Story {
    let plan = format!("update public.tiers set {limits} where code = 'premium'");
    database.arrange(&plan).await;
    let user = database.user("premium").await;
    let story = database.story_of(user, &["cover", "activities"]).await;
    database.write_text(&story).await;
    database.finish(&story).await;
    story
}

/// Two may be made again: a failed try is given back, a third one is refused.
pub(super) async fn an_allowance_is_exact(database: Arc<TestDatabase>) {
    let story = finished(
        &database,
        "remakes_per_story = 2, daily_cost_limit_usd = null",
    )
    .await;
    let cover = database.wish(&story, &["cover"]);
    for _ in 0..2 {
        database.call("regenerate_assets", cover.clone()).await;
        let lease = database.claim_asset(&story, "cover").await;
        database.fail(&lease, false).await;
    }
    for _ in 0..2 {
        database.call("regenerate_assets", cover.clone()).await;
        database.finish(&story).await;
    }
    let third = database.try_call("regenerate_assets", &cover).await;
    assert!(third.is_err(), "a third remake of two");
}

/// What is set aside for leases under way, and for those that were taken away, leaves no room for more.
pub(super) async fn the_platform_s_day_is_kept(database: Arc<TestDatabase>) {
    for _ in 0..3 {
        database.story_with_text(&["cover"]).await;
    }
    let limit = "update private.platform_limits set daily_cost_usd = 0.5";
    database.arrange(limit).await;
    let held = database.claim(10).await;
    assert_eq!(held.len(), 2, "0.22 each of 0.50");
    let more = database.claim(10).await;
    assert!(more.is_empty(), "leases under way count");
    let owner = format!(
        "select user_id::text from public.asset_generation_jobs where id = '{}'",
        held[0].job
    );
    let user: String = database.value(&owner).await;
    let cancel = json!({"p_user_id": user, "p_story_id": held[0].story});
    database.call("cancel_assets", cancel).await;
    let more = database.claim(10).await;
    assert!(more.is_empty(), "its worker may still pay");
    complete_for(&database, &held[1], 0.4).await;
    let spent: f64 = database
        .value("select sum(spent_usd)::float8 from private.spending")
        .await;
    assert!(spent < 0.5);
    assert!(database.claim(10).await.is_empty());
}

/// What a user asks for again is not begun when the day has no money for it.
pub(super) async fn a_user_s_day_is_kept(database: Arc<TestDatabase>) {
    let story = finished(
        &database,
        "remakes_per_story = null, daily_cost_limit_usd = 1",
    )
    .await;
    let again = database.wish(&story, &["cover", "activities"]);
    database.call("regenerate_assets", again).await;
    let activities = database.claim_asset(&story, "activities").await;
    complete_for(&database, &activities, 0.9).await;
    let cover = database.claim(10).await;
    assert!(cover.is_empty(), "0.10 are left of the day");
    let more = database.wish(&story, &["activities"]);
    let more = database.try_call("regenerate_assets", &more).await;
    assert!(more.is_err(), "less than what waits already");
}

/// Money that was paid for a job that is gone is kept.
pub(super) async fn no_money_is_lost(database: Arc<TestDatabase>) {
    let beat = json!({"p_jobs": [{"jobId": Uuid::new_v4(), "leaseToken": Uuid::new_v4(), "usage": paid(0.2)}]});
    database.call("report_progress", beat).await;
    let kept = database.count("public.usage_ledger where cost_usd = 0.2");
    assert_eq!(kept.await, 1);
}
