//! The Function URL below `/api/`.

use serde_json::{Value, json};

use crate::bench::Bench;

async fn bench() -> Bench {
    Bench::start(|config| config.url_function = Some("probe".to_owned())).await
}

#[tokio::test]
async fn a_request_goes_through_the_function_and_back() {
    let bench = bench().await;
    let request = bench
        .client
        .patch(bench.url("/api/v1/stories/a%20b?x=1&y=2"))
        .json(&json!({ "a": 1 }));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-method"], "PATCH");
    assert_eq!(response.headers()["set-cookie"], "seen=1; Path=/");
    assert_eq!(
        response.json::<Value>().await.unwrap(),
        json!({ "path": "/api/v1/stories/a%20b", "query": "x=1&y=2", "body": "{\"a\":1}" })
    );
}

#[tokio::test]
async fn the_function_itself_answers_a_cors_preflight() {
    let bench = bench().await;
    let request = bench
        .client
        .request(reqwest::Method::OPTIONS, bench.url("/api/v1/stories"));
    assert_eq!(
        request.send().await.unwrap().headers()["x-method"],
        "OPTIONS"
    );
}

#[tokio::test]
async fn json_without_a_status_is_a_200() {
    let bench = bench().await;
    let response = bench
        .client
        .get(bench.url("/api/plain"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(
        response.json::<Value>().await.unwrap(),
        json!({ "plain": true })
    );
}

#[tokio::test]
async fn a_function_that_dies_is_a_502_and_a_body_too_large_a_413() {
    let bench = bench().await;
    let crash = bench
        .client
        .get(bench.url("/api/crash"))
        .send()
        .await
        .unwrap();
    assert_eq!(crash.status(), 502);
    assert_eq!(crash.text().await.unwrap(), "Internal Server Error");

    let request = bench
        .client
        .post(bench.url("/api/v1/stories"))
        .body(vec![b'x'; 6 * 1024 * 1024 + 1]);
    assert_eq!(request.send().await.unwrap().status(), 413);
}
