//! A text that is written again by itself: what was made from the old one is stale, and no book is bound from two texts.

use super::{claim_all, contents, finished_story, regenerate};
use crate::database::fixture::{Database, EVERYTHING};
use serde_json::{Value, json};

#[tokio::test]
async fn a_text_alone_is_shown_at_once_and_what_was_made_from_the_old_one_is_stale() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    let old = contents(&database, &story).await;
    let alone = json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["content"], "p_cascade": false});
    database.call("regenerate_assets", alone.clone()).await;
    let text = database.claim_asset(&story, "content").await;
    database.write_text_of(&text).await;
    let new = contents(&database, &story).await;
    assert_eq!(new["textVersion"], 2);
    assert_ne!(new["content"], old["content"]);
    for asset in EVERYTHING {
        let state = &new["assets"][asset];
        assert_eq!(
            (&state["stale"], &state["textVersion"]),
            (&json!(true), &json!(1)),
            "{asset}"
        );
        assert_eq!(state["url"], old["assets"][asset]["url"], "{asset}");
    }
    assert_eq!(database.claim(100).await, [], "nothing is made again");
    assert_eq!(database.overall(&story).await, "ready");

    // A new text that fails, alone or not, leaves all of it as it is.
    database.call("regenerate_assets", alone).await;
    let text = database.claim_asset(&story, "content").await;
    database.fail(&text, false).await;
    assert_eq!(contents(&database, &story).await, new);
    regenerate(&database, &story, &["audio"]).await;
    let audio = database.claim_asset(&story, "audio").await;
    database.fail(&audio, false).await;
    assert_eq!(contents(&database, &story).await, new);
}

#[tokio::test]
async fn no_book_is_bound_from_pages_of_two_texts() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    let old = database.asset(&story, "pdf").await;
    let alone = json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["content"], "p_cascade": false});
    let mut with_book = alone.clone();
    with_book["p_asset_types"] = json!(["content", "pdf"]);
    let pages = json!([
        "activities",
        "cover",
        "scene_1",
        "scene_2",
        "scene_3",
        "scene_4"
    ]);
    let refused = database.try_call("regenerate_assets", &with_book).await;
    assert_eq!(refused.unwrap_err().detail, json!({"stale": pages}));

    database
        .call("retry_assets", {
            let mut forced = alone;
            forced["p_force"] = json!(true);
            forced
        })
        .await;
    let text = database.claim_asset(&story, "content").await;
    database.write_text_of(&text).await;
    let ask = |assets: &[&str]| json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": assets});
    let refused = database
        .try_call("regenerate_assets", &ask(&["pdf", "cover"]))
        .await;
    let refused = refused.unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        ("PT409", "MISSING_REQUIRED_ASSETS")
    );
    assert_eq!(refused.detail["stale"].as_array().unwrap().len(), 5);
    regenerate(&database, &story, &["cover"]).await;
    database.finish(&story).await;
    assert_eq!(
        database.asset(&story, "pdf").await["url"],
        old["url"],
        "other pages are old"
    );

    regenerate(
        &database,
        &story,
        &["activities", "scene_1", "scene_2", "scene_3", "scene_4"],
    )
    .await;
    database.finish(&story).await;
    let book = database.asset(&story, "pdf").await;
    assert_eq!(
        (&book["textVersion"], &book["stale"]),
        (&json!(2), &Value::Null)
    );
    assert_ne!(book["url"], old["url"]);
}

#[tokio::test]
async fn a_book_that_waits_while_its_text_is_written_alone_is_not_bound() {
    let database = Database::new().await;
    let story = database
        .story_with_text(&["cover", "activities", "pdf"])
        .await;
    let activities = database.claim_asset(&story, "activities").await;
    database.complete(&activities).await;
    let alone = json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["content"], "p_cascade": false});
    database.call("regenerate_assets", alone).await;
    let text = database.claim_asset(&story, "content").await;
    database.write_text_of(&text).await;
    let cover = database.claim_asset(&story, "cover").await;
    database.complete(&cover).await;
    let book = database.asset(&story, "pdf").await;
    assert_eq!(
        (&book["status"], &book["code"]),
        (&json!("failed"), &json!("MISSING_REQUIRED_ASSETS"))
    );
    assert_eq!(database.claim(100).await, []);
}

#[tokio::test]
async fn a_book_waits_for_its_questions_and_says_which_they_are() {
    let database = Database::new().await;
    let story = database
        .story_with_text(&["cover", "activities", "pdf"])
        .await;
    let cover = database.claim_asset(&story, "cover").await;
    database.complete(&cover).await;
    let claimed = claim_all(&database, &story).await;
    let assets: Vec<_> = claimed.iter().map(|lease| lease.asset.as_str()).collect();
    assert_eq!(assets, ["activities"]);
    database.complete(&claimed[0]).await;
    database.finish(&story).await;
    let book = database.job(&story, "pdf").await;
    assert_eq!(
        book["result"]["madeFrom"],
        json!({"content": 1, "cover": 1, "activities": 1})
    );
    regenerate(&database, &story, &["activities"]).await;
    database.finish(&story).await;
    assert_eq!(database.asset(&story, "pdf").await["version"], 2);
}

#[tokio::test]
async fn an_invocation_with_another_text_is_not_leased_what_follows() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "scene_1"]).await;
    let cover = database.claim_asset(&story, "cover").await;
    let alone = json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["content"], "p_cascade": false});
    database.call("regenerate_assets", alone).await;
    let text = database.claim_asset(&story, "content").await;
    database.write_text_of(&text).await;
    let mut done = crate::database::fixture::completion(&cover);
    done["p_continue"] =
        json!({"owner": "w", "limit": 9, "leaseSeconds": 60, "maxInFlight": 100, "holding": []});
    let told = database.call("complete_job", done).await;
    assert_eq!(
        (&told["accepted"], &told["leased"]),
        (&json!(true), &json!([])),
        "it reads the old text"
    );
    assert_eq!(database.asset(&story, "cover").await["stale"], true);
}
