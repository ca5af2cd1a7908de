//! story_history and restore_asset: what there was, and how it is shown again.

use crate::database::fixture::{Database, EVERYTHING, Refusal, Story, completion, fresh_key};
use serde_json::{Value, json};

async fn finished_story(database: &Database) -> Story {
    let story = database.story_with_text(&EVERYTHING).await;
    database.finish(&story).await;
    story
}

async fn regenerate(database: &Database, story: &Story, assets: &[&str]) {
    let arguments =
        json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": assets});
    database.call("regenerate_assets", arguments).await;
}

async fn make_again(database: &Database, story: &Story, assets: &[&str]) {
    regenerate(database, story, assets).await;
    database.finish(story).await;
    assert_eq!(database.overall(story).await, "ready");
}

fn wish(story: &Story, asset: &str, version: u32) -> Value {
    json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_type": asset, "p_version": version})
}

async fn restore(database: &Database, story: &Story, asset: &str, version: u32) -> Value {
    database
        .call("restore_asset", wish(story, asset, version))
        .await
}

async fn refusal(database: &Database, story: &Story, asset: &str, version: u32) -> Refusal {
    let answer = database
        .try_call("restore_asset", &wish(story, asset, version))
        .await;
    answer.unwrap_err()
}

async fn history(database: &Database, story: &Story) -> Value {
    let of = json!({"p_user_id": story.user, "p_story_id": story.id});
    database.call("story_history", of).await
}

/// Everything that readers see of a story but when it changed.
async fn shown(database: &Database, story: &Story) -> Value {
    let mut row = database.row(story).await;
    for column in ["version", "updated_at", "asset_generation_completed_at"] {
        row[column] = Value::Null;
    }
    for state in row["asset_generation_status"]["assets"]
        .as_object_mut()
        .unwrap()
        .values_mut()
    {
        state["startedAt"] = Value::Null;
    }
    row
}

#[tokio::test]
async fn the_history_tells_every_version_with_why_from_what_and_what_it_cost() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "audio"]).await;
    let cover = database.claim_asset(&story, "cover").await;
    let mut paid = completion(&cover);
    let call = json!({"provider": "openai", "model": "m", "kind": "image", "costUsd": 0.25});
    let named = |key: String| {
        let mut call = call.clone();
        call["callKey"] = json!(key);
        json!([call])
    };
    paid["p_usage"] = named(fresh_key());
    database.call("complete_job", paid).await;
    database.finish(&story).await;
    let voice = json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["audio"], "p_options": {"voiceId": "bella"}});
    database.call("regenerate_assets", voice).await;
    let audio = database.claim_asset(&story, "audio").await;
    let mut paid = completion(&audio);
    paid["p_usage"] = named(fresh_key());
    database.call("complete_job", paid).await;
    make_again(&database, &story, &["content"]).await;

    let told = history(&database, &story).await;
    assert_eq!(told["textVersion"], 2);
    assert_eq!(told["totalCostUsd"].as_f64(), Some(0.5));
    let versions = told["versions"].as_array().unwrap();
    let of = |asset: &str, version: u32| {
        let is_it = |entry: &&Value| entry["assetType"] == asset && entry["version"] == version;
        versions.iter().find(is_it).expect("it was made").clone()
    };
    assert_eq!(versions.len(), 7);
    assert_eq!(of("content", 1)["title"], "The Shy Dragon");
    let cover = of("cover", 1);
    assert_eq!(
        (&cover["reason"], &cover["shown"]),
        (&json!("create"), &json!(false))
    );
    assert_eq!(cover["madeFrom"], json!({"content": 1}));
    let (first, second, third) = (of("audio", 1), of("audio", 2), of("audio", 3));
    let costs = [&cover, &first, &second].map(|entry| entry["costUsd"].as_f64());
    assert_eq!(costs, [Some(0.25), Some(0.0), Some(0.25)]);
    assert_eq!(
        (&second["reason"], &second["options"]),
        (&json!("regenerate"), &json!({"voiceId": "bella"}))
    );
    assert_eq!(
        (&third["reason"], &third["textVersion"], &third["shown"]),
        (&json!("text"), &json!(2), &json!(true))
    );
    let stranger = json!({"p_user_id": database.user("school").await, "p_story_id": story.id});
    let refused = database
        .try_call("story_history", &stranger)
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        ("PT404", "STORY_NOT_FOUND")
    );
}

#[tokio::test]
async fn a_restored_text_brings_everything_along_that_was_made_from_it_and_costs_nothing() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    make_again(&database, &story, &["scene_1"]).await;
    let first = shown(&database, &story).await;
    make_again(&database, &story, &["content"]).await;
    let second = shown(&database, &story).await;
    assert_ne!(first["content"], second["content"]);
    let attempts = "select sum(attempt)::bigint from public.asset_generation_jobs";
    let before: i64 = database.value(attempts).await;
    for (version, whole) in [(1, &first), (2, &second), (1, &first)] {
        restore(&database, &story, "content", version).await;
        assert_eq!(&shown(&database, &story).await, whole);
        assert_eq!(database.claim(100).await, [], "the book is found too");
    }
    assert_eq!(database.value::<i64>(attempts).await, before);
    assert_eq!(database.credits(story.user).await, (1, 1));
}

