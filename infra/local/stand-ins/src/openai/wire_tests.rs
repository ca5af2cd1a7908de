//! The OpenAI stand-in as a client sees it: requests in, answers out.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{
    CallKind, FaultProfile, LatencyProfile, Outcome, Scripted, StandInConfig, openai_router,
};

pub(super) fn quick() -> StandInConfig {
    StandInConfig::new(LatencyProfile::none(), FaultProfile::default())
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }
}

pub(super) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX)
        .await
        .map(|bytes| bytes.to_vec())
        .unwrap_or_default();
    Answer {
        status: head.status,
        headers: head.headers,
        body,
    }
}

pub(super) async fn post(config: &StandInConfig, path: &str, body: Value) -> Answer {
    let request = Request::post(path)
        .header(header::AUTHORIZATION, "Bearer sk-test")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    send(&openai_router(config.clone()), request).await
}

fn strict(name: &str, properties: Value) -> Value {
    let required: Vec<&String> = properties.as_object().unwrap().keys().collect();
    json!({"type":"json_schema","json_schema":{"name":name,"strict":true,"schema":{
        "type":"object","properties":properties,"required":required,"additionalProperties":false}}})
}

pub(super) fn story_question() -> Value {
    let text = json!({"type":"string"});
    let line = json!({"type":"object","additionalProperties":false,"required":["speaker","line"],
        "properties":{"speaker":text,"line":text}});
    let beat = json!({"type":"object","additionalProperties":false,"required":["heading","text","dialogue","sceneDescription"],
        "properties":{"heading":text,"text":text,"dialogue":{"type":"array","items":line},"sceneDescription":text}});
    json!({"model":"gpt-5.2","messages":[
        {"role":"developer","content":"You write for children."},
        {"role":"user","content":json!({"characters":[{"name":"Ember","species":"dragon"}],"storyType":"bedtime","themes":["courage"]}).to_string()}],
        "response_format":strict("story", json!({"title":{"type":"string"},"beats":{"type":"array","items":beat,"minItems":4,"maxItems":4},"moral":{"type":"string"}})),
        "max_completion_tokens":4000})
}

pub(super) fn image_question(extra: Value) -> Value {
    let mut question = json!({"model":"gpt-image-2.5-flare","prompt":"Character: Ember — species: dragon\nScene number: 1","size":"512x512"});
    for (name, value) in extra.as_object().unwrap() {
        question[name] = value.clone();
    }
    question
}

#[tokio::test]
async fn a_request_without_a_key_or_with_a_wrong_one_is_refused() {
    let router = openai_router(quick());
    let bare = Request::post("/v1/chat/completions")
        .body(Body::from("{}"))
        .unwrap();
    let answer = send(&router, bare).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["error"]["code"]),
        (401, &Value::Null)
    );
    assert!(answer.headers.contains_key("x-request-id"));
    let wrong = Request::get("/v1/models")
        .header(header::AUTHORIZATION, "Bearer sk-invalid")
        .body(Body::empty())
        .unwrap();
    assert_eq!(
        send(&router, wrong).await.json()["error"]["code"],
        "invalid_api_key"
    );
}

