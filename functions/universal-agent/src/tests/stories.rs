//! Creating a story, finding it again, the user's characters and usage.

use crate::test_api::{STORY, TestApi, USER, body, code_of, header, story_row};
use domain::AssetType;
use serde_json::{Value, json};

fn wish() -> Value {
    json!({"character_ids": [USER], "story_type": "adventure", "themes": ["courage", "friendship"], "generateAssets": true})
}

fn new_story(replayed: bool) -> Value {
    let pending = json!({"status": "pending", "progress": 0});
    let assets = AssetType::BESIDE_TEXT.map(|asset| (asset.name().to_owned(), pending.clone()));
    let mut assets = Value::Object(assets.into_iter().collect());
    assets["content"] = json!({"status": "generating", "progress": 0});
    json!({"story": story_row("generating", assets), "replayed": replayed})
}

#[tokio::test]
async fn a_story_is_answered_201_with_the_documented_body_and_its_text_is_started() {
    let api = TestApi::new().await;
    api.database
        .answers("rpc/create_story", 200, new_story(false));
    let response = api.post("/stories", wish()).await;
    assert_eq!(response.status(), 201);
    assert_eq!(header(response.headers(), "idempotency-replayed"), "");
    let mut data = body(response).await["data"].take();
    assert_eq!(
        data.as_object_mut().unwrap().remove("realtime").unwrap(),
        json!({"channel": format!("story-{STORY}"), "event": "UPDATE", "schema": "public", "table": "stories",
            "filter": format!("id=eq.{STORY}")})
    );
    let pending = json!({"status": "pending", "progress": 0});
    assert_eq!(
        data,
        json!({"id": STORY, "status": "generating", "asset_generation_status": {"overall": "generating", "assets": {
            "content": {"status": "generating", "progress": 0}, "cover": pending, "scene_1": pending,
            "scene_2": pending, "scene_3": pending, "scene_4": pending, "audio": pending, "activities": pending,
            "pdf": pending}}, "realtimeChannel": format!("stories:id={STORY}")})
    );
    let event = json!({"action": "generate_story", "storyId": STORY});
    assert_eq!(api.events(), [("content-agent".to_owned(), event)]);
}

#[tokio::test]
async fn a_replay_answers_the_same_status_and_body_and_says_so() {
    let api = TestApi::new().await;
    api.database
        .answers("rpc/create_story", 200, new_story(false));
    let first = api.post_with_key("/stories", "once", wish()).await;
    api.database
        .answers("rpc/create_story", 200, new_story(true));
    let second = api.post_with_key("/stories", "once", wish()).await;
    assert_eq!(first.status(), second.status());
    assert_eq!(header(second.headers(), "idempotency-replayed"), "true");
    assert_eq!(body(first).await, body(second).await);

    let asked: Vec<_> = api
        .database
        .questions()
        .into_iter()
        .map(|(_, _, body)| body)
        .collect();
    assert_eq!(asked[0]["p_idempotency_key"], "once");
    assert_eq!(asked[0]["p_request_hash"], asked[1]["p_request_hash"]);
    assert_eq!(asked[0]["p_user_id"], USER);
    assert_eq!(asked[0]["p_email"], "ada@example.com");
}

#[tokio::test]
async fn the_same_wish_written_otherwise_has_the_same_hash_and_another_wish_has_not() {
    let api = TestApi::new().await;
    api.database
        .answers("rpc/create_story", 200, new_story(false));
    let spaced = format!(
        r#"{{ "themes": ["courage", " friendship "], "story_type": "adventure", "character_ids": ["{USER}"] }}"#
    );
    api.post("/stories", wish()).await;
    api.ask("POST", "/stories", spaced).await;
    let mut other = wish();
    other["story_type"] = json!("mystery");
    api.post("/stories", other).await;
    let questions = api.database.questions();
    let hash = |index: usize| questions[index].2["p_request_hash"].clone();
    assert_eq!(hash(0), hash(1));
    assert_ne!(hash(0), hash(2));
}

#[tokio::test]
async fn a_story_stands_even_when_its_text_could_not_be_started() {
    let api = TestApi::new().await;
    api.database
        .answers("rpc/create_story", 200, new_story(false));
    *api.invoker.refuses.lock().unwrap() = true;
    assert_eq!(api.post("/stories", wish()).await.status(), 201);
}

