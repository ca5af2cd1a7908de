//! Invoking the functions by their deployed names, as the runbook does.

use super::demo;
use crate::stack::shared;
use serde_json::{Value, json};
use std::time::Instant;

pub(super) async fn invoke(
    lambda: &str,
    function: &str,
    kind: &str,
    body: &Value,
) -> (u16, Option<String>, Value) {
    let response = reqwest::Client::new()
        .post(format!(
            "{lambda}/2015-03-31/functions/{function}/invocations"
        ))
        .header("X-Amz-Invocation-Type", kind)
        .json(body)
        .send()
        .await
        .expect("an answer");
    let error = response
        .headers()
        .get("X-Amz-Function-Error")
        .map(|value| value.to_str().expect("text").to_owned());
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    (
        status,
        error,
        serde_json::from_str(&text).unwrap_or(Value::Null),
    )
}

#[test]
fn the_worker_and_the_timeout_handler_answer_by_their_deployed_names() {
    let shared = shared();
    shared.run(async {
        let lambda = shared.stack().variable("AWS_ENDPOINT_URL_LAMBDA");
        let (status, error, answer) = invoke(
            lambda,
            "storytailor-asset-worker-production",
            "RequestResponse",
            &json!({}),
        )
        .await;
        assert_eq!((status, error), (200, None), "{answer}");
        assert!(
            answer["processed"].is_u64() && answer["failed"].is_u64(),
            "{answer}"
        );
        let (status, error, answer) = invoke(
            lambda,
            "storytailor-timeout-handler-production",
            "RequestResponse",
            &json!({}),
        )
        .await;
        assert_eq!((status, error), (200, None), "{answer}");
        assert!(
            answer["expired"].is_u64() && answer["requeued"].is_u64(),
            "{answer}"
        );
    });
}

#[test]
fn an_event_is_accepted_at_once_and_a_wrong_one_is_named() {
    let shared = shared();
    shared.run(async {
        let user = demo(&shared);
        let lambda = shared.stack().variable("AWS_ENDPOINT_URL_LAMBDA");
        let began = Instant::now();
        let (status, ..) = invoke(lambda, "storytailor-asset-worker-production", "Event", &json!({"wake": true})).await;
        assert_eq!(status, 202);
        assert!(began.elapsed().as_secs() < 1);

        let wrong = [
            (json!({"action": "sing", "storyId": "x"}), "sing"),
            (json!({"action": "generate_story"}), "storyId"),
            (json!({"action": "generate_asset", "storyId": uuid::Uuid::nil(), "assetType": "hat"}), "assetType"),
        ];
        for (event, named) in wrong {
            let (status, error, answer) = invoke(lambda, "storytailor-content-agent-production", "RequestResponse", &event).await;
            assert_eq!((status, error.as_deref()), (200, Some("Unhandled")));
            assert_eq!(answer["errorType"], "BadEvent");
            assert!(answer["errorMessage"].as_str().is_some_and(|message| message.contains(named)), "{answer}");
        }
        // A story that does not exist is no reason to fail: the event is simply late.
        let late = json!({"action": "generate_story", "storyId": uuid::Uuid::new_v4()});
        let (_, error, answer) = invoke(lambda, "storytailor-content-agent-production", "RequestResponse", &late).await;
        assert_eq!((error, answer["success"].as_bool()), (None, Some(true)));
        let _ = user;
    });
}
