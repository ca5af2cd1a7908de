//! Checks that what is shown belongs together: versions of one text, and a version that stands until a better one is there.

use super::{finished, is_late, new_text, steer};
use crate::prelude::*;
use std::sync::Arc;

/// The palette of the old text is not that of the new one.
pub(super) async fn a_new_text_has_no_art_direction(database: Arc<TestDatabase>) {
    let story = database.story_with_text(&["cover"]).await;
    let cover = database.claim_asset(&story, "cover").await;
    let report = json!({"p_jobs": [{"jobId": cover.job, "leaseToken": cover.token,
        "checkpoint": {"art-1": {"journey": {"motif": "a lamp"}, "scenes": {}}}}]});
    database.call("report_progress", report).await;
    database.complete(&cover).await;
    new_text(&database, &story).await;
    let art = format!(
        "select private.art_checkpoint('{0}', private.text_version('{0}'))",
        story.id
    );
    let art: Value = database.value(&art).await;
    assert_eq!(art["journey"], Value::Null);
}

/// Failed, cancelled or silent: the old picture and its book stay, and a late result of the try changes nothing.
pub(super) async fn a_version_stands_until_a_better_one_is_there(database: Arc<TestDatabase>) {
    let story = finished(&database).await;
    let before =
        database.row(&story).await["asset_generation_status"]["assets"]["scene_1"]["url"].clone();
    steer(&database, "regenerate_assets", &story, &["scene_1"]).await;
    let failed = database.claim_asset(&story, "scene_1").await;
    database.fail(&failed, false).await;
    steer(&database, "regenerate_assets", &story, &["scene_1"]).await;
    let late = database.claim_asset(&story, "scene_1").await;
    steer(&database, "cancel_assets", &story, &["scene_1"]).await;
    assert!(is_late(&database, &late).await);
    let scene = database.asset(&story, "scene_1").await;
    assert_eq!(scene["status"], "ready");
    assert_eq!(scene["url"], before);
    let book = database.asset(&story, "pdf").await;
    assert_eq!(book["status"], "ready");
    assert_eq!(book["version"], json!(1));
}

/// What was made from an older cover says so.
pub(super) async fn an_older_cover_is_marked(database: Arc<TestDatabase>) {
    let story = finished(&database).await;
    steer(&database, "regenerate_assets", &story, &["cover"]).await;
    database.finish(&story).await;
    assert_eq!(database.asset(&story, "scene_1").await["stale"], true);
}

/// Who cancels before there is a text gets the credit back, once, and no notice.
pub(super) async fn a_cancelled_text_is_refunded(database: Arc<TestDatabase>) {
    let story = database.story(&["cover"]).await;
    for _ in 0..2 {
        steer(&database, "cancel_assets", &story, &["content"]).await;
    }
    assert_eq!(database.overall(&story).await, "cancelled");
    assert_eq!(database.credits(story.user).await, (0, 0));
    assert_eq!(database.count("public.notification_outbox").await, 0);
}

/// Whoever got a credit back pays again for the next try.
pub(super) async fn a_refunded_story_costs_again(database: Arc<TestDatabase>) {
    let user = database.user("free").await;
    let story = database.story_of(user, &["cover"]).await;
    let text = database.claim_asset(&story, "content").await;
    database.fail(&text, false).await;
    steer(&database, "regenerate_assets", &story, &["content"]).await;
    assert_eq!(database.credits(user).await, (1, 1));
}

/// A hero that is deleted is still the hero of its story.
pub(super) async fn a_story_keeps_its_heroes(database: Arc<TestDatabase>) {
    let story = database.story(&[]).await;
    database.arrange("delete from public.characters").await;
    let start = json!({"p_story_id": story.id, "p_owner": "writer"});
    let started = database.call("start_content", start).await;
    assert_eq!(started["story"]["characters"][0]["name"], "Luna");
}
