//! What the API accepts and refuses, and that a refusal leaves nothing behind.

use super::{assert_documented, demo, newcomer};
use crate::stack::shared;
use domain::AssetType;
use operate::api::ApiError;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use stack::breakpoints::Moment;

pub(super) async fn post(url: &str, token: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
    let mut request = reqwest::Client::new()
        .post(url)
        .bearer_auth(token)
        .json(body);
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let response = request.send().await.expect("an answer");
    let (status, path) = (response.status().as_u16(), response.url().path().to_owned());
    let headers = response.headers().clone();
    let body: Value = response.json().await.expect("a JSON body");
    assert_documented("POST", &path, status, &headers, &body);
    (status, body)
}

/// Asks for `path` as a browser would that holds an answer, and holds what comes to `openapi.json`.
async fn get(url: &str, token: &str, held: Option<&str>) -> (u16, HeaderMap, Value) {
    let mut request = reqwest::Client::new().get(url).bearer_auth(token);
    if let Some(held) = held {
        request = request.header("if-none-match", held);
    }
    let response = request.send().await.expect("an answer");
    let (status, path) = (response.status().as_u16(), response.url().path().to_owned());
    let headers = response.headers().clone();
    let body = response.bytes().await.expect("all of it");
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status != 304 {
        assert_documented("GET", &path, status, &headers, &body);
    }
    (status, headers, body)
}

#[test]
fn a_status_is_304_while_nothing_changes_and_the_last_known_one_while_the_database_is_silent() {
    let shared = shared();
    shared.run(async {
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        user.settled(&id).await;
        let url = format!(
            "{}/api/v1/stories/{id}/assets/status",
            shared.stack().variable("API_URL")
        );
        let (status, headers, first) = get(&url, &user.token, None).await;
        assert_eq!((status, &first["data"]["overall"]), (200, &json!("ready")));
        let tag = headers["etag"].to_str().expect("a tag").to_owned();
        assert_eq!(get(&url, &user.token, Some(&tag)).await.0, 304);

        let silent: Vec<_> = (0..3)
            .map(|_| {
                let id = id.clone();
                let breakpoints = shared.stack().breakpoints();
                breakpoints.arm(Moment::Before, move |seen| {
                    seen.path.contains("/stories?") && seen.mentions(&id)
                })
            })
            .collect();
        let (status, _, told) = get(&url, &user.token, Some(&tag)).await;
        let data = &told["data"];
        assert_eq!((status, &data["degraded"]), (200, &json!(true)), "{told}");
        // Of the processes that serve the API, one that was never asked for this story may have answered.
        let known = match data["version"].as_u64() {
            Some(0) => (json!(0), json!({})),
            _ => (
                first["data"]["version"].clone(),
                first["data"]["assets"].clone(),
            ),
        };
        assert_eq!((&data["version"], &data["assets"]), (&known.0, &known.1));
        drop(silent);
        let (status, _, told) = get(&url, &user.token, None).await;
        assert_eq!((status, told), (200, first));
    });
}

#[test]
fn the_answer_to_a_new_story_is_the_documented_one_and_comes_at_once() {
    let shared = shared();
    shared.run(async {
        let user = demo(&shared);
        let url = format!("{}/api/v1/stories", shared.stack().variable("API_URL"));
        let body = json!({"character_ids": [shared.stack().variable("DEMO_CHARACTER_ID")], "story_type": "adventure",
            "themes": ["courage", "friendship"], "generateAssets": true});
        let began = std::time::Instant::now();
        let (status, answer) = post(&url, &user.token, None, &body).await;
        assert!(began.elapsed() < std::time::Duration::from_secs(2));
        assert_eq!(status, 201, "{answer}");
        assert_eq!(answer["success"], true);
        let story = &answer["data"];
        let id = story["id"].as_str().expect("an id");
        assert_eq!(story["status"], "generating");
        assert_eq!(story["realtimeChannel"], format!("stories:id={id}"));
        let assets = &story["asset_generation_status"]["assets"];
        assert_eq!(assets["content"], json!({"status": "generating", "progress": 0}));
        for asset in AssetType::BESIDE_TEXT {
            assert_eq!(assets[asset.name()], json!({"status": "pending", "progress": 0}), "{asset}");
        }
        user.settled(id).await;
    });
}