#[tokio::test]
async fn a_refusal_of_the_database_starts_nothing() {
    let api = TestApi::new().await;
    let refusal =
        json!({"code": "PT404", "message": "CHARACTER_NOT_FOUND", "details": "{}", "hint": null});
    api.database.answers("rpc/create_story", 404, refusal);
    let response = api.post("/stories", wish()).await;
    assert_eq!(response.status(), 404);
    let body = body(response).await;
    assert_eq!(code_of(&body), "CHARACTER_NOT_FOUND");
    assert!(
        body["message"]
            .as_str()
            .unwrap()
            .contains("Create a character")
    );
    assert!(api.events().is_empty());
}

#[tokio::test]
async fn a_failure_of_the_database_is_a_500_that_tells_nothing() {
    let api = TestApi::new().await;
    let failure = json!({"code": "42501", "message": "permission denied for table stories", "details": null, "hint": null});
    api.database.answers("rpc/create_story", 403, failure);
    let response = api.post("/stories", wish()).await;
    assert_eq!(response.status(), 500);
    let body = body(response).await;
    assert_eq!(code_of(&body), "INTERNAL_ERROR");
    assert!(!body.to_string().contains("permission"));
}

#[tokio::test]
async fn a_schema_cache_that_is_behind_is_a_503_that_says_when_to_come_back() {
    let api = TestApi::new().await;
    let unknown_yet = json!({"code": "PGRST202", "message": "not in the schema cache", "details": null, "hint": null});
    api.database.answers("rpc/create_story", 404, unknown_yet);
    let response = api.post("/stories", wish()).await;
    assert_eq!(response.status(), 503);
    assert_eq!(header(response.headers(), "retry-after"), "2");
    assert_eq!(code_of(&body(response).await), "SERVICE_UNAVAILABLE");
}

#[tokio::test]
async fn one_odd_row_hides_no_other_character() {
    let api = TestApi::new().await;
    let row = |traits: Value, images: Value| {
        json!({"id": STORY, "name": "Ember", "species": null, "age": null, "traits": traits, "appearance": {},
            "personality": [], "reference_images": images})
    };
    api.database.answers(
        "characters",
        200,
        json!([
            row(json!(["glasses"]), json!([])),
            row(json!(["wings", "braces"]), json!(["no address"]))
        ]),
    );
    let answer = body(api.get("/characters").await).await;
    let characters = answer["data"]["characters"].as_array().unwrap();
    assert_eq!(characters.len(), 2, "{answer}");
    assert_eq!(characters[1]["traits"], json!(["braces"]));
    assert_eq!(characters[1]["referenceImages"], json!([]));
}

/// A story as PostgREST tells it of a list.
#[tokio::test]
async fn why_a_story_is_not_whole_is_told_to_its_user() {
    let api = TestApi::new().await;
    let why = json!({"overall": "generating", "blockedBy": ["cover"], "assets": [
        {"assetType": "cover", "reason": "WAITS_FOR_RETRY", "attempts": 1, "retriesLeft": 2,
            "lastError": {"code": "PROVIDER_TIMEOUT", "message": "late", "at": "2026-01-01T00:00:00+00:00"},
            "nextAttemptAt": "2026-01-01T00:00:04+00:00", "waitedOnBy": ["scene_1"]},
        {"assetType": "scene_1", "reason": "WAITS_FOR_INPUTS", "attempts": 0, "retriesLeft": 3, "waitsFor": ["cover"]}]});
    api.database.answers("rpc/story_why", 200, why.clone());
    let path = format!("/stories/{STORY}/why");
    assert_eq!(body(api.get(&path).await).await["data"], why);
    let (_, _, asked) = api.database.questions().pop().unwrap();
    assert_eq!(asked, json!({"p_user_id": USER, "p_story_id": STORY}));
}

