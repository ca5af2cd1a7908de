//! The user's settings, and who is woken when a command ends a story.

use crate::test_api::{STORY, TestApi, USER, body, story_row};
use serde_json::{Value, json};

fn user(notices: bool, language: Value) -> Value {
    json!({"id": USER, "email": "a@example.com", "notices": notices, "noticesStopped": null, "language": language})
}

#[tokio::test]
async fn settings_are_read_and_what_is_named_of_them_changed() {
    let api = TestApi::new().await;
    let as_it_is = user(true, Value::Null);
    api.database
        .answers("rpc/user_settings", 200, as_it_is.clone());
    assert_eq!(body(api.get("/users/me").await).await["data"], as_it_is);
    let (_, _, question) = api.database.questions().pop().unwrap();
    assert_eq!(question["p_change"], json!({}), "reading changes nothing");

    for change in [
        json!({"notices": false}),
        json!({"language": "de"}),
        json!({"notices": true, "language": null}),
    ] {
        api.database
            .answers("rpc/user_settings", 200, as_it_is.clone());
        let response = api.ask("PATCH", "/users/me", change.to_string()).await;
        assert_eq!(response.status(), 200);
        let (_, _, question) = api.database.questions().pop().unwrap();
        assert_eq!(question["p_change"], change);
        assert_eq!(question["p_user_id"], USER);
    }
}

#[tokio::test]
async fn a_change_of_nothing_and_a_language_that_is_no_code_are_refused() {
    let api = TestApi::new().await;
    for (change, field) in [
        (json!({}), "body"),
        (json!({"language": "german"}), "language"),
        (json!({"language": "DE"}), "language"),
        (json!({"notices": null}), "notices"),
    ] {
        let response = api.ask("PATCH", "/users/me", change.to_string()).await;
        assert_eq!(response.status(), 400, "{change}");
        assert_eq!(body(response).await["data"]["field"], field);
    }
}

#[tokio::test]
async fn a_command_that_ends_a_story_has_its_user_told_and_one_that_does_not_has_not() {
    for (overall, was, told) in [
        ("partial", "generating", 1),
        ("ready", "partial", 1),
        ("ready", "ready", 0),
        ("generating", "partial", 0),
    ] {
        let api = TestApi::new().await;
        let answer = json!({"story": story_row(overall, json!({})), "assetTypes": [], "claimable": 0, "was": was,
            "summary": null});
        api.database.answers("rpc/cancel_assets", 200, answer);
        let path = format!("/stories/{STORY}/assets/cancel");
        assert_eq!(api.post(&path, json!({})).await.status(), 200);
        let event = json!({"action": "send_notices"});
        let events = api.events();
        let wakes = events.iter().filter(|(_, sent)| *sent == event);
        assert_eq!(wakes.count(), told, "{was} to {overall}");
    }
}
