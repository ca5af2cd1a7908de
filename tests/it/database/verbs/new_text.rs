//! A new text is made out of readers' sight: they see all of the old one until they see all of the new one, or go on with
//! the old one.

mod alone;

use crate::database::fixture::{Database, EVERYTHING, Lease, Story, failure};
use serde_json::{Value, json};

async fn steer(database: &Database, verb: &str, story: &Story, assets: &[&str]) -> Value {
    let arguments =
        json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": assets});
    database.call(verb, arguments).await
}

async fn regenerate(database: &Database, story: &Story, assets: &[&str]) {
    steer(database, "regenerate_assets", story, assets).await;
}

async fn finished_story(database: &Database) -> Story {
    let story = database.story_with_text(&EVERYTHING).await;
    database.finish(&story).await;
    assert_eq!(database.overall(&story).await, "ready");
    story
}

/// Asks for a new text and writes it.
async fn new_text(database: &Database, story: &Story) {
    regenerate(database, story, &["content"]).await;
    let text = database.claim_asset(story, "content").await;
    assert_eq!(database.write_text_of(&text).await["accepted"], true);
}

/// All that readers see of the contents of a story, without how far the next version is.
async fn contents(database: &Database, story: &Story) -> Value {
    let row = database.row(story).await;
    let status = &row["asset_generation_status"];
    let mut shown = json!({"textVersion": status["textVersion"], "assets": {}});
    for column in [
        "title",
        "content",
        "audio_words",
        "audio_blocks",
        "hue_extracted_colors",
    ] {
        shown[column] = row[column].clone();
    }
    for (asset, state) in status["assets"].as_object().unwrap() {
        for part in [
            "url",
            "data",
            "version",
            "textVersion",
            "isPlaceholder",
            "stale",
        ] {
            shown["assets"][asset][part] = state[part].clone();
        }
    }
    shown
}

async fn claim_all(database: &Database, story: &Story) -> Vec<Lease> {
    database.let_time_pass(story).await;
    database.claim(100).await
}

#[tokio::test]
async fn everything_made_from_a_new_text_is_shown_at_once() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    let old = contents(&database, &story).await;
    assert_eq!(old["textVersion"], 1);
    regenerate(&database, &story, &["content"]).await;
    assert_eq!(contents(&database, &story).await, old);
    let mut made = 0;
    loop {
        let leases = claim_all(&database, &story).await;
        for lease in &leases {
            assert_eq!(
                contents(&database, &story).await,
                old,
                "before {}",
                lease.asset
            );
            assert_eq!(database.overall(&story).await, "generating");
            database.complete(lease).await;
            made += 1;
            if lease.asset != "pdf" {
                let state = database.asset(&story, &lease.asset).await;
                let waits = (&state["status"], &state["progress"]);
                assert_eq!(waits, (&json!("generating"), &json!(99)), "{}", lease.asset);
            }
        }
        if leases.is_empty() {
            break;
        }
    }
    assert_eq!(made, 9);
    let new = contents(&database, &story).await;
    assert_eq!(new["textVersion"], 2);
    assert_ne!(new["content"], old["content"]);
    assert_ne!(new["audio_words"], old["audio_words"]);
    for (asset, state) in new["assets"].as_object().unwrap() {
        let versions = (&state["version"], &state["textVersion"], &state["stale"]);
        assert_eq!(versions, (&json!(2), &json!(2), &Value::Null), "{asset}");
    }
    assert_eq!(database.overall(&story).await, "ready");
}

#[tokio::test]
async fn workers_see_the_new_text_and_nothing_of_the_old_one() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    let payload = async || -> Value {
        let query = format!("select private.story_payload('{}')", story.id);
        database.value(&query).await
    };
    let old = payload().await;
    assert!(old["view"]["assets"]["activities"]["data"].is_object());
    new_text(&database, &story).await;
    let new = payload().await;
    assert_ne!(new["content"], old["content"]);
    assert_eq!(new["view"]["assets"]["content"]["version"], 2);
    for asset in EVERYTHING {
        let state = &new["view"]["assets"][asset];
        let contents = (&state["url"], &state["data"]);
        assert_eq!(contents, (&Value::Null, &Value::Null), "{asset}");
    }
    assert_eq!(new["view"]["hue"], json!({}));
}

