//! Checks that a new text and the one before it never meet: before readers, in a book, in a worker's hands.

use super::{finished, is_late, new_text, steer, write_anew};
use crate::prelude::*;
use std::sync::Arc;

async fn text_alone(database: &TestDatabase, story: &Story) {
    let mut alone = database.wish(story, &["content"]);
    alone["p_cascade"] = json!(false);
    database.call("regenerate_assets", alone).await;
    write_anew(database, story).await;
}

async fn restore(database: &TestDatabase, story: &Story, asset: &str, version: u32) -> bool {
    let wish = json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_type": asset, "p_version": version});
    database.try_call("restore_asset", &wish).await.is_ok()
}

/// What readers see of a story, as far as it is contents.
async fn contents(database: &TestDatabase, story: &Story) -> Value {
    let row = database.row(story).await;
    let mut shown = json!([row["content"], row["audio_words"], row["audio_blocks"]]);
    let states = row["asset_generation_status"]["assets"]
        .as_object()
        .expect("assets");
    for state in states.values() {
        let parts = ["url", "data", "version", "stale"].map(|part| state[part].clone());
        shown.as_array_mut().expect("a list").extend(parts);
    }
    shown
}

async fn claim(database: &TestDatabase, story: &Story) -> Vec<Lease> {
    database.let_time_pass(story).await;
    database.claim(100).await
}

/// Everything is made again from a new text, also what was under way, and nothing of the old one lies about meanwhile.
pub(super) async fn a_new_text_leaves_nothing_of_the_old_one(database: Arc<TestDatabase>) {
    let story = finished(&database).await;
    new_text(&database, &story).await;
    let left = "select count(*) from public.asset_generation_jobs where asset_type <> 'content' and (url is not null or result <> '{}')";
    assert_eq!(database.value::<i64>(left).await, 0);
    database.finish(&story).await;
    for asset in EVERYTHING {
        assert_eq!(database.asset(&story, asset).await["version"], 2, "{asset}");
    }

    let story = database.story_with_text(&["cover"]).await;
    let old = database.claim_asset(&story, "cover").await;
    new_text(&database, &story).await;
    assert!(is_late(&database, &old).await);
}

/// All of the old one, then all of the new one, whatever is asked for meanwhile.
pub(super) async fn readers_see_one_text(database: Arc<TestDatabase>) {
    let story = database.story_with_text(&["cover", "audio", "pdf"]).await;
    database.finish(&story).await;
    let old = contents(&database, &story).await;
    steer(&database, "regenerate_assets", &story, &["content"]).await;
    steer(&database, "generate_assets", &story, &["activities"]).await;
    let text = database.claim_asset(&story, "content").await;
    database.complete(&text).await;
    loop {
        let leases = claim(&database, &story).await;
        for lease in &leases {
            let now = contents(&database, &story).await;
            let meanwhile = now.as_array().expect("a list");
            // Activities are new and have nothing to show; every other part is as it was.
            let there = meanwhile.iter().filter(|part| !part.is_null());
            let before = old.as_array().expect("a list");
            assert!(there.eq(before.iter().filter(|part| !part.is_null())));
            database.complete(lease).await;
        }
        if leases.is_empty() {
            break;
        }
    }
    for asset in ["content", "cover", "audio", "activities", "pdf"] {
        let shown = database.asset(&story, asset).await;
        assert_eq!(shown["textVersion"], 2, "{asset}");
    }
    assert_eq!(database.overall(&story).await, "ready");
}

/// The finished story is as it was, its workers are told, and what was only asked for is made from its text.
pub(super) async fn a_new_text_that_fails_is_given_up(database: Arc<TestDatabase>) {
    let story = finished(&database).await;
    let old = contents(&database, &story).await;
    new_text(&database, &story).await;
    let (mut failing, others): (Vec<_>, Vec<_>) = claim(&database, &story)
        .await
        .into_iter()
        .partition(|lease| lease.asset == "activities");
    database.fail(&failing.remove(0), false).await;
    assert_eq!(contents(&database, &story).await, old);
    assert_eq!(database.overall(&story).await, "ready");
    for late in others {
        assert!(is_late(&database, &late).await);
    }

    let story = database.story_with_text(&["cover", "audio"]).await;
    let cover = database.claim_asset(&story, "cover").await;
    database.complete(&cover).await;
    new_text(&database, &story).await;
    let cover = database.claim_asset(&story, "cover").await;
    let mut failed = failure(&cover, false);
    failed["p_continue"] =
        json!({"owner": "w", "limit": 9, "leaseSeconds": 60, "maxInFlight": 100, "holding": []});
    let told = database.call("fail_job", failed).await;
    assert_eq!(told["leased"], json!([]), "it reads the new text");
    database.finish(&story).await;
    assert_eq!(database.asset(&story, "audio").await["textVersion"], 1);
}

/// A text that stands alone marks what it left behind, and no book is bound from both.
pub(super) async fn a_book_is_of_one_text(database: Arc<TestDatabase>) {
    let story = finished(&database).await;
    let book = database.asset(&story, "pdf").await["url"].clone();
    text_alone(&database, &story).await;
    assert_eq!(database.asset(&story, "scene_4").await["stale"], true);
    assert_eq!(database.asset(&story, "pdf").await["url"], book);
    let wish = database.wish(&story, &["cover", "pdf"]);
    assert!(database.try_call("regenerate_assets", &wish).await.is_err());

    let story = database
        .story_with_text(&["cover", "activities", "pdf"])
        .await;
    let activities = database.claim_asset(&story, "activities").await;
    database.complete(&activities).await;
    text_alone(&database, &story).await;
    let cover = database.claim_asset(&story, "cover").await;
    database.complete(&cover).await;
    let claimed = claim(&database, &story).await;
    assert_eq!(claimed, [], "the questions are of the old text");
}

/// With its words, its pictures, its book, and without what is being made from another.
pub(super) async fn a_text_is_restored_whole(database: Arc<TestDatabase>) {
    let story = finished(&database).await;
    let first = contents(&database, &story).await;
    new_text(&database, &story).await;
    database.finish(&story).await;
    let of_another_text = restore(&database, &story, "scene_1", 1).await;
    assert!(!of_another_text);
    assert!(restore(&database, &story, "content", 1).await);
    assert_eq!(contents(&database, &story).await, first);

    steer(&database, "regenerate_assets", &story, &["scene_1"]).await;
    database.finish(&story).await;
    let book = database.asset(&story, "pdf").await["version"].clone();
    assert!(restore(&database, &story, "scene_1", 1).await);
    assert_ne!(database.asset(&story, "pdf").await["version"], book);

    new_text(&database, &story).await;
    let late = database.claim_asset(&story, "cover").await;
    assert!(restore(&database, &story, "content", 1).await);
    assert!(is_late(&database, &late).await);
    assert_eq!(contents(&database, &story).await, first);

    let story = database.story_with_text(&["cover", "audio"]).await;
    text_alone(&database, &story).await;
    let late = database.claim_asset(&story, "audio").await;
    assert!(restore(&database, &story, "content", 1).await);
    assert!(is_late(&database, &late).await, "it reads another text");
}
