//! What everybody may ask: plans, packs and traits; and what a plan makes of a wish for a story.

use crate::test_api::{TestApi, USER, body, code_of, header, story_row};
use axum::{body::Body, extract::Request, response::Response};
use serde_json::{Value, json};

/// Asks without a token.
async fn open(api: &TestApi, path: &str) -> Response {
    let request = Request::get(format!("/api/v1{path}"));
    api.send(request.body(Body::empty()).unwrap()).await
}

fn plans() -> Value {
    let plan = |code: &str, price: Value, priorities: Value| {
        json!({"code": code, "name": code, "priceUsdMonth": price, "storyLimit": null, "dailyLimit": 10, "remakesPerStory": 16, "dailyCostLimitUsd": 2.0, "webhookLimit": 2,
            "assetTypes": ["content", "cover"], "priorities": priorities, "characterVoices": true, "characterSheets": true, "upgradeOptions": []})
    };
    json!({"plans": [plan("free", json!(0.0), json!(["normal"])), plan("school", json!(null), json!(["normal", "urgent"]))],
        "packs": [{"code": "story_pack_5", "name": "Five stories", "stories": 5, "priceUsd": 4.99}]})
}

#[tokio::test]
async fn plans_are_told_to_everybody_as_data_and_may_be_cached() {
    let api = TestApi::new().await;
    api.database.answers("rpc/list_plans", 200, plans());
    let response = open(&api, "/plans").await;
    assert_eq!(response.status(), 200);
    let caching = header(response.headers(), "cache-control");
    assert_eq!(caching, "public, max-age=300");
    assert_eq!(body(response).await["data"], plans());
}

#[tokio::test]
async fn plans_are_told_on_while_the_database_is_away() {
    let api = TestApi::new().await;
    let away =
        json!({"code": "42501", "message": "permission denied", "details": null, "hint": null});
    api.database.answers("rpc/list_plans", 403, away.clone());
    assert_eq!(open(&api, "/plans").await.status(), 500);
    api.database.answers("rpc/list_plans", 200, plans());
    assert_eq!(open(&api, "/plans").await.status(), 200);
    api.database.answers("rpc/list_plans", 403, away);
    assert_eq!(open(&api, "/plans").await.status(), 200);
}

#[tokio::test]
async fn every_trait_is_told_with_its_words_and_none_is_taken_for_a_character() {
    let api = TestApi::new().await;
    let response = open(&api, "/characters/traits").await;
    let caching = header(response.headers(), "cache-control");
    assert_eq!(caching, "public, max-age=3600");
    let answer = body(response).await;
    let told = answer["data"]["traits"].as_array().unwrap();
    assert_eq!(told.len(), domain::traits::TRAITS.len());
    for (told, (code, words)) in told.iter().zip(domain::traits::TRAITS) {
        assert_eq!(told, &json!({"code": code, "description": words}));
    }
    assert!(api.database.questions().is_empty());
}

fn wish(more: Value) -> Value {
    let mut wish = json!({"character_ids": [USER], "story_type": "adventure", "themes": []});
    let more = more.as_object().unwrap().clone();
    wish.as_object_mut().unwrap().extend(more);
    wish
}

/// What the database is asked to make for such a wish, beside the text.
async fn asked_for(more: Value) -> Value {
    let api = TestApi::new().await;
    let story = story_row("generating", json!({}));
    let made = json!({"story": story, "replayed": false});
    api.database.answers("rpc/create_story", 200, made);
    let response = api.post("/stories", wish(more)).await;
    assert_eq!(response.status(), 201);
    let (_, _, question) = api.database.questions().pop().unwrap();
    question["p_request"]["asset_types"].clone()
}

#[tokio::test]
async fn a_wish_that_names_no_assets_leaves_them_to_the_plan() {
    assert_eq!(asked_for(json!({})).await, json!(null));
    assert_eq!(asked_for(json!({"assetTypes": null})).await, json!(null));
    let text_alone = json!({"generateAssets": false});
    assert_eq!(asked_for(text_alone).await, json!([]));
    let named = json!({"assetTypes": ["audio", "text", "cover", "audio"], "generateAssets": true});
    assert_eq!(asked_for(named).await, json!(["cover", "audio"]));
}

#[tokio::test]
async fn assets_that_cannot_be_meant_are_refused_by_name() {
    let api = TestApi::new().await;
    for (more, field) in [
        (json!({"assetTypes": []}), "assetTypes"),
        (json!({"assetTypes": ["scene_5"]}), "assetTypes[0]"),
        (json!({"assetTypes": "audio"}), "assetTypes"),
        (
            json!({"assetTypes": ["audio"], "generateAssets": false}),
            "assetTypes",
        ),
        (json!({"priority": "now"}), "priority"),
    ] {
        let response = api.post("/stories", wish(more.clone())).await;
        assert_eq!(response.status(), 400, "{more}");
        let body = body(response).await;
        assert_eq!(body["data"]["field"], field, "{more}");
    }
    assert!(api.database.questions().is_empty());
}

#[tokio::test]
async fn a_priority_that_the_plan_lacks_starts_nothing() {
    let api = TestApi::new().await;
    let detail = json!({"priority": "urgent", "tier": "free"}).to_string();
    let refusal = json!({"code": "PT403", "message": "ERR_6002", "details": detail, "hint": null});
    api.database.answers("rpc/create_story", 403, refusal);
    let response = api
        .post("/stories", wish(json!({"priority": "urgent"})))
        .await;
    assert_eq!(response.status(), 403);
    assert_eq!(code_of(&body(response).await), "ERR_6002");
    let (_, _, question) = api.database.questions().pop().unwrap();
    assert_eq!(question["p_request"]["priority"], "urgent");
    assert!(api.events().is_empty());
}
