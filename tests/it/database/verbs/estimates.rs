//! Estimates learn from what was made: medians of the last stories, once there are enough of them.

use crate::database::fixture::{Database, Story};
use serde_json::{Value, json};

async fn stories(database: &Database, count: usize) -> Vec<Story> {
    let user = database.user("school").await;
    let mut made = Vec::new();
    for _ in 0..count {
        let story = database.story_of(user, &["cover"]).await;
        database.write_text(&story).await;
        database.finish(&story).await;
        made.push(story);
    }
    made
}

/// The cover of each story took as many seconds as its place among them, from 1 on, and cost as many cents.
async fn cover_takes_longer_each_time(database: &Database) {
    database
        .arrange(
            "with placed as (select id, story_id, user_id, row_number() over (order by completed_at, id) as place
               from public.asset_generation_jobs where asset_type = 'cover' and status = 'ready'),
             paid as (insert into public.usage_ledger
               (call_key, user_id, story_id, job_id, asset_type, provider, model, kind, cost_usd)
               select id::text || part, user_id, story_id, id, 'cover', 'openai', 'm', 'picture', place / 200.0
               from placed, generate_series(1, 2) as part)
             update public.asset_generation_jobs j set started_at = completed_at - make_interval(secs => p.place)
             from placed p where p.id = j.id",
        )
        .await;
}

async fn learnt(database: &Database, asset: &str) -> Option<Value> {
    let medians = database.call("asset_medians", json!({})).await;
    let mut medians = medians.as_array().expect("a list").iter();
    medians.find(|median| median["assetType"] == asset).cloned()
}

async fn sweep(database: &Database) {
    database.call("expire_stuck_jobs", json!({})).await;
}

#[tokio::test]
async fn a_sweep_learns_the_middle_of_what_assets_took_and_cost_once_there_are_twenty() {
    let database = Database::new().await;
    stories(&database, 19).await;
    cover_takes_longer_each_time(&database).await;
    sweep(&database).await;
    assert_eq!(learnt(&database, "cover").await, None, "too few");

    stories(&database, 2).await;
    database.arrange("delete from public.usage_ledger").await;
    cover_takes_longer_each_time(&database).await;
    sweep(&database).await;
    let cover = learnt(&database, "cover").await.expect("twenty-one covers");
    assert_eq!(cover["seconds"].as_f64(), Some(11.0));
    // Two calls each.
    let cost = cover["costUsd"].as_f64().expect("a cost");
    assert!((cost - 0.11).abs() < 1e-9, "{cost}");

    let next = database.story_with_text(&["cover", "audio"]).await;
    let claimed = database.call("claim_asset_jobs", json!({})).await;
    let typical = |asset: &str| {
        let mut jobs = claimed["jobs"].as_array().expect("jobs").iter();
        let job = jobs.find(|job| job["assetType"] == asset);
        job.expect("leased")["typicalSeconds"].clone()
    };
    assert_eq!(typical("cover").as_f64(), Some(11.0), "{}", next.id);
    assert_eq!(typical("audio"), Value::Null);
}

#[tokio::test]
async fn neither_placeholders_nor_new_versions_nor_failures_are_a_measure() {
    let database = Database::new().await;
    let made = stories(&database, 22).await;
    cover_takes_longer_each_time(&database).await;
    for (story, change) in [
        (&made[0], "asset_version = 2"),
        (&made[1], "is_placeholder = true"),
        (&made[2], "status = 'failed'"),
    ] {
        database
            .arrange(&format!(
                "set session_replication_role = replica;
                 update public.asset_generation_jobs set {change} where story_id = '{}' and asset_type = 'cover';
                 set session_replication_role = origin",
                story.id
            ))
            .await;
    }
    sweep(&database).await;
    assert_eq!(learnt(&database, "cover").await, None, "nineteen are left");
    assert!(learnt(&database, "content").await.is_some());
}

#[tokio::test]
async fn medians_follow_the_last_stories_and_are_computed_every_few_minutes_at_most() {
    let database = Database::new().await;
    stories(&database, 20).await;
    cover_takes_longer_each_time(&database).await;
    sweep(&database).await;
    let first = learnt(&database, "cover").await.expect("twenty covers");
    database
        .arrange("update public.asset_generation_jobs set started_at = completed_at - interval '90 seconds'")
        .await;
    sweep(&database).await;
    assert_eq!(learnt(&database, "cover").await, Some(first));
    database
        .arrange("update private.asset_medians set computed_at = now() - interval '6 minutes'")
        .await;
    sweep(&database).await;
    let cover = learnt(&database, "cover").await.expect("learnt anew");
    assert_eq!(cover["seconds"].as_f64(), Some(90.0));
}
