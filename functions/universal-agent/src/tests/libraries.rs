//! Libraries, and a story that moves from one to another.

use crate::test_api::{STORY, TestApi, USER, body, code_of, header, story_row};
use serde_json::{Value, json};

fn library(name: &str) -> Value {
    json!({"id": STORY, "name": name, "storyCount": 3, "createdAt": "2026-01-01T00:00:00+00:00"})
}

fn refusal(status: u16, code: &str) -> Value {
    json!({"code": format!("PT{status}"), "message": code, "details": "{}", "hint": null})
}

#[tokio::test]
async fn libraries_are_listed_page_by_page() {
    let api = TestApi::new().await;
    let all = json!([library("a"), library("b"), library("c")]);
    api.database.answers("rpc/list_libraries", 200, all);
    let answer = body(api.get("/libraries?limit=2&offset=4").await).await;
    let data = &answer["data"];
    assert_eq!(data["libraries"], json!([library("a"), library("b")]));
    assert_eq!(data["hasMore"], true);
    let (_, _, question) = api.database.questions().pop().unwrap();
    assert_eq!(question["p_user_id"], USER);
    assert_eq!(
        (&question["p_limit"], &question["p_offset"]),
        (&json!(3), &json!(4))
    );
}

#[tokio::test]
async fn a_library_is_made_once_per_key_and_gets_another_name() {
    let api = TestApi::new().await;
    for replayed in [false, true] {
        let made = json!({"library": library("Bedtime"), "replayed": replayed});
        api.database.answers("rpc/create_library", 200, made);
        let response = api
            .post_with_key("/libraries", "once", json!({"name": " Bedtime "}))
            .await;
        assert_eq!(response.status(), 201);
        let told = header(response.headers(), "idempotency-replayed") == "true";
        assert_eq!(told, replayed);
        assert_eq!(body(response).await["data"], library("Bedtime"));
    }
    let (_, _, question) = api.database.questions().pop().unwrap();
    assert_eq!(
        (&question["p_name"], &question["p_idempotency_key"]),
        (&json!("Bedtime"), &json!("once"))
    );

    api.database
        .answers("rpc/rename_library", 200, library("Morning"));
    let path = format!("/libraries/{STORY}");
    let renamed = json!({"name": "Morning"}).to_string();
    let response = api.ask("PATCH", &path, renamed.clone()).await;
    assert_eq!(body(response).await["data"]["name"], "Morning");

    let missing = refusal(404, "LIBRARY_NOT_FOUND");
    api.database.answers("rpc/rename_library", 404, missing);
    let response = api.ask("PATCH", &path, renamed).await;
    assert_eq!(response.status(), 404);
    assert_eq!(code_of(&body(response).await), "LIBRARY_NOT_FOUND");
}

#[tokio::test]
async fn a_story_moves_to_a_library_of_its_user_and_to_no_other() {
    let api = TestApi::new().await;
    let story = story_row("ready", json!({}));
    api.database.answers("rpc/move_story", 200, story.clone());
    let path = format!("/stories/{STORY}");
    for name in ["library_id", "libraryId"] {
        let response = api
            .ask("PATCH", &path, json!({name: USER}).to_string())
            .await;
        assert_eq!(response.status(), 200);
        assert_eq!(body(response).await["data"], story);
        let (_, _, question) = api.database.questions().pop().unwrap();
        assert_eq!(
            question,
            json!({"p_user_id": USER, "p_story_id": STORY, "p_library_id": USER})
        );
    }
    for (code, status) in [("LIBRARY_NOT_FOUND", 404), ("STORY_NOT_FOUND", 404)] {
        api.database
            .answers("rpc/move_story", status, refusal(status, code));
        let sent = json!({"library_id": USER}).to_string();
        let response = api.ask("PATCH", &path, sent).await;
        assert_eq!(response.status(), status);
        assert_eq!(code_of(&body(response).await), code);
    }
}

#[tokio::test]
async fn the_stories_of_one_library_can_be_listed() {
    let api = TestApi::new().await;
    let row = json!({"library_id": USER, "place_created_at": "2026-01-01T00:00:00+00:00", "place_id": STORY});
    api.database.answers("story_summaries", 200, json!([row]));
    let path = format!("/stories?library_id={USER}");
    let answer = body(api.get(&path).await).await;
    assert_eq!(answer["data"]["stories"][0]["library_id"], USER);
    let (_, asked, _) = api.database.questions().pop().unwrap();
    assert!(asked.contains(&format!("library_id=eq.{USER}")), "{asked}");
    assert!(asked.contains(&format!("creator_user_id=eq.{USER}")));
    let response = api.get("/stories?library_id=mine").await;
    assert_eq!(response.status(), 400);
    assert_eq!(body(response).await["data"]["field"], "library_id");
}