#[tokio::test]
async fn an_asset_that_cannot_be_made_from_a_new_text_leaves_the_finished_story_as_it_was() {
    let database = Database::new().await;
    for asset in ["audio", "activities", "cover", "scene_3", "pdf"] {
        let story = finished_story(&database).await;
        let old = contents(&database, &story).await;
        new_text(&database, &story).await;
        let mut under_way = Vec::new();
        let failed = loop {
            let mut leases = claim_all(&database, &story).await;
            if let Some(at) = leases.iter().position(|lease| lease.asset == asset) {
                let failed = leases.swap_remove(at);
                under_way.extend(leases);
                break failed;
            }
            for lease in leases {
                database.complete(&lease).await;
            }
        };
        let mut refusal = failure(&failed, false);
        refusal["p_placeholder"] =
            json!({"url": "https://cdn.example/placeholder", "colors": ["#000000"]});
        let told = database.call("fail_job", refusal.clone()).await;
        assert_eq!(told["accepted"], true, "{asset}");
        assert_eq!(contents(&database, &story).await, old, "{asset}");
        assert_eq!(database.overall(&story).await, "ready", "{asset}");
        for tried in ["content", asset] {
            let state = database.asset(&story, tried).await;
            let code = &state["lastError"]["code"];
            assert_eq!(code, "PROVIDER_UNAVAILABLE", "{tried} after {asset}");
            assert_eq!(state["progress"], 100, "{tried} after {asset}");
        }
        let again = database.call("fail_job", refusal).await;
        assert_eq!(again["replayed"], true, "its answer was lost");
        for lease in under_way {
            let late = database.complete(&lease).await;
            assert_eq!(late["accepted"], false, "{} after {asset}", lease.asset);
        }
        assert_eq!(database.claim(100).await, []);
        assert_eq!(contents(&database, &story).await, old, "{asset}");
        assert_eq!(database.credits(story.user).await, (1, 1));
        // The next text is the third.
        new_text(&database, &story).await;
        database.finish(&story).await;
        let new = contents(&database, &story).await;
        assert_eq!(new["textVersion"], 3, "{asset}");
        assert_eq!(new["assets"][asset]["textVersion"], 3, "{asset}");
    }
}

#[tokio::test]
async fn a_new_text_that_is_cancelled_anywhere_is_given_up_as_a_whole() {
    let database = Database::new().await;
    for cancelled in [&["scene_2"][..], &["content"], &EVERYTHING] {
        let story = finished_story(&database).await;
        let old = contents(&database, &story).await;
        regenerate(&database, &story, &["content"]).await;
        if cancelled != ["content"] {
            database.write_text(&story).await;
        }
        let held = claim_all(&database, &story).await;
        steer(&database, "cancel_assets", &story, cancelled).await;
        assert_eq!(contents(&database, &story).await, old, "{cancelled:?}");
        assert_eq!(database.overall(&story).await, "ready");
        let text = database.asset(&story, "content").await;
        assert_eq!(text["lastError"]["code"], "CANCELLED");
        for lease in held {
            assert_eq!(database.complete(&lease).await["accepted"], false);
        }
        assert_eq!(database.claim(100).await, []);
    }
}

