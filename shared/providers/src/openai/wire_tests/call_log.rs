//! One log line per call, with model, duration and outcome, and nothing of what was said.

use super::*;
use crate::test_log::TestLog;

#[tokio::test]
async fn each_call_is_logged_with_its_model_its_attempt_and_its_outcome() {
    let (_server, openai) = Server::with_account(|asked| match asked.model() {
        FIRST => error(503, Value::Null),
        _ => drawn(),
    })
    .await;
    let log = TestLog::start();
    draw(&openai, References::None).await.expect("a picture");
    let calls = log.lines("Provider called");
    let told: Vec<_> = calls
        .iter()
        .map(|line| (line["model"].as_str(), line["outcome"].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (Some(FIRST), Some("unavailable")),
            (Some(SECOND), Some("delivered"))
        ]
    );
    for line in &calls {
        assert_eq!(
            (&line["kind"], &line["provider"], &line["attempt"]),
            (&json!("picture"), &json!("OpenAI"), &json!(1))
        );
        assert!(line["durationMs"].is_u64(), "{line}");
    }
    let everything = format!("{:?}", log.all());
    assert!(!everything.contains("sk-test"), "{everything}");
    assert!(!everything.contains("A dragon"), "{everything}");
}

#[tokio::test]
async fn an_answer_that_cannot_be_used_is_logged_as_such_and_one_that_is_given_up_too() {
    let (_server, openai) = Server::with_account(|_| written("length", "")).await;
    let log = TestLog::start();
    let call = TextCall {
        deadline: Instant::now() + Duration::from_secs(15),
        ..text_call(TextModelRole::Analysis)
    };
    openai
        .ask(&call, &mut Vec::new())
        .await
        .expect_err("no room");
    let calls = log.lines("Provider called");
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(calls[0]["outcome"], "cut_short");

    let mut usage = Vec::new();
    // Begun, and dropped before anybody could answer.
    tokio::select! {
        biased;
        answer = openai.ask(&call, &mut usage) => panic!("answered at once: {answer:?}"),
        () = std::future::ready(()) => {}
    }
    let calls = log.lines("Provider called");
    assert_eq!(calls[1]["outcome"], "given_up");
}

#[tokio::test]
async fn the_walk_along_a_chain_of_models_is_told_step_by_step() {
    let (_server, openai) = Server::with_account(|_| error(403, Value::Null)).await;
    let log = TestLog::start();
    draw(&openai, References::None)
        .await
        .expect_err("no picture");
    let reason = "it is not open to this account";
    let told: Vec<_> = log
        .all()
        .iter()
        .map(|line| line["message"].as_str().unwrap_or_default().to_owned())
        .filter(|message| message != "Provider called")
        .collect();
    assert_eq!(
        told,
        [
            format!("Trying {FIRST}..."),
            format!("{FIRST} failed: {reason}"),
            format!("Trying {SECOND}..."),
            format!("{SECOND} failed: {reason}"),
            "All image models of OpenAI failed".to_owned(),
        ]
    );
}