#[tokio::test]
async fn somebody_else_s_story_is_not_found() {
    let api = TestApi::new().await;
    for path in [
        format!("/stories/{STORY}"),
        format!("/stories/{STORY}/assets/status"),
    ] {
        let response = api.get(&path).await;
        assert_eq!(response.status(), 404);
        assert_eq!(code_of(&body(response).await), "STORY_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_character_is_made_shown_changed_and_removed() {
    let api = TestApi::new().await;
    let image = "https://example.com/ember.png";
    let row = json!({"id": STORY, "name": "Ember", "species": "dragon", "age": 7, "traits": ["glasses"], "appearance": {},
        "personality": ["shy"], "reference_images": [image], "reference_states": {image: "pending"}});
    let prepare = json!({"action": "prepare_character", "characterId": STORY});
    api.database.answers(
        "rpc/create_character",
        200,
        json!({"character": row, "replayed": false}),
    );
    api.database.answers("characters", 200, json!([row]));
    let path = format!("/characters/{STORY}");

    let made = api.post("/characters", json!({"name": "Ember"})).await;
    assert_eq!(made.status(), 201);
    assert_eq!(
        api.events(),
        [("content-agent".to_owned(), prepare.clone())]
    );
    let shown = body(api.get(&path).await).await;
    assert_eq!(body(made).await, shown);
    assert_eq!(shown["data"]["referenceImages"], json!([image]));
    let references = json!([{"image": image, "status": "pending"}]);
    assert_eq!(shown["data"]["references"], references);
    assert!(shown["data"].get("reference_images").is_none());
    assert!(shown["data"].get("reference_states").is_none());

    let changed = api.ask("PATCH", &path, json!({"age": 8}).to_string()).await;
    assert_eq!(changed.status(), 200);
    let (method, _, change) = api.database.questions().pop().unwrap();
    assert_eq!((method.as_str(), &change["age"]), ("PATCH", &json!(8)));
    assert!(change.get("name").is_none());
    assert_eq!(api.events().len(), 1, "its pictures stayed");
    let upload = format!("upload:{STORY}");
    let images = json!({"referenceImages": [image, upload]}).to_string();
    assert_eq!(api.ask("PATCH", &path, images).await.status(), 200);
    assert_eq!(api.events()[1].1, prepare);

    assert_eq!(api.ask("DELETE", &path, "").await.status(), 200);
    assert_eq!(api.events()[2].1, json!({"action": "delete_files"}));
    api.database.answers("characters", 200, json!([]));
    assert_eq!(api.ask("DELETE", &path, "").await.status(), 404);
}

#[tokio::test]
async fn what_is_wrong_with_a_picture_of_a_character_is_told_with_the_picture() {
    let api = TestApi::new().await;
    let [good, bad] = ["https://example.com/a.png", "https://example.com/b.gif"];
    let row = json!({"id": STORY, "name": "Ember", "reference_images": [good, bad],
        "reference_states": {good: "ready", bad: "unreadable"}});
    api.database.answers("characters", 200, json!([row]));
    let shown = body(api.get(&format!("/characters/{STORY}")).await).await;
    let told = json!([{"image": good, "status": "ready"},
        {"image": bad, "status": "unreadable", "reason": "UNREADABLE_REFERENCE"}]);
    assert_eq!(shown["data"]["references"], told);
}

#[tokio::test]
async fn a_sheet_is_asked_for_and_its_drawing_begun_and_what_is_ready_is_only_told() {
    let api = TestApi::new().await;
    let path = format!("/characters/{STORY}/sheet");
    for (status, begun, code, events) in [
        ("pending", true, 202, 1),
        ("pending", false, 200, 2),
        ("ready", false, 200, 2),
    ] {
        let answer = json!({"sheet": {"status": status}, "begun": begun});
        api.database.answers("rpc/request_sheet", 200, answer);
        let asked = api.post(&path, Value::Null).await;
        assert_eq!(asked.status(), code);
        assert_eq!(body(asked).await["data"], json!({"status": status}));
        assert_eq!(api.events().len(), events);
    }
    let prepare = json!({"action": "prepare_character", "characterId": STORY});
    assert_eq!(api.events()[0], ("content-agent".to_owned(), prepare));
    let row = json!({"id": STORY, "name": "Ember",
        "sheet": {"status": "failed", "reason": "IMAGE_VALIDATION_FAILED"}});
    api.database.answers("characters", 200, json!([row]));
    let shown = body(api.get(&format!("/characters/{STORY}")).await).await;
    assert_eq!(shown["data"]["sheet"], row["sheet"]);
}

#[tokio::test]
async fn a_form_sends_one_picture_of_a_character_of_ones_own_and_of_no_other() {
    let api = TestApi::new().await;
    let path = format!("/characters/{STORY}/uploads");
    let missing = api.post(&path, Value::Null).await;
    assert_eq!(missing.status(), 404);
    assert_eq!(code_of(&body(missing).await), "CHARACTER_NOT_FOUND");
    let row = json!({"id": STORY, "name": "Ember"});
    api.database.answers("characters", 200, json!([row]));
    let made = body(api.post(&path, Value::Null).await).await;
    let id = made["data"]["reference"].as_str().unwrap();
    let id = id.strip_prefix("upload:").unwrap();
    assert_eq!(
        made["data"]["fields"]["key"],
        format!("uploads/{STORY}/{id}")
    );
    assert_eq!(made["data"]["bytesMax"], 10_485_760);
    let (_, asked, _) = &api.database.questions()[1];
    assert!(
        asked.contains(&format!("owner_user_id=eq.{USER}")),
        "{asked}"
    );
    // Another each time, for a character that is there.
    let again = body(api.post(&path, Value::Null).await).await;
    assert_ne!(again["data"]["reference"], made["data"]["reference"]);
    let early = json!({"name": "Ember", "referenceImages": [format!("upload:{id}")]});
    let refused = body(api.post("/characters", early).await).await;
    assert_eq!(
        refused["data"]["fields"][0]["field"], "referenceImages",
        "{refused}"
    );
}

#[tokio::test]
async fn many_stories_take_one_round_trip_and_each_has_the_answer_that_it_would_have_alone() {
    let api = TestApi::new().await;
    let full = json!({"refused": "QUOTA_EXCEEDED", "detail": {"tier": "free", "storiesUsed": 2, "storyLimit": 2}});
    api.database
        .answers("rpc/create_stories", 200, json!([new_story(false), full]));
    let mut bad = wish();
    bad["story_type"] = json!("");
    bad["readerAge"] = json!(99);
    let sent = json!({"stories": [wish(), bad, wish()]});
    let answer = body(api.post_with_key("/stories/bulk", "class-4b", sent).await).await;
    let data = &answer["data"];
    assert_eq!(
        (&data["accepted"], &data["refused"]),
        (&json!(1), &json!(2))
    );
    let [made, unread, refused] = &data["answers"].as_array().unwrap()[..] else {
        panic!("{answer}");
    };
    assert_eq!(
        (&made["status"], &made["data"]["id"]),
        (&json!(201), &json!(STORY))
    );
    assert_eq!(
        (&unread["status"], code_of(unread)),
        (&json!(400), "VALIDATION_FAILED")
    );
    assert_eq!(unread["data"]["fields"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&refused["status"], code_of(refused)),
        (&json!(403), "QUOTA_EXCEEDED")
    );
    assert_eq!(refused["data"]["tier"], "free");

    let questions = api.database.questions();
    let [(_, _, asked)] = &questions[..] else {
        panic!("{questions:?}");
    };
    let asked = asked["p_stories"].as_array().unwrap();
    assert_eq!(asked.len(), 2);
    assert_ne!(
        asked[0]["key"], asked[1]["key"],
        "the same wish twice is two stories"
    );
    assert_eq!(asked[0]["hash"], asked[1]["hash"]);
    let event = json!({"action": "generate_story", "storyId": STORY});
    assert_eq!(api.events(), [("content-agent".to_owned(), event)]);
}

#[tokio::test]
async fn no_more_than_a_hundred_stories_are_asked_for_at_once() {
    let api = TestApi::new().await;
    for count in [0, 101] {
        let sent = json!({"stories": vec![json!({}); count]});
        let response = api.post("/stories/bulk", sent).await;
        assert_eq!(response.status(), 400);
        assert_eq!(body(response).await["data"]["field"], "stories");
    }
    assert!(api.database.questions().is_empty());
}

#[tokio::test]
async fn usage_is_told_as_the_database_counts_it() {
    let api = TestApi::new().await;
    let usage = json!({"tier": "free", "storiesUsed": 1, "storyLimit": 2, "storiesToday": 1, "dailyLimit": null,
        "resetsAt": "2026-01-02T00:00:00+00:00", "remakesPerStory": 16, "dailyCostLimitUsd": 4.0, "costTodayUsd": 0.5,
        "assetTypes": ["content", "cover"], "priorities": ["normal"],
        "upgradeOptions": ["individual"]});
    api.database.answers("rpc/user_usage", 200, usage.clone());
    assert_eq!(body(api.get("/users/me/usage").await).await["data"], usage);
}
