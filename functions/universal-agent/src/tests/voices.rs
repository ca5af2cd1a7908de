//! Which voices can be wished for, and where such a wish is checked.

use crate::test_api::{STORY, TestApi, USER, body, code_of, story_row};
use serde_json::{Value, json};

const LAURA: &str = "FGY2WhTYpPnrIDTdsKH5";

/// An account with three voices, none of them the built-in default.
async fn api() -> TestApi {
    let api = TestApi::new().await;
    api.account.has(json!([{"voice_id": "EXAVITQu4vr4xnSDxMaL", "name": "Sarah"}, {"voice_id": LAURA, "name": "Laura"},
        {"voice_id": "JBFqnCBsd6RMkjVDRZzb", "name": "George - Warm, Captivating"}, {"voice_id": "CCCCCCCCCCCCCCCCCCCC"}]));
    let story = story_row("generating", json!({}));
    api.database.answers(
        "rpc/create_story",
        200,
        json!({"story": story, "replayed": false}),
    );
    for verb in ["retry_assets", "generate_assets", "regenerate_assets"] {
        let steered =
            json!({"story": story, "assetTypes": ["audio"], "claimable": 1, "replayed": false});
        api.database.answers(&format!("rpc/{verb}"), 200, steered);
    }
    api
}

/// Every request that takes a voice: its path, its body, and where the voice stands in the question to the database.
fn wishes(voice: &str) -> [(String, Value, &'static str); 5] {
    let at = |path: &str| format!("/stories/{STORY}{path}");
    let options = json!({"assetTypes": ["audio"], "options": {"voiceId": voice}});
    [
        (
            "/stories".to_owned(),
            json!({"character_ids": [USER], "story_type": "adventure", "themes": ["courage"], "voiceId": voice}),
            "/p_request/voice_id",
        ),
        (
            at("/audio"),
            json!({"voiceId": voice}),
            "/p_options/voiceId",
        ),
        (at("/assets/retry"), options.clone(), "/p_options/voiceId"),
        (
            at("/assets/generate"),
            options.clone(),
            "/p_options/voiceId",
        ),
        (at("/assets/regenerate"), options, "/p_options/voiceId"),
    ]
}

#[tokio::test]
async fn a_voice_of_the_list_is_taken_by_name_id_or_alias_and_stored_by_id() {
    let api = api().await;
    for (voice, id) in [
        ("Laura", LAURA),
        ("lAURA", LAURA),
        (LAURA, LAURA),
        ("George", "JBFqnCBsd6RMkjVDRZzb"),
        ("bella", "EXAVITQu4vr4xnSDxMaL"),
        // The documented name is always good for the default.
        ("alloy", "EXAVITQu4vr4xnSDxMaL"),
    ] {
        for (path, wish, place) in wishes(voice) {
            let response = api.post(&path, wish).await;
            assert!(response.status().is_success(), "{path} {voice}");
            let (_, _, question) = api.database.questions().pop().unwrap();
            assert_eq!(question.pointer(place), Some(&json!(id)), "{path} {voice}");
        }
    }
}

#[tokio::test]
async fn a_voice_the_account_lacks_is_refused_before_anything_is_spent() {
    let api = api().await;
    for voice in [
        "ABCDEFGHIJ0123456789",
        "josh",
        "21m00Tcm4TlvDq8ikWAM",
        "nobody",
        "../../v1/user",
    ] {
        for (path, wish, _) in wishes(voice) {
            let response = api.post(&path, wish).await;
            assert_eq!(response.status(), 400, "{path} {voice}");
            let body = body(response).await;
            assert_eq!(code_of(&body), "VOICE_NOT_FOUND");
            assert_eq!(body["data"]["field"], "voiceId");
        }
    }
    assert!(api.database.questions().is_empty());
}

#[tokio::test]
async fn while_no_list_is_to_be_had_an_alias_passes_and_all_else_is_asked_to_come_back() {
    let api = api().await;
    api.account.has(json!("no list"));
    let [(path, wish, _), ..] = wishes("josh");
    assert_eq!(api.post(&path, wish).await.status(), 201);
    let asked = api.database.questions().len();
    for voice in ["ABCDEFGHIJ0123456789", "Laura"] {
        for (path, wish, _) in wishes(voice) {
            let response = api.post(&path, wish).await;
            assert_eq!(response.status(), 503, "{path} {voice}");
            assert_eq!(response.headers()["retry-after"], "30");
        }
    }
    assert_eq!(api.database.questions().len(), asked, "nothing was written");
}

#[tokio::test]
async fn exactly_one_voice_of_the_list_is_the_default() {
    let api = api().await;
    let answer = body(api.get("/audio/voices").await).await;
    let data = &answer["data"];
    assert_eq!(data["source"], "elevenlabs");
    let voices = data["voices"].as_array().unwrap();
    let default: Vec<_> = voices
        .iter()
        .filter(|voice| voice["isDefault"] == true)
        .collect();
    assert_eq!(default.len(), 1);
    assert_eq!(default[0]["id"], data["defaultVoiceId"]);
    assert_eq!(voices.len(), 3, "an entry without a name is left out");
}
