//! Streamed answers of the OpenAI stand-in, event by event.

use super::wire_tests::{post, quick, story_question};
use crate::{FaultProfile, Outcome, Scripted, StandInConfig, openai_router};
use axum::body::Body;
use http::{Request, header};
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt;

/// The events of a stream, and when each came.
async fn stream_of(config: &StandInConfig, question: &Value) -> (Vec<(Duration, String)>, bool) {
    let request = Request::post("/v1/chat/completions")
        .header(header::AUTHORIZATION, "Bearer sk-test")
        .body(Body::from(question.to_string()))
        .unwrap();
    let began = tokio::time::Instant::now();
    let response = openai_router(config.clone())
        .oneshot(request)
        .await
        .unwrap();
    let mut body = response.into_body().into_data_stream();
    let (mut events, mut is_whole) = (Vec::new(), true);
    while let Some(event) = futures::StreamExt::next(&mut body).await {
        match event {
            Ok(event) => {
                let event = String::from_utf8(event.to_vec()).unwrap();
                events.push((began.elapsed(), event));
            }
            Err(_) => is_whole = false,
        }
    }
    (events, is_whole)
}

fn streamed_question() -> Value {
    let mut question = story_question();
    question["stream"] = json!(true);
    question["stream_options"] = json!({"include_usage": true});
    question
}

fn words_of(events: &[(Duration, String)]) -> String {
    let chunks = events
        .iter()
        .filter_map(|(_, event)| event.trim().strip_prefix("data: "));
    let chunks = chunks.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    let words = chunks.map(|chunk| chunk["choices"][0]["delta"]["content"].clone());
    words
        .filter_map(|words| words.as_str().map(str::to_owned))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_streamed_story_comes_in_even_steps_and_in_the_order_of_its_schema() {
    let config = StandInConfig::new("story=900,text=5".parse().unwrap(), FaultProfile::default());
    let (events, _) = stream_of(&config, &streamed_question()).await;
    let whole = post(&config, "/v1/chat/completions", story_question())
        .await
        .json();
    assert_eq!(
        json!(words_of(&events)),
        whole["choices"][0]["message"]["content"]
    );
    let times: Vec<_> = events.iter().map(|(at, _)| at.as_millis()).collect();
    assert_eq!(times.last(), Some(&900));
    let middle = times[times.len() / 2];
    assert!((440..=460).contains(&middle), "{middle}");
    let (_, last) = &events[events.len() - 1];
    let (_, price) = &events[events.len() - 2];
    assert_eq!(last, "data: [DONE]\n\n");
    assert!(
        price.contains("\"choices\":[]") && price.contains("prompt_tokens"),
        "{price}"
    );
    let story = words_of(&events);
    let place = |name: &str| story.find(&format!("\"{name}\":")).unwrap();
    assert!(
        place("beats") < place("moral") && place("moral") < place("title"),
        "as required"
    );
    let call = &config.calls()[0];
    assert!(call.paid && !call.in_flight && call.status == Some(200));
}

#[tokio::test(start_paused = true)]
async fn a_stream_can_be_cut_in_the_middle_end_too_soon_and_refuse() {
    let config = quick();
    config.script([Outcome::Cut, Outcome::Truncated, Outcome::Policy].map(Scripted::next));
    let (whole, _) = stream_of(&quick(), &streamed_question()).await;
    for is_closed_in_order in [false, true] {
        let (events, is_whole) = stream_of(&config, &streamed_question()).await;
        assert_eq!(
            (events.len(), is_whole),
            (whole.len() / 2, is_closed_in_order)
        );
    }
    let (refusal, _) = stream_of(&config, &streamed_question()).await;
    assert!(
        refusal
            .iter()
            .any(|(_, event)| event.contains("\"refusal\":\"I'm sorry"))
    );
}
