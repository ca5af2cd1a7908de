//! Bodies that are too large, too deep, no JSON, or not what they say.

use crate::rig::{Rig, STORY, body, code_of};
use axum::{body::Body, extract::Request};
use serde_json::json;

async fn refused(rig: &Rig, sent: impl Into<Body>) -> (u16, String) {
    let response = rig.ask("POST", "/characters", sent).await;
    let status = response.status().as_u16();
    let body = body(response).await;
    assert_eq!(body["success"], false);
    (status, code_of(&body).to_owned())
}

#[tokio::test]
async fn what_is_no_json_is_refused_as_such() {
    let rig = Rig::new().await;
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
        let (status, code) = refused(&rig, sent).await;
        assert_eq!(status, 400, "{start}");
        assert!(
            ["INVALID_JSON", "VALIDATION_FAILED"].contains(&code.as_str()),
            "{start}: {code}"
        );
    }
    assert!(rig.database.questions().is_empty());
}

#[tokio::test]
async fn wrong_shapes_are_refused_by_field() {
    let rig = Rig::new().await;
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
        let response = rig.ask("POST", "/characters", sent).await;
        assert_eq!(response.status(), 400, "{sent}");
        let body = body(response).await;
        assert_eq!(code_of(&body), "VALIDATION_FAILED", "{sent}");
        assert!(body["data"]["field"].is_string(), "{sent}");
    }
    let many = json!({"character_ids": [STORY], "story_type": "a", "themes": vec!["x"; 9]});
    assert_eq!(rig.post("/stories", many).await.status(), 400);
    assert!(rig.database.questions().is_empty());
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_declared_or_not() {
    let rig = Rig::new().await;
    let large = format!(r#"{{"name":"{}"}}"#, "a".repeat(64 << 10));
    let expected = (413, "PAYLOAD_TOO_LARGE".to_owned());
    assert_eq!(refused(&rig, large.clone()).await, expected);
    let request = Request::post("/api/v1/characters")
        .header("authorization", format!("Bearer {}", rig.token()))
        .header("content-type", "application/json")
        .header("content-length", large.len());
    let response = rig.send(request.body(large.into()).unwrap()).await;
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn a_body_that_does_not_call_itself_json_is_refused() {
    let rig = Rig::new().await;
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
            .header("authorization", format!("Bearer {}", rig.token()))
            .header("content-type", content_type)
            .body(Body::from("{}"))
            .unwrap();
        assert_eq!(rig.send(request).await.status(), status, "{content_type}");
    }
}
