//! Status, estimates, and the verbs on an existing story.

use crate::test_api::{STORY, TestApi, USER, body, code_of, header, story_row};
use serde_json::{Value, json};

fn at(path: &str) -> String {
    format!("/stories/{STORY}{path}")
}

fn steered(assets: Value, claimable: u64) -> Value {
    let story = story_row(
        "generating",
        json!({"content": {"status": "ready", "progress": 100}}),
    );
    json!({"story": story, "assetTypes": assets, "claimable": claimable, "replayed": false})
}

#[tokio::test]
async fn each_verb_calls_its_function_with_what_was_asked() {
    let api = TestApi::new().await;
    let cases = [
        (
            "/assets/retry",
            json!({"assetTypes": ["cover", "audio"], "force": true, "options": {"simplifyPrompt": true}}),
            "retry_assets",
            json!({"p_asset_types": ["cover", "audio"], "p_force": true, "p_options": {"simplifyPrompt": true}}),
        ),
        (
            "/assets/retry",
            json!({}),
            "retry_assets",
            json!({"p_asset_types": null, "p_force": false}),
        ),
        (
            "/assets/generate",
            json!({"assetTypes": ["pdf", "audio", "audio"]}),
            "generate_assets",
            json!({"p_asset_types": ["audio", "pdf"]}),
        ),
        (
            "/assets/regenerate",
            json!({"assetTypes": ["text"]}),
            "regenerate_assets",
            json!({"p_asset_types": ["content"]}),
        ),
        (
            "/assets/continue",
            json!({"skipFailed": true}),
            "continue_story",
            json!({"p_skip_failed": true}),
        ),
        (
            "/assets/cancel",
            json!({}),
            "cancel_assets",
            json!({"p_asset_types": null}),
        ),
        (
            "/art/regenerate",
            json!({"sceneIndex": 0, "style": "illustrated"}),
            "regenerate_assets",
            json!({"p_asset_types": ["cover"], "p_options": {"simplifyPrompt": false, "style": "illustrated"}}),
        ),
        (
            "/audio",
            json!({"voiceId": "alloy", "regenerate": true}),
            "regenerate_assets",
            json!({"p_asset_types": ["audio"], "p_options": {"simplifyPrompt": false, "voiceId": "alloy"}}),
        ),
    ];
    for (path, wish, verb, expected) in cases {
        api.database
            .answers(&format!("rpc/{verb}"), 200, steered(json!(["cover"]), 1));
        let response = api.post(&at(path), wish).await;
        assert_eq!(response.status(), 200, "{path}");
        let (_, asked, arguments) = api.database.questions().pop().unwrap();
        assert_eq!(asked, format!("rpc/{verb}"), "{path}");
        assert_eq!(arguments["p_story_id"], STORY);
        assert_eq!(arguments["p_user_id"], USER);
        for (argument, value) in expected.as_object().unwrap() {
            assert_eq!(&arguments[argument], value, "{path} {argument}");
        }
        assert_eq!(
            api.events().pop().unwrap(),
            ("asset-worker".to_owned(), json!({"wake": true}))
        );
    }
}

#[tokio::test]
async fn nobody_is_woken_when_nothing_can_be_claimed() {
    let api = TestApi::new().await;
    api.database
        .answers("rpc/cancel_assets", 200, steered(json!(["audio"]), 0));
    let response = api.ask("POST", &at("/assets/cancel"), "").await;
    assert_eq!(response.status(), 200);
    assert_eq!(body(response).await["data"]["assetTypes"], json!(["audio"]));
    assert!(api.events().is_empty());
}

#[tokio::test]
async fn a_repeated_verb_says_that_it_is_a_replay() {
    let api = TestApi::new().await;
    let mut again = steered(json!(["audio"]), 1);
    again["replayed"] = json!(true);
    api.database.answers("rpc/retry_assets", 200, again);
    let response = api
        .post_with_key(&at("/assets/retry"), "k", json!({}))
        .await;
    assert_eq!(header(response.headers(), "idempotency-replayed"), "true");
}

#[tokio::test]
async fn a_narration_that_is_not_there_is_made() {
    let api = TestApi::new().await;
    api.database
        .answers("rpc/retry_assets", 200, steered(json!([]), 0));
    api.database
        .answers("rpc/generate_assets", 200, steered(json!(["audio"]), 1));
    let response = api.post(&at("/audio"), json!({})).await;
    assert_eq!(body(response).await["data"]["assetTypes"], json!(["audio"]));
}