#[test]
fn the_same_key_gives_the_same_story_and_another_body_is_refused() {
    let shared = shared();
    shared.run(async {
        let user = demo(&shared);
        let url = format!("{}/api/v1/stories", shared.stack().variable("API_URL"));
        let character = shared.stack().variable("DEMO_CHARACTER_ID");
        let body =
            json!({"character_ids": [character], "story_type": "bedtime", "themes": ["sleep"]});
        let key = uuid::Uuid::new_v4().to_string();
        let (first, answer) = post(&url, &user.token, Some(&key), &body).await;
        let (second, replay) = post(&url, &user.token, Some(&key), &body).await;
        assert_eq!((first, second), (201, 201));
        assert_eq!(answer, replay);
        let other =
            json!({"character_ids": [character], "story_type": "mystery", "themes": ["sleep"]});
        let (refused, problem) = post(&url, &user.token, Some(&key), &other).await;
        assert_eq!(
            (refused, problem["code"].as_str()),
            (422, Some("IDEMPOTENCY_KEY_REUSED"))
        );
        user.settled(answer["data"]["id"].as_str().expect("an id"))
            .await;
    });
}

#[test]
fn a_free_user_gets_two_stories_and_then_the_documented_refusal() {
    let shared = shared();
    shared.run(async {
        let user = newcomer(&shared).await;
        let first = user.ask_for_story().await;
        let second = user.ask_for_story().await;
        let hero = user
            .api
            .create_character(&json!({"name": "Ember"}))
            .await
            .expect("a character");
        let url = format!("{}/api/v1/stories", shared.stack().variable("API_URL"));
        let body = json!({"character_ids": [hero["id"]], "story_type": "adventure", "themes": []});
        let (status, refusal) = post(&url, &user.token, None, &body).await;
        assert_eq!(status, 403);
        assert_eq!(refusal["success"], false);
        assert_eq!(refusal["error"], "Quota exceeded");
        assert_eq!(refusal["code"], "QUOTA_EXCEEDED");
        assert_eq!(refusal["data"]["tier"], "free");
        assert_eq!(refusal["data"]["storiesUsed"], 2);
        assert_eq!(refusal["data"]["storyLimit"], 2);
        assert_eq!(
            refusal["data"]["upgradeOptions"],
            json!(["individual", "story_pack_5"])
        );
        user.settled(&first).await;
        user.settled(&second).await;
    });
}

#[test]
fn a_wish_that_is_not_for_a_child_is_refused_in_plain_words_and_costs_nothing() {
    let shared = shared();
    shared.run(async {
        let user = newcomer(&shared).await;
        let api = shared.stack().variable("API_URL");
        let hero = json!({"name": "Ember"});
        let hero = user.api.create_character(&hero).await.expect("a character");
        let wish = json!({"character_ids": [hero["id"]], "story_type": "adventure", "themes": ["courage"],
            "idea": "a murder in the night", "readerAge": 6});
        let (status, refusal) = post(&format!("{api}/api/v1/stories"), &user.token, None, &wish).await;
        assert_eq!((status, &refusal["code"]), (400, &json!("UNSAFE_CONTENT")), "{refusal}");
        assert_eq!(refusal["data"]["field"], "idea");
        assert!(!refusal.to_string().contains("murder"), "nobody's words are said again");
        let rude = json!({"name": "Ember", "personality": ["erotic"]});
        let (status, refusal) = post(&format!("{api}/api/v1/characters"), &user.token, None, &rude).await;
        assert_eq!((status, &refusal["data"]["field"]), (400, &json!("personality")), "{refusal}");
        let (_, _, usage) = get(&format!("{api}/api/v1/users/me/usage"), &user.token, None).await;
        assert_eq!(usage["data"]["storiesUsed"], 0);
    });
}

