//! How often the assets of a story may be made again: what counts, what is given back, and the refusal.

use crate::database::fixture::{Database, EVERYTHING, Story};
use serde_json::{Value, json};

/// A finished story of a plan with this allowance.
async fn finished(database: &Database, allowance: u32) -> Story {
    database
        .arrange(&format!(
            "update public.tiers set remakes_per_story = {allowance}, daily_cost_limit_usd = null where code = 'premium'"
        ))
        .await;
    let user = database.user("premium").await;
    let story = database.story_of(user, &EVERYTHING).await;
    database.write_text(&story).await;
    database.finish(&story).await;
    story
}

fn ask(story: &Story, assets: &[&str]) -> Value {
    json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": assets})
}

async fn used(database: &Database, story: &Story) -> i64 {
    database
        .count(&format!(
            "private.remake_ledger where story_id = '{}' and counts and coalesce(outcome, 'made') in ('made', 'cancelled')",
            story.id
        ))
        .await
}

#[tokio::test]
async fn a_plan_s_allowance_is_used_up_exactly_and_the_refusal_says_how_far() {
    let database = Database::new().await;
    let story = finished(&database, 3).await;
    for assets in [&["cover"][..], &["audio"]] {
        database
            .call("regenerate_assets", ask(&story, assets))
            .await;
        database.finish(&story).await;
    }
    let before = database.row(&story).await;
    let two = ask(&story, &["scene_1", "scene_2"]);
    let refusal = database
        .try_call("regenerate_assets", &two)
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("PT403", "REGENERATION_LIMIT")
    );
    for (name, value) in [("allowance", 3), ("used", 2), ("asked", 2)] {
        assert_eq!(refusal.detail[name], json!(value), "{name}");
    }
    assert_eq!(database.row(&story).await, before);
    let mut forced = ask(&story, &["scene_1"]);
    forced["p_force"] = json!(true);
    database.call("retry_assets", forced.clone()).await;
    database.finish(&story).await;
    let refusal = database
        .try_call("retry_assets", &forced)
        .await
        .unwrap_err();
    assert_eq!(refusal.message, "REGENERATION_LIMIT");
    // A book costs nothing.
    database
        .call("regenerate_assets", ask(&story, &["pdf"]))
        .await;
    assert_eq!(used(&database, &story).await, 3);
}

#[tokio::test]
async fn a_new_text_counts_everything_that_is_made_from_it() {
    let database = Database::new().await;
    let story = finished(&database, 9).await;
    let text = ask(&story, &["content"]);
    database.call("regenerate_assets", text.clone()).await;
    assert_eq!(used(&database, &story).await, 8, "all but the book");
    database.write_text(&story).await;
    database.finish(&story).await;
    assert_eq!(database.overall(&story).await, "ready");
    let refusal = database
        .try_call("regenerate_assets", &text)
        .await
        .unwrap_err();
    assert_eq!(refusal.detail["asked"], json!(8));
}

#[tokio::test]
async fn a_try_that_fails_is_given_back_and_one_that_is_cancelled_is_not() {
    let database = Database::new().await;
    let story = finished(&database, 2).await;
    let cover = ask(&story, &["cover"]);
    for _ in 0..4 {
        database.call("regenerate_assets", cover.clone()).await;
        let lease = database.claim_asset(&story, "cover").await;
        database.fail(&lease, false).await;
        database.finish(&story).await;
    }
    assert_eq!(used(&database, &story).await, 0);
    // Nobody had begun it.
    database.call("regenerate_assets", cover.clone()).await;
    database.call("cancel_assets", cover.clone()).await;
    assert_eq!(used(&database, &story).await, 0);
    for _ in 0..2 {
        database.call("regenerate_assets", cover.clone()).await;
        database.claim_asset(&story, "cover").await;
        database.call("cancel_assets", cover.clone()).await;
    }
    assert_eq!(used(&database, &story).await, 2);
    assert!(
        database
            .try_call("regenerate_assets", &cover)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_try_that_a_restored_version_overtakes_counts_once_it_was_begun() {
    let database = Database::new().await;
    let story = finished(&database, 16).await;
    for (asked, is_begun, used_then) in [
        ("cover", false, 0),
        ("cover", true, 1),
        ("content", true, 2),
    ] {
        database
            .call("regenerate_assets", ask(&story, &[asked]))
            .await;
        if is_begun {
            database.claim_asset(&story, asked).await;
        }
        let back = json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_type": asked, "p_version": 1});
        database.call("restore_asset", back).await;
        assert_eq!(database.overall(&story).await, "ready");
        assert_eq!(used(&database, &story).await, used_then, "{asked}");
    }
}

#[tokio::test]
async fn a_text_that_fails_gives_back_what_waited_for_it() {
    let database = Database::new().await;
    let story = finished(&database, 8).await;
    database
        .call("regenerate_assets", ask(&story, &["content"]))
        .await;
    let text = database.claim_asset(&story, "content").await;
    database.fail(&text, false).await;
    assert_eq!(used(&database, &story).await, 0);
}

#[tokio::test]
async fn cancelling_and_asking_again_counts_and_trying_again_what_failed_does_not() {
    let database = Database::new().await;
    let story = finished(&database, 1).await;
    let fresh = database.story_of(story.user, &["cover", "audio"]).await;
    database.write_text(&fresh).await;
    let cover = ask(&fresh, &["cover"]);
    database.claim_asset(&fresh, "cover").await;
    database.call("cancel_assets", cover.clone()).await;
    database.call("generate_assets", cover.clone()).await;
    assert_eq!(used(&database, &fresh).await, 1);
    database.claim_asset(&fresh, "cover").await;
    database.call("cancel_assets", cover.clone()).await;
    let refusal = database
        .try_call("generate_assets", &cover)
        .await
        .unwrap_err();
    assert_eq!(refusal.message, "REGENERATION_LIMIT");
    for _ in 0..3 {
        let lease = database.claim_asset(&fresh, "audio").await;
        database.fail(&lease, false).await;
        database.call("retry_assets", ask(&fresh, &["audio"])).await;
    }
    assert_eq!(used(&database, &fresh).await, 1);
}

#[tokio::test]
async fn the_same_wish_sent_twice_counts_once() {
    let database = Database::new().await;
    let story = finished(&database, 5).await;
    let mut wish = ask(&story, &["audio"]);
    wish["p_idempotency_key"] = json!("k");
    wish["p_request_hash"] = json!("h");
    for _ in 0..2 {
        database.call("regenerate_assets", wish.clone()).await;
    }
    assert_eq!(used(&database, &story).await, 1);
}
