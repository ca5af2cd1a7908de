//! The bodies of requests as `openapi.json` describes them, and as they are taken: the two must say the same.

use crate::test_api::{STORY, TestApi, body};
use serde_json::{Map, Value, json};

/// Method, path, schema, and the least that is accepted.
fn requests() -> Vec<(&'static str, String, &'static str, Value)> {
    let of_story = |path: &str| format!("/stories/{STORY}{path}");
    let story = json!({"character_ids": [STORY], "story_type": "a", "themes": []});
    vec![
        ("POST", "/stories".to_owned(), "NewStory", story),
        (
            "POST",
            "/characters".to_owned(),
            "NewCharacter",
            json!({"name": "a"}),
        ),
        (
            "PATCH",
            format!("/characters/{STORY}"),
            "CharacterChange",
            json!({"age": 3}),
        ),
        (
            "POST",
            of_story("/assets/generate"),
            "Make",
            json!({"assetTypes": ["audio"]}),
        ),
        (
            "POST",
            of_story("/assets/regenerate"),
            "Regenerate",
            json!({"assetTypes": ["audio"]}),
        ),
        (
            "POST",
            of_story("/assets/restore"),
            "Restore",
            json!({"assetType": "audio", "version": 1}),
        ),
        ("POST", of_story("/assets/retry"), "Retry", json!({})),
        ("POST", of_story("/assets/cancel"), "Cancel", json!({})),
        (
            "POST",
            of_story("/assets/continue"),
            "Continuation",
            json!({}),
        ),
        (
            "POST",
            of_story("/assets/estimate"),
            "AssetList",
            json!({"assetTypes": ["audio"]}),
        ),
        (
            "POST",
            of_story("/art/regenerate"),
            "Picture",
            json!({"sceneIndex": 1}),
        ),
        ("POST", of_story("/audio"), "Narration", json!({})),
        (
            "PATCH",
            of_story(""),
            "StoryChange",
            json!({"library_id": STORY}),
        ),
        (
            "POST",
            "/libraries".to_owned(),
            "NewLibrary",
            json!({"name": "a"}),
        ),
        (
            "PATCH",
            format!("/libraries/{STORY}"),
            "NewLibrary",
            json!({"name": "a"}),
        ),
        (
            "PATCH",
            "/users/me".to_owned(),
            "UserChange",
            json!({"notices": false}),
        ),
        (
            "POST",
            "/webhooks".to_owned(),
            "NewWebhook",
            json!({"url": "https://hooks.example.com/a"}),
        ),
        (
            "PATCH",
            format!("/webhooks/{STORY}"),
            "WebhookChange",
            json!({"enabled": true}),
        ),
        (
            "POST",
            "/shop/connection".to_owned(),
            "NewShop",
            json!({"shop": "books.myshopify.com", "accessToken": "shpat_1"}),
        ),
        ("POST", of_story("/shop"), "NewProduct", json!({})),
    ]
}

fn document() -> Value {
    serde_json::from_str(include_str!("../../openapi.json")).unwrap()
}

fn resolved(document: &Value, schema: &Value) -> Value {
    match schema["$ref"].as_str() {
        None => schema.clone(),
        Some(reference) => {
            let found = document.pointer(reference.trim_start_matches('#'));
            resolved(document, found.unwrap())
        }
    }
}

fn allows(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::String(one) => one == kind,
        Value::Array(kinds) => kinds.iter().any(|one| one == kind),
        _ => false,
    }
}

/// Not refused as a request; the canned database answers nothing that would make it a success.
async fn is_taken(api: &TestApi, method: &str, path: &str, sent: &Value) -> bool {
    let response = api.ask(method, path, sent.to_string()).await;
    response.status() != 400
}

#[tokio::test]
async fn a_member_takes_null_and_whole_numbers_and_lengths_exactly_as_described() {
    let api = TestApi::new().await;
    let laura = json!([{"voice_id": "FGY2WhTYpPnrIDTdsKH5", "name": "Laura"}]);
    api.account.has(laura);
    let document = document();
    for (method, path, schema, least) in requests() {
        assert!(is_taken(&api, method, &path, &least).await, "{path}");
        let members: Map<String, Value> = document["components"]["schemas"][schema]["properties"]
            .as_object()
            .unwrap()
            .clone();
        for (name, member) in members {
            let member = resolved(&document, &member);
            let with = |value: Value| {
                let mut sent = least.clone();
                sent[&name] = value;
                sent
            };
            let mut wanted = vec![(Value::Null, allows(&member, "null"))];
            if allows(&member, "integer") {
                let least = member["minimum"].as_i64().unwrap();
                let most = member["maximum"].as_i64().unwrap();
                wanted.extend([
                    (json!(most as f64), true),
                    (json!(most), true),
                    (json!(most + 1), false),
                    (json!(least), true),
                    (json!(least - 1), false),
                    (json!(least as f64 + 0.5), false),
                    (json!(most.to_string()), false),
                ]);
            }
            if let Some(most) = member["maxLength"].as_u64() {
                let text = |length: u64| json!("a".repeat(length as usize));
                // Which voices there are is told by another route, an address is more than its length, and a shop is opened in
                // one way alone.
                let others = ["voiceId", "url", "clientId", "clientSecret"];
                let is_free = !others.contains(&&*name);
                wanted.extend([
                    (text(most), is_free),
                    (text(most + 1), false),
                    (json!(""), false),
                    (json!(" "), false),
                ]);
            }
            if let Some(most) = member["maxItems"].as_u64() {
                let items = resolved(&document, &member["items"]);
                let one = match (&items["enum"][0], items["format"].as_str()) {
                    (Value::Null, Some("uuid")) => continue,
                    (Value::Null, Some("uri")) => json!("https://img.example.com/a.png"),
                    (Value::Null, _) => json!("a"),
                    (first, _) => first.clone(),
                };
                wanted.extend([
                    (vec![one.clone(); most as usize].into(), true),
                    (vec![one; most as usize + 1].into(), false),
                    (json!([null]), false),
                ]);
            }
            for (value, expected) in wanted {
                let sent = with(value);
                assert_eq!(
                    is_taken(&api, method, &path, &sent).await,
                    expected,
                    "{method} {path} {name}: {sent}"
                );
            }
        }
        let mut unknown = least.clone();
        unknown["unknown"] = json!(1);
        assert!(!is_taken(&api, method, &path, &unknown).await, "{path}");
    }
}

#[tokio::test]
async fn addresses_of_pictures_and_entries_of_appearance_are_bounded_as_described() {
    let api = TestApi::new().await;
    let character = async |member: &str, value: Value| {
        let response = api
            .post("/characters", json!({"name": "a", member: value}))
            .await;
        match response.status().as_u16() {
            400 => body(response).await["data"]["field"].take(),
            _ => Value::Null,
        }
    };
    let long = |length: usize| "a".repeat(length);
    assert_eq!(
        character("appearance", json!({"hair": long(120)})).await,
        Value::Null
    );
    assert_eq!(
        character("appearance", json!({"hair": long(121)})).await,
        "appearance.hair"
    );
    assert_eq!(
        character("appearance", json!({long(121): "a"})).await,
        "appearance"
    );
    assert_eq!(
        character("personality", json!([long(121)])).await,
        "personality"
    );
    assert_eq!(
        character("referenceImages", json!(["https://"])).await,
        "referenceImages"
    );
}
