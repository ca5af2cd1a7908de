//! Bodies that are too large, too deep, no JSON, or not what they say.

use crate::test_api::{STORY, TestApi, body, code_of};
use axum::{body::Body, extract::Request};
use serde_json::{Value, json};

async fn refused(api: &TestApi, sent: impl Into<Body>) -> (u16, String) {
    let response = api.ask("POST", "/characters", sent).await;
    let status = response.status().as_u16();
    let body = body(response).await;
    assert_eq!(body["success"], false);
    (status, code_of(&body).to_owned())
}

#[tokio::test]
async fn what_is_no_json_is_refused_as_such() {
    let api = TestApi::new().await;
    for sent in [
        b"{".to_vec(),
        b"not json".to_vec(),
        b"{\"name\":\"a\"} {}".to_vec(),
        b"{\"name\":\"\xff\"}".to_vec(),
        b"\xff\xfe{\0}\0".to_vec(),
        b"{\"name\":\"a\0b\"}".to_vec(),
        vec![b'['; 10_000],
        br#"{"name":"#.iter().copied().chain(vec![b'['; 10_000]).collect(),
    ] {
        let start = String::from_utf8_lossy(&sent[..sent.len().min(20)]).into_owned();
        let (status, code) = refused(&api, sent).await;
        assert_eq!(status, 400, "{start}");
        assert!(
            ["INVALID_JSON", "VALIDATION_FAILED"].contains(&code.as_str()),
            "{start}: {code}"
        );
    }
    assert!(api.database.questions().is_empty());
}

#[tokio::test]
async fn wrong_shapes_are_refused_by_field() {
    let api = TestApi::new().await;
    for sent in [
        r#"[]"#,
        r#""a""#,
        r#"null"#,
        r#"{}"#,
        r#"{"name":"a","name":"b"}"#,
        r#"{"name":1}"#,
        r#"{"name":"a","age":-1}"#,
        r#"{"name":"a","age":1e99}"#,
        r#"{"name":"a\u0000b"}"#,
        r#"{"name":"a","__proto__":{}}"#,
        r#"{"name":"a","referenceImages":["file:///etc/passwd"]}"#,
    ] {
        let response = api.ask("POST", "/characters", sent).await;
        assert_eq!(response.status(), 400, "{sent}");
        let body = body(response).await;
        assert_eq!(code_of(&body), "VALIDATION_FAILED", "{sent}");
        assert!(body["data"]["field"].is_string(), "{sent}");
    }
    for (sent, field) in [
        (
            json!([
                [STORY],
                "adventure",
                ["courage"],
                false,
                null,
                null,
                null,
                null,
                null,
                "normal"
            ]),
            "body",
        ),
        (
            json!({"character_ids": [STORY], "story_type": "a", "themes": [], "priority": {"urgent": null}}),
            "priority",
        ),
        (
            json!({"character_ids": [STORY], "story_type": "a", "themes": [], "priority": null}),
            "priority",
        ),
        (
            json!({"character_ids": [STORY.replace('-', "")], "story_type": "a", "themes": []}),
            "character_ids[0]",
        ),
        (
            json!({"character_ids": [STORY], "story_type": "a", "themes": [], "readerAge": "5"}),
            "readerAge",
        ),
        (
            json!({"character_ids": [STORY], "story_type": "a", "themes": [], "title": "\u{200b}"}),
            "title",
        ),
    ] {
        let refused = body(api.post("/stories", sent.clone()).await).await;
        assert_eq!(refused["data"]["field"], field, "{sent}");
        assert_eq!(code_of(&refused), "VALIDATION_FAILED");
    }
    let many = json!({"character_ids": [STORY], "story_type": "a", "themes": vec!["x"; 9]});
    assert_eq!(api.post("/stories", many).await.status(), 400);
    assert!(api.database.questions().is_empty());
}

