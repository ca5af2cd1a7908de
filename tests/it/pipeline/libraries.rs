//! Libraries over the real protocols: made, renamed, and a story moved while it is being made.

use super::{User, assert_documented, newcomer};
use crate::stack::{Shared, shared};
use reqwest::Method;
use serde_json::{Value, json};

async fn ask(
    shared: &Shared,
    user: &User,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let url = format!("{}/api/v1{path}", shared.stack().variable("API_URL"));
    let mut request = reqwest::Client::new()
        .request(method.clone(), url)
        .bearer_auth(&user.token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let path = response.url().path().to_owned();
    let answer: Value = response.json().await.expect("a JSON body");
    assert_documented(method.as_str(), &path, status, &headers, &answer);
    (status, answer)
}

#[test]
fn a_story_is_moved_to_another_library_while_it_is_being_made() {
    let shared = shared();
    shared.run(async {
        let (user, stranger) = (newcomer(&shared).await, newcomer(&shared).await);
        let (_, first) = ask(&shared, &user, Method::GET, "/libraries", None).await;
        let first = first["data"]["libraries"][0]["id"].clone();
        let wish = Some(json!({"name": "Bedtime"}));
        let (status, made) = ask(&shared, &user, Method::POST, "/libraries", wish).await;
        assert_eq!(status, 201);
        let library = made["data"]["id"].as_str().expect("an id");

        let id = user.ask_for_story().await;
        let begun = user.api.story(&id).await.expect("the story");
        assert_eq!(
            begun["library_id"], first,
            "where stories go that name none"
        );
        let path = format!("/stories/{id}");
        let target = Some(json!({"library_id": library}));
        let (status, moved) = ask(&shared, &user, Method::PATCH, &path, target.clone()).await;
        assert_eq!(
            (status, &moved["data"]["library_id"]),
            (200, &json!(library))
        );
        let story = user.settled(&id).await;
        assert_eq!(story["asset_generation_status"]["overall"], "ready");
        assert_eq!(story["library_id"], library);

        let rename = Some(json!({"name": "Morning"}));
        let named = format!("/libraries/{library}");
        let (_, renamed) = ask(&shared, &user, Method::PATCH, &named, rename.clone()).await;
        assert_eq!(renamed["data"]["name"], "Morning");
        assert_eq!(renamed["data"]["storyCount"], 1);
        let listed = format!("/stories?library_id={library}");
        let (_, listed) = ask(&shared, &user, Method::GET, &listed, None).await;
        assert_eq!(listed["data"]["stories"][0]["id"], id.as_str());
        let elsewhere = format!("/stories?library_id={}", first.as_str().expect("an id"));
        let (_, listed) = ask(&shared, &user, Method::GET, &elsewhere, None).await;
        assert_eq!(listed["data"]["stories"], json!([]));

        let (status, refusal) = ask(&shared, &stranger, Method::PATCH, &named, rename).await;
        assert_eq!(
            (status, &refusal["code"]),
            (404, &json!("LIBRARY_NOT_FOUND"))
        );
        let (status, refusal) = ask(&shared, &stranger, Method::PATCH, &path, target).await;
        assert_eq!((status, &refusal["code"]), (404, &json!("STORY_NOT_FOUND")));
    });
}