#[tokio::test]
async fn what_readers_never_had_holds_up_no_new_text() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "audio"]).await;
    let audio = database.claim_asset(&story, "audio").await;
    database.fail(&audio, false).await;
    let cover = database.claim_asset(&story, "cover").await;
    let mut refused = failure(&cover, false);
    refused["p_placeholder"] = json!({"url": "https://cdn.example/old", "colors": ["#111111"]});
    database.call("fail_job", refused).await;
    let placeholder = database.asset(&story, "cover").await;
    assert_eq!(
        (&placeholder["isPlaceholder"], &placeholder["url"]),
        (&json!(true), &json!("https://cdn.example/old"))
    );

    new_text(&database, &story).await;
    let audio = database.claim_asset(&story, "audio").await;
    database.fail(&audio, false).await;
    assert_eq!(
        database.asset(&story, "cover").await["url"],
        "https://cdn.example/old",
        "until the new one is shown"
    );
    let cover = database.claim_asset(&story, "cover").await;
    database.fail(&cover, false).await;
    let row = database.row(&story).await;
    assert_eq!(row["asset_generation_status"]["overall"], "partial");
    assert_eq!(row["asset_generation_status"]["textVersion"], 2);
    assert_eq!(
        row["hue_extracted_colors"],
        json!({}),
        "of the old placeholder"
    );
    let cover = &row["asset_generation_status"]["assets"]["cover"];
    assert_eq!(
        (&cover["url"], &cover["isPlaceholder"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn what_was_being_made_when_a_new_text_was_asked_for_is_made_from_the_old_one_if_that_fails()
{
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "audio"]).await;
    let cover = database.claim_asset(&story, "cover").await;
    database.complete(&cover).await;
    let old = contents(&database, &story).await;
    new_text(&database, &story).await;
    let then =
        json!({"owner": "w", "limit": 9, "leaseSeconds": 60, "maxInFlight": 100, "holding": []});
    let cover = database.claim_asset(&story, "cover").await;
    let mut refused = failure(&cover, false);
    refused["p_continue"] = then;
    let told = database.call("fail_job", refused).await;
    assert_eq!(
        told["leased"],
        json!([]),
        "whoever failed works from the new text"
    );
    assert_eq!(contents(&database, &story).await, old);
    let audio = database.claim_asset(&story, "audio").await;
    database.complete(&audio).await;
    let state = database.asset(&story, "audio").await;
    assert_eq!(
        (&state["status"], &state["textVersion"]),
        (&json!("ready"), &json!(1))
    );
    assert_eq!(database.overall(&story).await, "ready");
}

#[tokio::test]
async fn what_is_asked_for_beside_a_new_text_is_shown_with_it() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "audio"]).await;
    database.finish(&story).await;
    let old = contents(&database, &story).await;
    new_text(&database, &story).await;
    steer(&database, "generate_assets", &story, &["activities"]).await;
    let cover = database.claim_asset(&story, "cover").await;
    database.complete(&cover).await;
    regenerate(&database, &story, &["cover"]).await;
    let activities = database.claim_asset(&story, "activities").await;
    database.complete(&activities).await;
    let meanwhile = contents(&database, &story).await;
    assert_eq!(meanwhile["assets"]["cover"], old["assets"]["cover"]);
    assert_eq!(meanwhile["assets"]["activities"]["data"], Value::Null);
    database.finish(&story).await;
    let new = contents(&database, &story).await;
    assert_eq!(new["assets"]["cover"]["version"], 3);
    for asset in ["cover", "audio", "activities"] {
        assert_eq!(new["assets"][asset]["textVersion"], 2, "{asset}");
    }
    assert_eq!(database.overall(&story).await, "ready");
}

#[tokio::test]
async fn a_second_new_text_takes_the_place_of_the_first_one_and_the_old_one_stands_until_then() {
    let database = Database::new().await;
    let story = finished_story(&database).await;
    let old = contents(&database, &story).await;
    new_text(&database, &story).await;
    let audio = database.claim_asset(&story, "audio").await;
    database.complete(&audio).await;
    new_text(&database, &story).await;
    assert_eq!(contents(&database, &story).await, old);
    database.finish(&story).await;
    let new = contents(&database, &story).await;
    assert_eq!(new["textVersion"], 3);
    assert_eq!(new["assets"]["audio"]["version"], 3);
    assert_eq!(new["assets"]["cover"]["version"], 2);
}
