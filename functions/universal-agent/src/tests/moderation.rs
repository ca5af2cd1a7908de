//! Words that do not belong in a child's story: refused before the database is asked, wherever they stand.

use crate::test_api::{STORY, TestApi, USER, body, code_of, serve, story_row};
use axum::{Json, Router, routing::post};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use url::Url;

/// A service that gives every text which names a fight such a score of violence, and how often it was asked.
async fn judging(score: f64) -> (Url, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    let judge = move |Json(question): Json<Value>| {
        counting.fetch_add(1, Ordering::Relaxed);
        let texts = question["input"].as_array().cloned().unwrap_or_default();
        let verdict = |text: &Value| {
            let is_raised = text.as_str().is_some_and(|text| text.contains("fight"));
            let score = if is_raised { score } else { 0.001 };
            json!({"flagged": false, "categories": {"violence": false}, "category_scores": {"violence": score}})
        };
        let results: Vec<_> = texts.iter().map(verdict).collect();
        async move {
            Json(json!({"id": "modr-1", "model": "omni-moderation-latest", "results": results}))
        }
    };
    let service = serve(Router::new().route("/moderations", post(judge))).await;
    (service, asked)
}

fn wish(idea: &str, age: u32) -> Value {
    json!({"character_ids": [USER], "story_type": "adventure", "themes": ["courage"], "idea": idea, "readerAge": age})
}

async fn api(service: &Url) -> TestApi {
    let api = TestApi::moderated_by(service).await;
    let story = json!({"story": story_row("generating", json!({})), "replayed": false});
    api.database.answers("rpc/create_story", 200, story);
    api
}

#[tokio::test]
async fn a_wish_that_is_too_much_for_its_reader_is_refused_by_field_before_anything_is_written() {
    let (service, _) = judging(0.55).await;
    let api = api(&service).await;
    let answer = api
        .post("/stories", wish("a knight fights a dragon", 5))
        .await;
    assert_eq!(answer.status(), 400);
    let refusal = body(answer).await;
    assert_eq!(code_of(&refusal), "UNSAFE_CONTENT");
    assert_eq!(refusal["data"]["field"], "idea");
    let words = refusal["message"].as_str().expect("words");
    assert_eq!(
        words,
        "idea speaks of violence, which does not belong in a story for a child of 5. Please find other words."
    );
    assert!(
        api.database.questions().is_empty(),
        "nothing was asked of the database"
    );
    // A bigger child may read it.
    let answer = api
        .post("/stories", wish("a knight fights a dragon", 10))
        .await;
    assert_eq!(answer.status(), 201);
}

#[tokio::test]
async fn every_place_that_takes_free_words_is_looked_at() {
    let (service, _) = judging(0.99).await;
    let api = api(&service).await;
    let said = "a fight";
    let story = |field: &str, value: Value| {
        let mut story = wish("a walk", 6);
        story[field] = value;
        ("/stories".to_owned(), "POST", story)
    };
    let hero = |field: &str, value: Value| {
        let mut hero = json!({"name": "Ember"});
        hero[field] = value;
        ("/characters".to_owned(), "POST", hero)
    };
    let style = json!({"assetTypes": ["cover"], "options": {"style": said}});
    for (path, method, wish) in [
        story("title", json!(said)),
        story("story_type", json!(said)),
        story("style", json!(said)),
        story("themes", json!(["friends", said])),
        hero("name", json!(said)),
        hero("species", json!(said)),
        hero("appearance", json!({"clothes": said})),
        hero("personality", json!([said])),
        (
            format!("/characters/{USER}"),
            "PATCH",
            json!({"name": said}),
        ),
        (format!("/stories/{STORY}/assets/retry"), "POST", style),
    ] {
        let answer = api.ask(method, &path, wish.to_string()).await;
        let answer = body(answer).await;
        assert_eq!(code_of(&answer), "UNSAFE_CONTENT", "{method} {path} {wish}");
    }
    assert!(api.database.questions().is_empty());
}

#[tokio::test]
async fn of_many_wishes_each_is_refused_or_taken_by_itself() {
    let (service, asked) = judging(0.99).await;
    let api = api(&service).await;
    let story = json!({"story": story_row("generating", json!({})), "replayed": false});
    api.database
        .answers("rpc/create_stories", 200, json!([story]));
    let wishes = json!({"stories": [wish("a fight", 5), wish("a walk", 5)]});
    let answer = body(api.post("/stories/bulk", wishes).await).await;
    assert_eq!(
        answer["data"]["answers"][0]["code"], "UNSAFE_CONTENT",
        "{answer}"
    );
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    let (_, _, question) = api.database.questions().pop().expect("one question");
    assert_eq!(
        question["p_stories"].as_array().map(Vec::len),
        Some(1),
        "{question}"
    );
}

#[tokio::test]
async fn a_service_that_is_away_holds_nobody_up_and_is_left_alone_for_a_while() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    let silent = move || {
        counting.fetch_add(1, Ordering::Relaxed);
        std::future::pending::<()>()
    };
    let service = serve(Router::new().route("/moderations", post(silent))).await;
    let api = api(&service).await;
    for _ in 0..3 {
        let answer = api.post("/stories", wish("a fight", 5)).await;
        assert_eq!(answer.status(), 201);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