#[tokio::test]
async fn a_restored_picture_is_in_a_book_that_was_bound_from_it_or_is_bound_now() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    let first = shown(&database, &story).await;
    make_again(&database, &story, &["scene_1"]).await;
    make_again(&database, &story, &["scene_2"]).await;
    restore(&database, &story, "scene_1", 1).await;
    assert_eq!(database.asset(&story, "scene_1").await["version"], 1);
    let claimed = database.claim(100).await;
    let assets: Vec<_> = claimed.iter().map(|lease| lease.asset.as_str()).collect();
    assert_eq!(assets, ["pdf"], "of these pages there is no book");
    database.complete(&claimed[0]).await;
    let answer = restore(&database, &story, "scene_2", 1).await;
    assert_eq!(answer["assetTypes"], json!(["scene_2"]));
    assert_eq!(shown(&database, &story).await, first);
}

#[tokio::test]
async fn a_restored_narration_comes_with_its_own_words() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    let first = database.row(&story).await;
    make_again(&database, &story, &["audio"]).await;
    let second = database.row(&story).await;
    assert_ne!(first["audio_words"], second["audio_words"]);
    restore(&database, &story, "audio", 1).await;
    let row = database.row(&story).await;
    for column in ["audio_words", "audio_blocks"] {
        assert_eq!(row[column], first[column]);
    }
}

#[tokio::test]
async fn nothing_is_shown_beside_a_text_it_was_not_made_from_and_unknown_versions_are_not_found() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    make_again(&database, &story, &["content"]).await;
    let before = database.row(&story).await;
    let other = refusal(&database, &story, "scene_1", 1).await;
    assert_eq!(
        (other.code.as_str(), other.message.as_str()),
        ("PT409", "VERSION_OF_ANOTHER_TEXT")
    );
    assert_eq!(
        other.detail,
        json!({"textVersion": 1, "shownTextVersion": 2})
    );
    let unknown = refusal(&database, &story, "scene_1", 9).await;
    assert_eq!(
        (unknown.code.as_str(), unknown.message.as_str()),
        ("PT404", "VERSION_NOT_FOUND")
    );
    let stranger = Story {
        user: database.user("school").await,
        ..story.clone()
    };
    assert_eq!(
        refusal(&database, &stranger, "scene_1", 1).await.message,
        "STORY_NOT_FOUND"
    );
    assert_eq!(database.row(&story).await, before);
}

#[tokio::test]
async fn what_was_never_made_from_a_restored_text_is_stale_and_what_is_being_made_is_made_from_it()
{
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "scene_1"]).await;
    let alone = json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["content"], "p_cascade": false});
    database.call("regenerate_assets", alone).await;
    let text = database.claim_asset(&story, "content").await;
    database.write_text_of(&text).await;
    let cover = database.claim_asset(&story, "cover").await;
    database.complete(&cover).await;
    let scene = database.claim_asset(&story, "scene_1").await;
    restore(&database, &story, "content", 1).await;
    assert_eq!(database.complete(&scene).await["accepted"], false);
    let cover = database.asset(&story, "cover").await;
    assert_eq!(
        (&cover["stale"], &cover["textVersion"]),
        (&json!(true), &json!(2))
    );
    database.finish(&story).await;
    assert_eq!(database.asset(&story, "scene_1").await["textVersion"], 1);
}

#[tokio::test]
async fn restoring_gives_up_a_new_text_that_is_being_made() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    make_again(&database, &story, &["audio"]).await;
    regenerate(&database, &story, &["content"]).await;
    database.write_text(&story).await;
    let cover = database.claim_asset(&story, "cover").await;
    restore(&database, &story, "audio", 1).await;
    assert_eq!(database.complete(&cover).await["accepted"], false);
    let row = database.row(&story).await;
    assert_eq!(row["asset_generation_status"]["overall"], "ready");
    assert_eq!(row["asset_generation_status"]["textVersion"], 1);
    assert_eq!(database.asset(&story, "audio").await["version"], 1);
    // The text that was given up is in the history, with what was made from it so far.
    restore(&database, &story, "content", 2).await;
    assert_eq!(
        database.row(&story).await["asset_generation_status"]["textVersion"],
        2
    );
    assert_eq!(database.asset(&story, "cover").await["stale"], true);
}

#[tokio::test]
async fn a_key_restores_once_and_what_is_shown_already_stays() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    make_again(&database, &story, &["cover"]).await;
    let mut keyed = wish(&story, "cover", 1);
    keyed["p_idempotency_key"] = json!(fresh_key());
    keyed["p_request_hash"] = json!("a");
    let mut first = database.call("restore_asset", keyed.clone()).await;
    restore(&database, &story, "cover", 2).await;
    let mut again = database.call("restore_asset", keyed).await;
    assert_eq!(
        (first["replayed"].take(), again["replayed"].take()),
        (json!(false), json!(true))
    );
    assert_eq!(first, again);
    assert_eq!(database.asset(&story, "cover").await["version"], 2);
    let nothing = restore(&database, &story, "cover", 2).await;
    assert_eq!(nothing["assetTypes"], json!([]));
}
