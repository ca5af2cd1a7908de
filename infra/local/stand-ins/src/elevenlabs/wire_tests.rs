//! The ElevenLabs stand-in as a client sees it: requests in, answers out.

use axum::body::{Body, to_bytes};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{
    FaultProfile, LatencyProfile, Outcome, PictureReuse, Scripted, StandInConfig, elevenlabs_router,
};

const PATH: &str =
    "/v1/text-to-speech/21m00Tcm4TlvDq8ikWAM/with-timestamps?output_format=mp3_44100_64";

fn quick() -> StandInConfig {
    let config = StandInConfig::new(LatencyProfile::none(), FaultProfile::default());
    config.set_picture_reuse(PictureReuse::PerScene);
    config
}

async fn send(config: &StandInConfig, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let response = elevenlabs_router(config.clone())
        .oneshot(request)
        .await
        .unwrap();
    let (head, body) = response.into_parts();
    (
        head.status,
        head.headers,
        to_bytes(body, usize::MAX).await.unwrap().to_vec(),
    )
}

async fn post(config: &StandInConfig, path: &str, body: Value) -> (StatusCode, HeaderMap, Value) {
    let request = Request::post(path)
        .header("xi-api-key", "key")
        .body(Body::from(body.to_string()))
        .unwrap();
    let (status, headers, body) = send(config, request).await;
    (
        status,
        headers,
        serde_json::from_slice(&body).unwrap_or_default(),
    )
}

async fn get(config: &StandInConfig, path: &str) -> Value {
    let request = Request::get(path)
        .header("xi-api-key", "key")
        .body(Body::empty())
        .unwrap();
    serde_json::from_slice(&send(config, request).await.2).unwrap()
}

#[tokio::test]
async fn speech_comes_with_one_time_for_each_character() {
    let config = StandInConfig::new(LatencyProfile::none(), FaultProfile::default());
    let text = "Ember hummed 🌟 softly.";
    let question = json!({"text":text,"model_id":"eleven_multilingual_v2"});
    let (status, headers, answer) = post(&config, PATH, question.clone()).await;
    assert_eq!(
        (status, &headers["character-cost"]),
        (
            StatusCode::OK,
            &text.chars().count().to_string().parse().unwrap()
        )
    );
    assert!(
        headers.contains_key("request-id") && headers.contains_key("current-concurrent-requests")
    );
    let characters: String = answer["alignment"]["characters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c.as_str().unwrap())
        .collect();
    assert_eq!(characters, text);
    let audio = STANDARD
        .decode(answer["audio_base64"].as_str().unwrap())
        .unwrap();
    assert_eq!(audio[0], 0xFF);
    let seconds = audio.len() as f64 / 8000.0;
    let last = answer["alignment"]["character_end_times_seconds"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .as_f64()
        .unwrap();
    assert!(last > 0.8 && last <= seconds, "{last} of {seconds}");
    assert_eq!(answer["normalized_alignment"]["characters"][0], " ");
    assert_eq!(post(&config, PATH, question).await.2, answer);
}

#[tokio::test]
async fn refusals_come_in_their_three_shapes() {
    let config = quick();
    let (status, _, missing) = post(&config, PATH, json!({"model_id":"eleven_v3"})).await;
    assert_eq!(
        (status.as_u16(), &missing["detail"][0]["loc"]),
        (422, &json!(["body", "text"]))
    );
    let long = json!({"text":"a".repeat(5001),"model_id":"eleven_v3"});
    let (status, _, answer) = post(&config, PATH, long).await;
    assert_eq!(
        (status.as_u16(), answer["detail"]["code"].as_str()),
        (400, Some("text_too_long"))
    );
    let unknown = PATH.replace("21m00Tcm4TlvDq8ikWAM", "alloy");
    let (status, _, answer) = post(&config, &unknown, json!({"text":"Hello"})).await;
    assert_eq!(
        (status.as_u16(), answer["detail"]["status"].as_str()),
        (404, Some("voice_not_found"))
    );
    let (status, _, answer) =
        post(&config, &PATH.replace("64", "65"), json!({"text":"Hello"})).await;
    assert_eq!(
        (status.as_u16(), answer["detail"]["code"].as_str()),
        (400, Some("invalid_output_format"))
    );
    config.script([
        Scripted::next(Outcome::Quota),
        Scripted::next(Outcome::RateLimited),
    ]);
    let (status, _, answer) = post(&config, PATH, json!({"text":"Hello"})).await;
    assert_eq!(
        (
            status.as_u16(),
            answer["detail"]["status"].as_str(),
            answer["detail"].get("code")
        ),
        (401, Some("quota_exceeded"), None)
    );
    let (status, headers, answer) = post(&config, PATH, json!({"text":"Hello"})).await;
    assert_eq!(
        (status.as_u16(), answer["detail"]["code"].as_str()),
        (429, Some("concurrent_limit_exceeded"))
    );
    assert!(!headers.contains_key("retry-after"));
}

#[tokio::test]
async fn both_meanings_of_401_can_be_told_apart() {
    let without = Request::get("/v1/voices").body(Body::empty()).unwrap();
    let (status, _, body) = send(&quick(), without).await;
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (status.as_u16(), answer["detail"]["status"].as_str()),
        (401, Some("needs_authorization"))
    );
    let wrong = Request::get("/v1/voices")
        .header("xi-api-key", "invalid")
        .body(Body::empty())
        .unwrap();
    let answer: Value = serde_json::from_slice(&send(&quick(), wrong).await.2).unwrap();
    assert_eq!(answer["detail"]["code"], "invalid_api_key");
}

#[tokio::test]
async fn an_alignment_can_be_missing() {
    let config = quick();
    config.script([Scripted::next(Outcome::Empty)]);
    let (status, _, answer) = post(&config, PATH, json!({"text":"Hello"})).await;
    assert_eq!(
        (status, &answer["alignment"]),
        (StatusCode::OK, &Value::Null)
    );
}

#[tokio::test]
async fn voices_are_listed_until_they_are_withdrawn() {
    let config = quick();
    let listed = get(&config, "/v1/voices").await;
    assert!(listed["voices"].as_array().unwrap().len() > 10);
    assert_eq!(listed["voices"][0]["name"], "Rachel");
    config.withdraw_voice("21m00Tcm4TlvDq8ikWAM");
    assert_ne!(
        get(&config, "/v1/voices").await["voices"][0]["name"],
        "Rachel"
    );
}