#[test]
fn bad_input_is_refused_by_name_before_anything_is_written_or_paid() {
    let shared = shared();
    shared.run(async {
        let user = newcomer(&shared).await;
        let url = format!("{}/api/v1/stories", shared.stack().variable("API_URL"));
        let nobody = uuid::Uuid::new_v4();
        for (body, status, code) in [
            (json!({}), 400, "VALIDATION_FAILED"),
            (
                json!({"character_ids": [], "story_type": "a", "themes": []}),
                400,
                "VALIDATION_FAILED",
            ),
            (
                json!({"character_ids": ["x"], "story_type": "a", "themes": []}),
                400,
                "VALIDATION_FAILED",
            ),
            (
                json!({"character_ids": [nobody], "story_type": "", "themes": []}),
                400,
                "VALIDATION_FAILED",
            ),
            (
                json!({"character_ids": [nobody], "story_type": "a", "themes": []}),
                404,
                "CHARACTER_NOT_FOUND",
            ),
        ] {
            let (got, answer) = post(&url, &user.token, None, &body).await;
            assert_eq!(
                (got, answer["code"].as_str()),
                (status, Some(code)),
                "{body} gave {answer}"
            );
        }
        let (unsigned, answer) = post(&url, "no-token", None, &json!({})).await;
        assert_eq!((unsigned, answer["success"].as_bool()), (401, Some(false)));
        let left: i64 =
            sqlx::query_scalar("select count(*) from public.stories where creator_user_id = $1")
                .bind(user.id)
                .fetch_one(shared.stack().pool())
                .await
                .expect("a count");
        assert_eq!(left, 0, "a refused request left a story");
    });
}

#[test]
fn a_stranger_finds_neither_story_nor_character() {
    let shared = shared();
    shared.run(async {
        let owner = demo(&shared);
        let stranger = newcomer(&shared).await;
        let id = owner.ask_for_story().await;
        match stranger.api.story(&id).await {
            Err(ApiError::Refused { status, code, .. }) => {
                assert_eq!((status, code.as_str()), (404, "STORY_NOT_FOUND"))
            }
            other => panic!("{other:?}"),
        }
        assert!(stranger.api.steer(&id, "cancel", &json!({})).await.is_err());
        assert_eq!(
            owner.settled(&id).await["asset_generation_status"]["overall"],
            "ready"
        );
    });
}

#[test]
fn a_class_asks_for_stories_at_once_and_turns_the_pages_of_its_list() {
    let shared = shared();
    shared.run(async {
        let user = newcomer(&shared).await;
        let hero = user
            .api
            .create_character(&json!({"name": "Ember"}))
            .await
            .expect("a character");
        let wish = |kind: &str| json!({"character_ids": [hero["id"]], "story_type": kind, "themes": [], "generateAssets": false});
        let url = format!("{}/api/v1/stories", shared.stack().variable("API_URL"));
        let bulk = json!({"stories": [wish("adventure"), wish(""), wish("bedtime"), wish("mystery")]});
        let (status, answer) = post(&format!("{url}/bulk"), &user.token, None, &bulk).await;
        assert_eq!(status, 200, "{answer}");
        let answers = answer["data"]["answers"].as_array().expect("answers");
        let statuses: Vec<_> = answers.iter().map(|answer| answer["status"].clone()).collect();
        assert_eq!(statuses, [201, 400, 201, 403], "{answer}");
        let made = [0, 2].map(|place| answers[place]["data"]["id"].as_str().expect("an id").to_owned());
        let (_, _, why) = get(&format!("{url}/{}/why", made[0]), &user.token, None).await;
        assert!(why["data"]["blockedBy"].is_array(), "{why}");
        for id in &made {
            user.settled(id).await;
        }

        let first = format!("{url}?limit=1&status=ready&fields=id,story_type");
        let (_, headers, first) = get(&first, &user.token, None).await;
        assert!(headers.contains_key("ratelimit"), "{headers:?}");
        let cursor = first["data"]["nextCursor"].as_str().expect("a next page");
        let next = format!("{url}?limit=1&fields=id,story_type&cursor={cursor}");
        let (_, _, next) = get(&next, &user.token, None).await;
        assert_eq!(next["data"].get("nextCursor"), None);
        let mut listed = [&first, &next].map(|page| page["data"]["stories"][0]["id"].as_str().expect("an id").to_owned());
        let mut made = made;
        listed.sort();
        made.sort();
        assert_eq!(listed, made);
        let shelved = format!("{url}?limit=1&fields=overall,progress,placeholders,cover");
        let (_, _, shelved) = get(&shelved, &user.token, None).await;
        let asked = json!({"overall": "ready", "progress": 100, "placeholders": 0, "cover": null});
        assert_eq!(shelved["data"]["stories"], json!([asked]));
        let (_, _, whole) = get(&format!("{url}/{}/why", made[0]), &user.token, None).await;
        assert_eq!(whole["data"], json!({"overall": "ready", "blockedBy": [], "assets": []}));
    });
}
