//! retry, regenerate, generate, continue, cancel: the meanings of C-17, for the owner only, once a key.

use crate::database::fixture::{Database, Story, fresh_key};
use serde_json::{Value, json};

const VERBS: [&str; 5] = [
    "retry_assets",
    "regenerate_assets",
    "generate_assets",
    "continue_story",
    "cancel_assets",
];

fn ask(story: &Story, more: Value) -> Value {
    let mut arguments = json!({"p_user_id": story.user, "p_story_id": story.id});
    arguments
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    arguments
}

async fn partial_story(database: &Database) -> Story {
    let story = database
        .story_with_text(&["cover", "scene_1", "audio", "pdf"])
        .await;
    let audio = database.claim_asset(&story, "audio").await;
    database.fail(&audio, false).await;
    database.finish(&story).await;
    assert_eq!(database.overall(&story).await, "partial");
    story
}

#[tokio::test]
async fn a_stranger_finds_no_story_whatever_the_verb() {
    let database = Database::new().await;
    let story = partial_story(&database).await;
    let stranger = Story {
        user: database.user("school").await,
        ..story.clone()
    };
    let before = database.row(&story).await;
    for verb in VERBS {
        let assets = if verb == "continue_story" {
            json!({})
        } else {
            json!({"p_asset_types": ["audio"]})
        };
        let refusal = database
            .try_call(verb, &ask(&stranger, assets))
            .await
            .unwrap_err();
        assert_eq!(
            (refusal.code.as_str(), refusal.message.as_str()),
            ("PT404", "STORY_NOT_FOUND"),
            "{verb}"
        );
    }
    assert_eq!(database.row(&story).await, before);
}

#[tokio::test]
async fn each_verb_answers_a_repeated_key_as_it_did_and_acts_once() {
    let database = Database::new().await;
    for verb in VERBS {
        let story = partial_story(&database).await;
        let assets = if verb == "continue_story" {
            json!({})
        } else {
            json!({"p_asset_types": ["audio"]})
        };
        let mut keyed = ask(&story, assets);
        keyed["p_idempotency_key"] = json!(fresh_key());
        keyed["p_request_hash"] = json!("a");
        let mut first = database.call(verb, keyed.clone()).await;
        let before = database.row(&story).await;
        let mut again = database.call(verb, keyed.clone()).await;
        assert_eq!(
            (first["replayed"].take(), again["replayed"].take()),
            (json!(false), json!(true)),
            "{verb}"
        );
        assert_eq!(first, again, "{verb}");
        assert_eq!(database.row(&story).await, before, "{verb}");
        keyed["p_request_hash"] = json!("b");
        assert_eq!(
            database.try_call(verb, &keyed).await.unwrap_err().code,
            "PT422",
            "{verb}"
        );
    }
}

#[tokio::test]
async fn retry_takes_the_failed_only_unless_forced_and_gives_them_all_their_retries_again() {
    let database = Database::new().await;
    let story = partial_story(&database).await;
    let answer = database
        .call(
            "retry_assets",
            ask(
                &story,
                json!({"p_asset_types": ["audio", "cover"], "p_options": {"voiceId": "v"}}),
            ),
        )
        .await;
    assert_eq!(
        (&answer["assetTypes"], &answer["claimable"]),
        (&json!(["audio"]), &json!(1))
    );
    assert_eq!(
        answer["story"]["asset_generation_status"]["overall"],
        "generating"
    );
    let job = database.job(&story, "audio").await;
    assert_eq!(
        (&job["retry_count"], &job["options"]),
        (&json!(0), &json!({"voiceId": "v"}))
    );
    database.finish(&story).await;
    assert_eq!(database.overall(&story).await, "ready");
    let forced = database
        .call(
            "retry_assets",
            ask(&story, json!({"p_asset_types": ["cover"], "p_force": true})),
        )
        .await;
    assert_eq!(forced["assetTypes"], json!(["cover"]));
}

