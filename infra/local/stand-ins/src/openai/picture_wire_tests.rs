//! Pictures, reference pictures and moderation of the OpenAI stand-in as a client sees them.

use crate::storyteller::pictures;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Request, StatusCode, header};
use serde_json::json;

use super::wire_tests::{image_question, post, quick, send};
use crate::openai_router;

fn small_png() -> Vec<u8> {
    pictures::draw("a fox", 32, 32)
}

#[tokio::test]
async fn a_picture_has_the_size_asked_for_and_is_the_same_each_time() {
    let config = quick();
    let answer = post(&config, "/v1/images/generations", image_question(json!({})))
        .await
        .json();
    let bytes = STANDARD
        .decode(answer["data"][0]["b64_json"].as_str().unwrap())
        .unwrap();
    let picture = image::load_from_memory(&bytes).unwrap();
    assert_eq!(
        (picture.width(), picture.height(), answer["size"].as_str()),
        (512, 512, Some("512x512"))
    );
    assert_eq!(
        post(&config, "/v1/images/generations", image_question(json!({})))
            .await
            .json(),
        answer
    );
    assert_eq!(
        post(
            &quick(),
            "/v1/images/generations",
            image_question(json!({}))
        )
        .await
        .json(),
        answer
    );
}

fn form(boundary: &str, content_type: &str, picture: &[u8]) -> Request<Body> {
    let mut body = Vec::new();
    for (name, value) in [
        ("model", "gpt-image-2"),
        ("prompt", "Character: Ember — species: dragon"),
        ("size", "256x256"),
        ("n", "1"),
    ] {
        body.extend(
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )
            .bytes(),
        );
    }
    body.extend(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"a.png\"\r\nContent-Type: {content_type}\r\n\r\n").bytes());
    body.extend(picture);
    body.extend(format!("\r\n--{boundary}--\r\n").bytes());
    Request::post("/v1/images/edits")
        .header(header::AUTHORIZATION, "Bearer sk-test")
        .header(
            header::CONTENT_TYPE,
            format!("multipart/form-data; boundary={boundary}"),
        )
        .body(Body::from(body))
        .unwrap()
}

#[tokio::test]
async fn edits_take_references_as_a_form_and_equal_forms_count_as_one_body() {
    let config = quick();
    let router = openai_router(config.clone());
    assert_eq!(
        send(&router, form("aaa", "image/png", &small_png()))
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        send(&router, form("bbbb", "image/png", &small_png()))
            .await
            .status,
        StatusCode::OK
    );
    let calls = config.calls();
    assert_eq!(
        (calls[0].sha256.as_str(), calls[0].model.as_deref()),
        (calls[1].sha256.as_str(), Some("gpt-image-2"))
    );
    let answer = send(
        &router,
        form("aaa", "application/octet-stream", &small_png()),
    )
    .await;
    assert_eq!(answer.json()["error"]["code"], "unsupported_file_mimetype");
    let answer = send(&router, form("aaa", "image/png", b"nothing")).await;
    assert_eq!(answer.json()["error"]["code"], "invalid_image_file");
}

#[tokio::test]
async fn an_unsafe_prompt_is_blocked_and_moderation_flags_it() {
    let answer = post(
        &quick(),
        "/v1/images/generations",
        image_question(json!({"prompt":"a murder scene"})),
    )
    .await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.json()["error"]["code"].as_str()
        ),
        (400, Some("moderation_blocked"))
    );
    assert_eq!(
        answer.json()["error"]["moderation_details"]["moderation_stage"],
        "input"
    );
    let answer = post(
        &quick(),
        "/v1/moderations",
        json!({"input":["a murder","a fox"]}),
    )
    .await
    .json();
    assert_eq!(
        (
            &answer["results"][0]["flagged"],
            &answer["results"][1]["flagged"]
        ),
        (&json!(true), &json!(false))
    );
}