#[tokio::test]
async fn a_story_comes_in_the_schema_asked_for_with_usage_and_rate_limit_headers() {
    let config = quick();
    let answer = post(&config, "/v1/chat/completions", story_question()).await;
    let json = answer.json();
    assert_eq!(
        (
            answer.status.as_u16(),
            json["choices"][0]["finish_reason"].as_str()
        ),
        (200, Some("stop"))
    );
    let story: Value =
        serde_json::from_str(json["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
    assert_eq!(story["beats"].as_array().unwrap().len(), 4);
    assert!(
        story["beats"][0]["text"]
            .as_str()
            .unwrap()
            .contains("Ember")
    );
    assert!(json["usage"]["completion_tokens"].as_u64().unwrap() > 300);
    assert!(
        answer
            .headers
            .contains_key("x-ratelimit-remaining-requests")
    );
    assert_eq!(
        post(&config, "/v1/chat/completions", story_question())
            .await
            .json(),
        json
    );
}

#[tokio::test]
async fn each_documented_task_is_answered_in_its_own_schema() {
    let text = json!({"type":"string"});
    let list = |item: Value| json!({"type":"array","items":item});
    let tasks = [
        (
            "palette_journey",
            json!({"title":"Ember","beats":["A cave.","b","c","d"]}),
            json!({"motif":text,"steps":list(json!({"type":"object",
            "additionalProperties":false,"required":["name","colors"],"properties":{"name":text,"colors":list(text.clone())}}))}),
        ),
        (
            "scene_analysis",
            json!({"isCover":false,"sceneIndex":2,"text":"They came to a river.","characters":[{"name":"Ember"}]}),
            json!({"action":text,"cameraAngle":text,"depth":text,"atmosphere":text,"pose":text,"description":text}),
        ),
        (
            "activities",
            json!({"title":"Ember","beats":["Ember had a lantern.","b","c","d"],"age":5}),
            json!({"vocabulary":list(json!({"type":"object",
            "additionalProperties":false,"required":["word","meaning"],"properties":{"word":text,"meaning":text}})),
            "questions":list(json!({"type":"object","additionalProperties":false,"required":["question","answer","skill"],
            "properties":{"question":text,"answer":text,"skill":text}})),
            "activity":{"type":"object","additionalProperties":false,"required":["title","instructions"],
            "properties":{"title":text,"instructions":text}}}),
        ),
    ];
    for (name, data, properties) in tasks {
        let keys: Vec<String> = properties.as_object().unwrap().keys().cloned().collect();
        let question = json!({"model":"gpt-5.2","messages":[{"role":"user","content":format!("Please.\n<request>{data}</request>")}],
            "response_format":strict(name, properties)});
        let answer = post(&quick(), "/v1/chat/completions", question)
            .await
            .json();
        let content: Value =
            serde_json::from_str(answer["choices"][0]["message"]["content"].as_str().unwrap())
                .unwrap();
        assert_eq!(
            content
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>(),
            keys,
            "{name}"
        );
        if name == "palette_journey" {
            assert_eq!(content["steps"].as_array().unwrap().len(), 5);
            assert!(
                content["steps"][0]["colors"][2]
                    .as_str()
                    .unwrap()
                    .starts_with('#')
            );
        }
    }
}

#[tokio::test]
async fn a_schema_that_no_answer_fits_is_told_apart_from_an_outage() {
    let question = json!({"model":"gpt-5.2","messages":[{"role":"user","content":"Please."}],
        "response_format":strict("something_else", json!({"mood":{"type":"string"}}))});
    let answer = post(&quick(), "/v1/chat/completions", question).await;
    let message = answer.json()["error"]["message"].to_string();
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        message.contains("something_else") && message.contains("mood"),
        "{message}"
    );
}

#[tokio::test]
async fn a_schema_outside_the_subset_a_retired_model_and_an_old_parameter_are_refused() {
    let mut loose = story_question();
    loose["response_format"]["json_schema"]["schema"]["additionalProperties"] = json!(true);
    let answer = post(&quick(), "/v1/chat/completions", loose).await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.json()["error"]["param"].as_str()
        ),
        (400, Some("response_format"))
    );

    let mut retired = story_question();
    retired["model"] = json!("gpt-5.2-chat-latest");
    let answer = post(&quick(), "/v1/chat/completions", retired).await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.json()["error"]["code"].as_str()
        ),
        (404, Some("model_not_found"))
    );

    for (name, value, code) in [
        ("max_tokens", json!(9), "unsupported_parameter"),
        ("temperature", json!(0.2), "unsupported_value"),
        ("temprature", json!(1), "unknown_parameter"),
    ] {
        let mut old = story_question();
        old[name] = value;
        let answer = post(&quick(), "/v1/chat/completions", old).await;
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.json()["error"]["code"].as_str()
            ),
            (400, Some(code))
        );
    }
}