#[tokio::test]
async fn regenerate_makes_a_new_version_and_a_new_book_while_the_old_picture_still_serves() {
    let database = Database::new().await;
    let story = partial_story(&database).await;
    let old = database.asset(&story, "scene_1").await;
    let answer = database
        .call(
            "regenerate_assets",
            ask(&story, json!({"p_asset_types": ["scene_1", "audio"]})),
        )
        .await;
    assert_eq!(answer["assetTypes"].as_array().unwrap().len(), 2);
    let waiting = database.asset(&story, "scene_1").await;
    assert_eq!(
        (&waiting["status"], &waiting["url"], &waiting["progress"]),
        (&json!("pending"), &old["url"], &json!(0))
    );
    assert_eq!(database.asset(&story, "pdf").await["status"], "pending");
    database.finish(&story).await;
    let new = database.asset(&story, "scene_1").await;
    assert_eq!((&old["version"], &new["version"]), (&json!(1), &json!(2)));
    assert_ne!(old["url"], new["url"]);
    assert_eq!(database.asset(&story, "pdf").await["version"], 2);
    assert_eq!(database.overall(&story).await, "ready");
}

#[tokio::test]
async fn a_book_that_is_being_made_when_a_picture_is_asked_for_again_is_begun_again() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "pdf"]).await;
    let cover = database.claim_asset(&story, "cover").await;
    database.complete(&cover).await;
    let book = database.claim_asset(&story, "pdf").await;
    database
        .call(
            "regenerate_assets",
            ask(&story, json!({"p_asset_types": ["cover"]})),
        )
        .await;
    assert_eq!(
        database.complete(&book).await["accepted"],
        false,
        "its pages are old"
    );
    let claimed: Vec<_> = database
        .claim(10)
        .await
        .into_iter()
        .map(|lease| lease.asset)
        .collect();
    assert_eq!(claimed, ["cover"]);
}

#[tokio::test]
async fn generate_adds_what_was_not_asked_for_or_was_cancelled() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "pdf"]).await;
    database
        .call(
            "cancel_assets",
            ask(&story, json!({"p_asset_types": ["cover"]})),
        )
        .await;
    database.finish(&story).await;
    assert_eq!(database.overall(&story).await, "partial");
    let answer = database
        .call(
            "generate_assets",
            ask(
                &story,
                json!({"p_asset_types": ["cover", "scene_2", "pdf"]}),
            ),
        )
        .await;
    let mut made: Vec<_> = answer["assetTypes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|asset| asset.as_str().unwrap())
        .collect();
    made.sort_unstable();
    assert_eq!(made, ["cover", "scene_2"]);
    assert_eq!(
        database.asset(&story, "pdf").await["status"],
        "pending",
        "the book lacks the new pages"
    );
    database.finish(&story).await;
    assert_eq!(database.overall(&story).await, "ready");
}

#[tokio::test]
async fn continue_settles_the_failed_as_skipped_and_makes_the_book_without_them() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "scene_1", "pdf"]).await;
    let cover = database.claim_asset(&story, "cover").await;
    database.complete(&cover).await;
    let scene = database.claim_asset(&story, "scene_1").await;
    database.fail(&scene, false).await;
    let book = database.claim_asset(&story, "pdf").await;
    database.fail(&book, false).await;
    let answer = database
        .call("continue_story", ask(&story, json!({})))
        .await;
    assert_eq!(
        (&answer["assetTypes"], &answer["claimable"]),
        (&json!(["scene_1", "pdf"]), &json!(1))
    );
    assert_eq!(database.asset(&story, "scene_1").await["status"], "skipped");
    database.finish(&story).await;
    assert_eq!(database.overall(&story).await, "ready");
}

#[tokio::test]
async fn continue_without_skipping_leaves_the_failed_as_they_are() {
    let database = Database::new().await;
    let story = partial_story(&database).await;
    let answer = database
        .call(
            "continue_story",
            ask(&story, json!({"p_skip_failed": false})),
        )
        .await;
    assert_eq!(answer["assetTypes"], json!([]));
    assert_eq!(database.overall(&story).await, "partial");
}

#[tokio::test]
async fn cancel_stops_what_waits_and_what_is_being_made_and_a_cancelled_result_never_appears() {
    let database = Database::new().await;
    let story = database
        .story_with_text(&["cover", "scene_1", "audio"])
        .await;
    let cover = database.claim_asset(&story, "cover").await;
    let answer = database.call("cancel_assets", ask(&story, json!({}))).await;
    assert_eq!(answer["assetTypes"].as_array().unwrap().len(), 3);
    assert_eq!(database.complete(&cover).await["reason"], "CANCELLED");
    let shown = database.asset(&story, "cover").await;
    assert_eq!(
        (&shown["status"], &shown["url"]),
        (&json!("cancelled"), &json!(null))
    );
    assert_eq!(database.overall(&story).await, "partial");
    assert_eq!(database.claim(10).await, []);
    assert_eq!(
        database.credits(story.user).await,
        (1, 1),
        "the text was made, so it is paid for"
    );
}