#[tokio::test]
async fn a_verb_that_does_nothing_says_why() {
    let api = TestApi::new().await;
    let story = story_row(
        "generating",
        json!({"content": {"status": "ready", "progress": 100}, "audio": {"status": "ready", "progress": 100},
            "cover": {"status": "generating", "progress": 20}}),
    );
    let nothing = json!({"story": story, "assetTypes": [], "claimable": 0, "replayed": false});
    for verb in [
        "retry_assets",
        "generate_assets",
        "regenerate_assets",
        "cancel_assets",
    ] {
        api.database
            .answers(&format!("rpc/{verb}"), 200, nothing.clone());
    }
    let why = |asset: &str, status: &str, reason: &str| json!({"assetType": asset, "status": status, "reason": reason});
    for (path, wish, unchanged) in [
        (
            "/assets/generate",
            json!({"assetTypes": ["cover", "audio"]}),
            json!([
                why("cover", "generating", "BEING_MADE"),
                why("audio", "ready", "ALREADY_READY")
            ]),
        ),
        (
            "/audio",
            json!({"voiceId": "bella"}),
            json!([why("audio", "ready", "ALREADY_READY")]),
        ),
        (
            "/art/regenerate",
            json!({"sceneIndex": 2}),
            json!([{"assetType": "scene_2", "reason": "NOT_REQUESTED"}]),
        ),
        (
            "/assets/cancel",
            json!({"assetTypes": ["audio"]}),
            json!([why("audio", "ready", "ALREADY_SETTLED")]),
        ),
    ] {
        let response = api.post(&at(path), wish).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(
            body(response).await["data"]["unchanged"],
            unchanged,
            "{path}"
        );
    }
    let all = body(api.post(&at("/assets/retry"), json!({})).await).await;
    assert_eq!(all["data"]["unchanged"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_book_without_a_cover_is_refused_before_anything_is_written() {
    let api = TestApi::new().await;
    let refusal = json!({"code": "PT409", "message": "MISSING_REQUIRED_ASSETS", "details": "{\"missing\":[\"cover\"]}",
        "hint": null});
    api.database.answers("rpc/generate_assets", 409, refusal);
    let response = api
        .post(&at("/assets/generate"), json!({"assetTypes": ["pdf"]}))
        .await;
    assert_eq!(response.status(), 409);
    let body = body(response).await;
    assert_eq!(code_of(&body), "MISSING_REQUIRED_ASSETS");
    assert_eq!(body["data"]["missing"], json!(["cover"]));
    assert!(api.events().is_empty());
}

#[tokio::test]
async fn one_key_serves_two_routes_of_one_verb() {
    let api = TestApi::new().await;
    api.database
        .answers("rpc/regenerate_assets", 200, steered(json!(["cover"]), 1));
    api.post_with_key(
        &at("/assets/regenerate"),
        "once",
        json!({"assetTypes": ["cover"]}),
    )
    .await;
    api.post_with_key(&at("/art/regenerate"), "once", json!({"sceneIndex": 0}))
        .await;
    let asked = api.database.questions();
    let key = |index: usize| asked[index].2["p_idempotency_key"].clone();
    assert_eq!(key(0), "once");
    assert_ne!(key(0), key(1));
}

#[tokio::test]
async fn a_bad_wish_is_refused_by_the_name_of_its_field_and_before_the_database() {
    let api = TestApi::new().await;
    for (path, wish, field) in [
        ("/assets/retry", json!({"assetTypes": []}), "assetTypes"),
        (
            "/assets/retry",
            json!({"assetTypes": ["scene_9"]}),
            "assetTypes[0]",
        ),
        ("/assets/retry", json!({"force": "yes"}), "force"),
        (
            "/assets/retry",
            json!({"options": {"voiceId": ""}}),
            "voiceId",
        ),
        ("/assets/retry", json!({"assetTypes": null}), "assetTypes"),
        ("/assets/cancel", json!({"assetTypes": null}), "assetTypes"),
        ("/assets/cancel", json!([null]), "body"),
        ("/assets/regenerate", json!([["pdf"]]), "body"),
        (
            "/assets/regenerate",
            json!({"assetTypes": ["pdf"], "options": [true, null, null]}),
            "options",
        ),
        ("/assets/generate", json!({}), "assetTypes"),
        (
            "/assets/regenerate",
            json!({"assetTypes": ["pdf"], "sudo": true}),
            "sudo",
        ),
        ("/assets/continue", json!({"skipFailed": 1}), "skipFailed"),
        (
            "/assets/estimate",
            json!({"assetTypes": null}),
            "assetTypes",
        ),
        ("/art/regenerate", json!({"sceneIndex": 5}), "sceneIndex"),
        ("/art/regenerate", json!({"sceneIndex": -1}), "sceneIndex"),
        (
            "/art/regenerate",
            json!({"sceneIndex": 1, "style": "\u{0}"}),
            "style",
        ),
        ("/audio", json!({"voiceId": ""}), "voiceId"),
    ] {
        let response = api.post(&at(path), wish.clone()).await;
        assert_eq!(response.status(), 400, "{path} {wish}");
        let body = body(response).await;
        assert_eq!(code_of(&body), "VALIDATION_FAILED");
        assert_eq!(body["data"]["field"], field, "{body}");
    }
    assert!(api.database.questions().is_empty());
}

#[tokio::test]
async fn status_tells_each_asset_one_figure_and_the_version() {
    let api = TestApi::new().await;
    let assets = json!({"content": {"status": "ready", "progress": 100}, "audio": {"status": "failed", "progress": 30, "error": "x"}});
    api.database.answers(
        "stories",
        200,
        json!([story_row("partial", assets.clone())]),
    );
    let response = api.get(&at("/assets/status")).await;
    assert_eq!(header(response.headers(), "cache-control"), "no-store");
    assert_eq!(
        body(response).await["data"],
        json!({"overall": "partial", "assets": assets, "progress": 100, "version": 3})
    );
}

#[tokio::test]
async fn detailed_status_has_jobs_a_forecast_and_the_text_under_both_names() {
    let api = TestApi::new().await;
    let assets = json!({"content": {"status": "ready", "progress": 100},
        "audio": {"status": "generating", "progress": 65, "startedAt": "2024-01-01T12:00:00+00:00"}});
    api.database
        .answers("stories", 200, json!([story_row("generating", assets)]));
    api.database.answers(
        "asset_job_records",
        200,
        json!([{"id": USER, "asset_type": "audio", "status": "generating", "retry_count": 0, "error_code": null,
            "error_message": null, "started_at": "2024-01-01T12:00:00+00:00", "completed_at": null,
            "created_at": "2024-01-01T11:59:00+00:00"}]),
    );
    let answer = body(api.get(&at("/assets/status?detailed=true")).await).await;
    let data = &answer["data"];
    assert_eq!(data["assets"]["text"], data["assets"]["content"]);
    assert!(
        data["assets"]["audio"]["estimatedCompletion"]
            .as_str()
            .unwrap()
            .ends_with("+00:00")
    );
    assert!(
        data["assets"]["content"]
            .get("estimatedCompletion")
            .is_none()
    );
    let job = &data["jobs"][0];
    assert_eq!(
        (
            &job["id"],
            &job["assetType"],
            &job["status"],
            &job["retryCount"]
        ),
        (&json!(USER), &json!("audio"), &json!("running"), &json!(0))
    );
}

#[tokio::test]
async fn an_estimate_sums_up_and_knows_the_plan() {
    let api = TestApi::new().await;
    let mut story = story_row("ready", json!({}));
    story["content"] = json!({"beats": [{"text": "a".repeat(600)}, {"text": "b".repeat(400)}]});
    api.database.answers("stories", 200, json!([story]));
    let usage = json!({"tier": "free", "storiesUsed": 1, "storyLimit": 2, "storiesToday": 1, "dailyLimit": null,
        "resetsAt": "2026-01-02T00:00:00+00:00", "remakesPerStory": 16, "dailyCostLimitUsd": 4.0, "costTodayUsd": 0.5,
        "assetTypes": ["cover", "audio"], "priorities": ["normal"],
        "upgradeOptions": []});
    api.database.answers("rpc/user_usage", 200, usage);
    let estimate = async |assets| {
        let wish = json!({"assetTypes": assets});
        body(api.post(&at("/assets/estimate"), wish).await).await["data"].take()
    };
    let data = estimate(json!(["audio", "cover"])).await;
    assert_eq!(
        data["estimates"]["audio"],
        json!({"cost": 0.15, "time": 68})
    );
    let sum = 0.15 + data["estimates"]["cover"]["cost"].as_f64().unwrap();
    assert!((data["total"]["cost"].as_f64().unwrap() - sum).abs() < 0.0011);
    assert_eq!(data["total"]["time"], 68 + 38);
    assert_eq!(data["total"]["criticalPathTime"], 68);
    assert_eq!(
        (&data["tier"], &data["included"]),
        (&json!("free"), &json!(true))
    );
    assert_eq!(estimate(json!(["pdf"])).await["included"], false);
}

#[tokio::test]
async fn voices_are_listed_by_name_when_the_provider_does_not_answer() {
    let api = TestApi::new().await;
    let answer = body(api.get("/audio/voices").await).await;
    let data = &answer["data"];
    assert_eq!(data["source"], "built-in");
    assert_eq!(data["voices"][0]["id"], data["defaultVoiceId"]);
    assert!(
        data["voices"][0]["aliases"]
            .as_array()
            .unwrap()
            .contains(&json!("alloy"))
    );
}
