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
fn listed() -> Value {
    let row = story_row("ready", json!({}));
    let names = "id,library_id,title,status,asset_generation_status,story_type,themes,version,created_at,updated_at";
    let mut listed: serde_json::Map<_, _> = names
        .split(',')
        .map(|name| (name.to_owned(), row[name].clone()))
        .collect();
    listed.insert("place_created_at".to_owned(), row["created_at"].clone());
    listed.insert("place_id".to_owned(), row["id"].clone());
    listed.into()
}

#[tokio::test]
async fn a_page_begins_where_the_one_before_ended_and_shows_what_was_asked_for() {
    let api = TestApi::new().await;
    let part = json!({"title": "Ember", "place_created_at": "2026-01-01T00:00:00+00:00", "place_id": STORY});
    api.database.answers("story_summaries", 200, json!([part]));
    let path = format!("/stories?fields=title&status=ready&cursor=1767225600000000.{STORY}");
    let answer = body(api.get(&path).await).await;
    assert_eq!(
        answer["data"],
        json!({"stories": [{"title": "Ember"}], "limit": 20, "offset": 0, "hasMore": false})
    );
    let asked = api.database.questions()[0].1.clone();
    let asked: Vec<_> = url::form_urlencoded::parse(asked.split_once('?').unwrap().1.as_bytes())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let at = "2026-01-01T00:00:00.000000+00:00";
    for condition in [
        "select=title,place_created_at:created_at,place_id:id".to_owned(),
        "status=eq.ready".to_owned(),
        format!("created_at=lte.{at}"),
        format!(r#"or=(created_at.lt."{at}",id.lt.{STORY})"#),
    ] {
        assert!(asked.contains(&condition), "{condition} in {asked:?}");
    }
}

#[tokio::test]
async fn what_a_shelf_needs_of_a_status_is_read_where_it_is_named_and_once() {
    let api = TestApi::new().await;
    for _ in 0..2 {
        api.database.answers("story_summaries", 200, json!([]));
    }
    api.get("/stories?fields=title,overall&fields=cover,overall")
        .await;
    api.get("/stories").await;
    let selected = api
        .database
        .questions()
        .into_iter()
        .map(|(_, asked, _)| asked);
    let selected: Vec<_> = selected.collect();
    let place = "%2Cplace_created_at%3Acreated_at";
    let named = format!("select=title%2Coverall%2Ccover{place}");
    assert!(selected[0].contains(&named), "{selected:?}");
    assert!(!selected[1].contains("overall"), "{selected:?}");
}

#[tokio::test]
async fn of_a_story_only_what_was_asked_for_is_read() {
    let api = TestApi::new().await;
    let part = json!({"title": "Ember", "version": 3});
    api.database.answers("stories", 200, json!([part]));
    let path = format!("/stories/{STORY}");
    let answer = body(api.get(&format!("{path}?fields=title,version")).await).await;
    assert_eq!(answer["data"], part);
    assert!(
        api.database.questions()[0]
            .1
            .contains("select=title%2Cversion")
    );
}

#[tokio::test]
async fn what_nobody_may_ask_of_a_list_is_refused_by_name() {
    let api = TestApi::new().await;
    for (path, field) in [
        ("/stories?fields=title,request", "fields"),
        ("/stories?fields=content", "fields"),
        ("/stories?fields=", "fields"),
        ("/stories?status=cancelled", "status"),
        ("/stories?cursor=1", "cursor"),
        (
            "/stories?offset=1&cursor=1.01234567-89ab-cdef-0123-456789abcdef",
            "cursor",
        ),
        (
            "/stories/01234567-89ab-cdef-0123-456789abcdef?fields=request",
            "fields",
        ),
    ] {
        let response = api.get(path).await;
        assert_eq!(response.status(), 400, "{path}");
        assert_eq!(body(response).await["data"]["field"], field, "{path}");
    }
    assert!(api.database.questions().is_empty());
}

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
async fn a_list_leaves_large_columns_out_and_tells_whether_it_goes_on() {
    let api = TestApi::new().await;
    api.database.answers(
        "story_summaries",
        200,
        json!([listed(), listed(), listed()]),
    );
    let answer = body(api.get("/stories?limit=2&offset=4").await).await;
    let data = &answer["data"];
    assert_eq!(data["stories"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&data["limit"], &data["offset"], &data["hasMore"]),
        (&json!(2), &json!(4), &json!(true))
    );
    assert!(data["stories"][0].get("content").is_none());
    assert!(data["stories"][0].get("place_id").is_none());
    let next = format!("1767225600000000.{STORY}");
    assert_eq!(data["nextCursor"], next);
    let asked = &api.database.questions()[0].1;
    assert!(asked.contains(&format!("creator_user_id=eq.{USER}")));
    for large in ["content", "audio_words", "audio_blocks", "hue_extracted"] {
        assert!(!asked.contains(large), "{large} is read and not shown");
    }
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
    let row = json!({"id": STORY, "name": "Ember", "species": "dragon", "age": 7, "traits": ["glasses"], "appearance": {},
        "personality": ["shy"], "reference_images": ["https://example.com/ember.png"]});
    api.database.answers(
        "rpc/create_character",
        200,
        json!({"character": row, "replayed": false}),
    );
    api.database.answers("characters", 200, json!([row]));
    let path = format!("/characters/{STORY}");

    let made = api.post("/characters", json!({"name": "Ember"})).await;
    assert_eq!(made.status(), 201);
    let shown = body(api.get(&path).await).await;
    assert_eq!(body(made).await, shown);
    assert_eq!(
        shown["data"]["referenceImages"],
        json!(["https://example.com/ember.png"])
    );
    assert!(shown["data"].get("reference_images").is_none());

    let changed = api.ask("PATCH", &path, json!({"age": 8}).to_string()).await;
    assert_eq!(changed.status(), 200);
    let (method, _, change) = api.database.questions().pop().unwrap();
    assert_eq!((method.as_str(), &change["age"]), ("PATCH", &json!(8)));
    assert!(change.get("name").is_none());

    assert_eq!(api.ask("DELETE", &path, "").await.status(), 200);
    api.database.answers("characters", 200, json!([]));
    assert_eq!(api.ask("DELETE", &path, "").await.status(), 404);
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
