//! Functions that another program runs, as `cargo lambda watch` does under `cargo local up --watch`.

use axum::{Json, Router, body::Bytes, http::StatusCode, routing::post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::bench::Bench;

/// Gives back what it was sent, or fails as `cargo lambda watch` says it.
async fn run(body: Bytes) -> (StatusCode, Json<Value>) {
    let event: Value = serde_json::from_slice(&body).unwrap();
    if event["do"] == "fail" {
        let failure = json!({"errorType": "Boom", "errorMessage": "told to fail"});
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(failure));
    }
    (StatusCode::OK, Json(event))
}

#[tokio::test]
async fn what_another_program_says_is_the_functions_answer_and_no_process_is_started() {
    let runner = Router::new().route("/2015-03-31/functions/probe/invocations", post(run));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, runner).await });
    let bench = Bench::start(|config| {
        config.runner = Some(address);
        config.functions[0].warm = 1;
    })
    .await;

    let answer: Value = bench.invoke(json!({"a": 1})).await.json().await.unwrap();
    assert_eq!(answer, json!({"a": 1}));
    let failed = bench.invoke(json!({"do": "fail"})).await;
    assert_eq!(failed.headers()["x-amz-function-error"], "Unhandled");
    bench.send_event(json!({"do": "fail"})).await;
    bench.settled().await;
    let letters = bench.emulator.dead_letters();
    assert_eq!(
        letters[0]["responsePayload"]["errorMessage"],
        "told to fail"
    );
    assert!(bench.emulator.instances().is_empty());
}