#[tokio::test]
async fn a_change_takes_null_for_species_and_age_alone() {
    let api = TestApi::new().await;
    let change = async |sent: &str| {
        let response = api
            .ask("PATCH", &format!("/characters/{STORY}"), sent.to_owned())
            .await;
        (response.status().as_u16(), body(response).await)
    };
    for field in [
        "name",
        "traits",
        "appearance",
        "personality",
        "referenceImages",
    ] {
        let (status, refused) = change(&format!(r#"{{"{field}":null,"age":3}}"#)).await;
        assert_eq!((status, &refused["data"]["field"]), (400, &json!(field)));
    }
    // Not refused, but not found in this empty database.
    assert_eq!(change(r#"{"species":null,"age":null}"#).await.0, 404);
}

/// What a person reads may hold the names of fields and of values, but none of this program's types.
#[tokio::test]
async fn messages_speak_of_the_request_and_not_of_the_program() {
    let api = TestApi::new().await;
    let story = |more: Value| {
        let mut story = json!({"character_ids": [STORY], "story_type": "a", "themes": []});
        for (name, value) in more.as_object().unwrap() {
            story[name] = value.clone();
        }
        story
    };
    let at = |path: &str| format!("/stories/{STORY}{path}");
    let mut told = Vec::new();
    for (path, sent) in [
        ("/stories".to_owned(), json!({})),
        ("/stories".to_owned(), json!(null)),
        ("/stories".to_owned(), json!([])),
        ("/stories".to_owned(), story(json!({"readerAge": "5"}))),
        ("/stories".to_owned(), story(json!({"readerAge": -5}))),
        ("/stories".to_owned(), story(json!({"readerAge": 5e12}))),
        ("/stories".to_owned(), story(json!({"library_id": "x"}))),
        ("/stories".to_owned(), story(json!({"themes": {}}))),
        ("/stories".to_owned(), story(json!({"priority": "now"}))),
        ("/stories".to_owned(), story(json!({"generateAssets": 1}))),
        ("/stories".to_owned(), story(json!({"wings": 1}))),
        (at("/art/regenerate"), json!({"sceneIndex": 1.5})),
        (at("/assets/retry"), json!({"assetTypes": ["foo"]})),
        (at("/assets/retry"), json!({"options": "fast"})),
        (
            "/characters".to_owned(),
            json!({"name": "a", "appearance": {"hair": ""}}),
        ),
        ("/characters".to_owned(), json!({"name": "a", "age": "old"})),
    ] {
        let refused = body(api.post(&path, sent).await).await;
        told.push((refused["data"]["field"].clone(), refused["message"].clone()));
    }
    for query in ["limit=x", "offset=-1"] {
        let refused = body(api.get(&format!("/stories?{query}")).await).await;
        told.push((refused["data"]["field"].clone(), refused["message"].clone()));
    }
    let of_the_program = [
        "u32",
        "usize",
        "struct",
        "variant",
        "expected",
        "invalid type",
        "missing field",
        "Form",
        "`",
        "deserialize",
        "serde",
        "None",
        "Option",
    ];
    for (field, message) in told {
        let (field, message) = (field.as_str().unwrap(), message.as_str().unwrap());
        for word in of_the_program {
            assert!(!message.contains(word), "{message}");
        }
        assert_eq!(message.matches(field).count(), 1, "{field}: {message}");
    }
}

#[tokio::test]
async fn a_compressed_body_is_refused_as_such() {
    let api = TestApi::new().await;
    for (encoding, status) in [("gzip", 415), ("br", 415), ("identity", 400)] {
        let request = Request::post("/api/v1/characters")
            .header("authorization", format!("Bearer {}", api.token()))
            .header("content-type", "application/json")
            .header("content-encoding", encoding)
            .body(Body::from("{}"))
            .unwrap();
        assert_eq!(api.send(request).await.status(), status, "{encoding}");
    }
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_declared_or_not() {
    let api = TestApi::new().await;
    let large = format!(r#"{{"name":"{}"}}"#, "a".repeat(64 << 10));
    let expected = (413, "PAYLOAD_TOO_LARGE".to_owned());
    assert_eq!(refused(&api, large.clone()).await, expected);
    let request = Request::post("/api/v1/characters")
        .header("authorization", format!("Bearer {}", api.token()))
        .header("content-type", "application/json")
        .header("content-length", large.len());
    let response = api.send(request.body(large.into()).unwrap()).await;
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn a_body_that_does_not_call_itself_json_is_refused() {
    let api = TestApi::new().await;
    for (content_type, status) in [
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonx", 415),
        ("", 415),
        ("application/json; charset=utf-8", 400),
        ("Application/JSON", 400),
        ("application/merge-patch+json", 400),
    ] {
        let request = Request::post("/api/v1/characters")
            .header("authorization", format!("Bearer {}", api.token()))
            .header("content-type", content_type)
            .body(Body::from("{}"))
            .unwrap();
        assert_eq!(api.send(request).await.status(), status, "{content_type}");
    }
}

#[tokio::test]
async fn every_bad_field_is_named_at_once_in_whatever_way_it_is_bad() {
    let api = TestApi::new().await;
    let fields = async |path: &str, sent: Value| {
        let refused = body(api.post(path, sent).await).await;
        let fields = refused["data"]["fields"].as_array().unwrap().clone();
        assert_eq!(refused["data"]["field"], fields[0]["field"]);
        for told in &fields {
            let message = told["message"].as_str().unwrap();
            assert!(refused["message"].as_str().unwrap().contains(message));
        }
        let mut names: Vec<_> = fields
            .iter()
            .map(|told| told["field"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let story = json!({"character_ids": ["x"], "story_type": "", "title": 5, "reader_age": 99, "wings": true,
        "assetTypes": ["cover", "nothing"], "priority": "now"});
    assert_eq!(
        fields("/stories", story).await,
        [
            "assetTypes[1]",
            "character_ids[0]",
            "priority",
            "readerAge",
            "story_type",
            "themes",
            "title",
            "wings"
        ]
    );
    let missing = fields("/stories", json!({})).await;
    assert_eq!(missing, ["character_ids", "story_type", "themes"]);
    let hero = json!({"age": -1, "appearance": {"hair": "", "skin": " ", "eyes": "green"}, "traits": ["wings"]});
    assert_eq!(
        fields("/characters", hero).await,
        [
            "age",
            "appearance.hair",
            "appearance.skin",
            "name",
            "traits"
        ]
    );
    let options =
        json!({"assetTypes": ["x"], "options": {"voiceId": 1, "style": 2}, "force": "yes"});
    let path = format!("/stories/{STORY}/assets/retry");
    assert_eq!(
        fields(&path, options).await,
        ["assetTypes[0]", "force", "options.style", "options.voiceId"]
    );
    for whole in [json!([]), json!(null), json!("a")] {
        assert_eq!(fields("/stories", whole).await, ["body"]);
    }
    assert!(api.database.questions().is_empty());
}