#[tokio::test]
async fn scripted_faults_are_played_in_order_and_then_all_is_well() {
    let config = quick();
    config.script([
        Scripted::next(Outcome::RateLimitedWithRetryAfter),
        Scripted::next_of(CallKind::Image, Outcome::PolicyBare),
        Scripted::next(Outcome::BadGateway),
        Scripted::next(Outcome::Quota),
        Scripted::next(Outcome::Truncated),
        Scripted::next(Outcome::Empty),
        Scripted::next(Outcome::Length),
        Scripted::next(Outcome::Policy),
        Scripted::next(Outcome::Cut),
    ]);
    let ask = || post(&config, "/v1/chat/completions", story_question());
    let limited = ask().await;
    assert_eq!(
        (
            limited.status.as_u16(),
            &limited.headers[header::RETRY_AFTER]
        ),
        (429, &"1".parse().unwrap())
    );
    let html = ask().await;
    assert_eq!(
        (html.status.as_u16(), html.body.starts_with(b"<html>")),
        (502, true)
    );
    assert_eq!(ask().await.json()["error"]["type"], "insufficient_quota");
    assert!(serde_json::from_slice::<Value>(&ask().await.body).is_err());
    assert_eq!(ask().await.json()["choices"], json!([]));
    assert_eq!(ask().await.json()["choices"][0]["finish_reason"], "length");
    let refused = ask().await.json();
    assert!(
        refused["choices"][0]["message"]["refusal"].is_string()
            && refused["choices"][0]["message"]["content"].is_null()
    );
    assert!(ask().await.body.is_empty());
    assert_eq!(ask().await.json()["choices"][0]["finish_reason"], "stop");
    let blocked = post(&config, "/v1/images/generations", image_question(json!({})))
        .await
        .json();
    assert_eq!(
        (
            blocked["error"]["code"].as_str(),
            blocked["error"].get("moderation_details")
        ),
        (Some("moderation_blocked"), None)
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_leaves_exactly_after_its_latency_and_a_refusal_at_once() {
    let config = StandInConfig::new("text=800".parse().unwrap(), FaultProfile::default());
    let began = tokio::time::Instant::now();
    post(&config, "/v1/chat/completions", story_question()).await;
    assert_eq!(began.elapsed(), Duration::from_millis(800));
    config.script([Scripted::next(Outcome::RateLimited)]);
    post(&config, "/v1/chat/completions", story_question()).await;
    assert_eq!(began.elapsed(), Duration::from_millis(800));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_is_listed_as_ended_when_its_client_gives_up() {
    let config = quick();
    config.script([Scripted::next(Outcome::Timeout)]);
    let given_up = tokio::time::timeout(
        Duration::from_secs(30),
        post(&config, "/v1/chat/completions", story_question()),
    )
    .await;
    assert!(given_up.is_err());
    let calls = config.calls();
    assert_eq!(
        (
            calls[0].in_flight,
            calls[0].status,
            calls[0].fault.as_deref()
        ),
        (false, None, Some("timeout"))
    );
}

#[tokio::test]
async fn calls_are_listed_and_cleared_over_http() {
    let config = quick();
    post(&config, "/v1/chat/completions", story_question()).await;
    let router = openai_router(config);
    let list = || Request::get("/_local/calls").body(Body::empty()).unwrap();
    let calls = send(&router, list()).await.json();
    assert_eq!(
        (
            calls["calls"][0]["kind"].as_str(),
            calls["calls"][0]["schema"].as_str(),
            calls["calls"][0]["paid"].as_bool()
        ),
        (Some("text"), Some("story"), Some(true))
    );
    assert!(
        calls["calls"][0]["endedUnixMs"].as_u64().unwrap()
            >= calls["calls"][0]["startedUnixMs"].as_u64().unwrap()
    );
    let clear = Request::delete("/_local/calls")
        .body(Body::empty())
        .unwrap();
    assert_eq!(send(&router, clear).await.status, StatusCode::NO_CONTENT);
    assert_eq!(send(&router, list()).await.json()["calls"], json!([]));
}

#[tokio::test]
async fn models_are_listed_with_their_shutdown_date_until_it_has_come() {
    let request = Request::get("/v1/models")
        .header(header::AUTHORIZATION, "Bearer k")
        .body(Body::empty())
        .unwrap();
    let list = send(&openai_router(quick()), request).await.json();
    let models = list["data"].as_array().unwrap();
    let listed = |id: &str| models.iter().find(|model| model["id"] == id);
    assert_eq!(listed("gpt-image-2").unwrap()["shutdown_date"], Value::Null);
    assert!(listed("dall-e-3").is_none());
}

#[tokio::test]
async fn settings_are_changed_and_shown_over_http() {
    let router = openai_router(quick());
    let post = |body: &'static str| Request::post("/_local/config").body(Body::from(body));
    let change = post(r#"{"latency":"text=5","faults":{"500":1},"next":["429"]}"#);
    let changed = send(&router, change.unwrap()).await;
    assert_eq!(changed.status, StatusCode::OK);
    let refused = send(&router, post(r#"{"latency":"text=soon"}"#).unwrap()).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let message = refused.json()["error"].to_string();
    assert!(message.contains("`text=soon`"), "{message}");
    let show = Request::get("/_local/config").body(Body::empty());
    let shown = send(&router, show.unwrap()).await.json();
    assert_eq!(shown, changed.json());
    assert_eq!(
        (&shown["latency"]["text"], &shown["faults"]["500"]),
        (&json!(5), &json!(1.0))
    );
    assert_eq!(shown["next"][0]["outcome"], "rate_limited");
}
