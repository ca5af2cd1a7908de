//! The Lambda Runtime API, which the functions' processes speak.
//!
//! Paths, headers and statuses follow "Using the Lambda runtime API" of the Lambda developer guide.

use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::lambda::{
    body::{self, BodyError},
    instance::{Current, Instance, Order, Reply, Work},
    logs::LogSource,
    naming,
    state::Core,
};

/// Largest buffered response: 6 MB and a little, as Lambda's own error message says.
pub(crate) const RESPONSE_BYTES_MAX: usize = 6_291_556;
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";

pub(crate) async fn next(State(core): State<Arc<Core>>, Path(token): Path<String>) -> Response {
    let Some(instance) = core.instance(&token) else {
        return stranger();
    };
    instance.asked_for_work();
    loop {
        let Some(work) = instance.work_out.lock().await.recv().await else {
            return stranger();
        };
        if let Some(response) = hand_over(&core, &instance, work) {
            return response;
        }
    }
}

/// `None` when the invoker has given up on this process meanwhile.
fn hand_over(core: &Core, instance: &Instance, work: Work) -> Option<Response> {
    let Work {
        invocation,
        started,
        reply,
    } = work;
    let function = &instance.function;
    instance.current.lock().push(Current {
        request_id: invocation.request_id.clone(),
        payload: invocation.payload.clone(),
        reply,
    });
    let start_line = format!(
        "START RequestId: {} Version: $LATEST",
        invocation.request_id
    );
    core.log(instance, LogSource::Platform, start_line);
    if started.send(Instant::now()).is_err() {
        let mut current = instance.current.lock();
        current.retain(|working| working.request_id != invocation.request_id);
        return None;
    }

    let deadline = SystemTime::now() + function.timeout;
    let deadline_ms = deadline
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    let config = &core.config;
    let arn = naming::function_arn(&config.region, &config.account_id, &function.deployed_name);
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", invocation.request_id),
        ("lambda-runtime-deadline-ms", deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", arn),
        ("lambda-runtime-trace-id", invocation.trace_id),
    ];
    Some((headers, invocation.payload).into_response())
}

pub(crate) async fn response(
    State(core): State<Arc<Core>>,
    Path((token, request_id)): Path<(String, String)>,
    body: Body,
) -> Response {
    let Some(instance) = core.instance(&token) else {
        return stranger();
    };
    let limit = RESPONSE_BYTES_MAX;
    let (reply, status) = match body::read(body, limit).await {
        Ok(body) => (Reply::Answer(body), StatusCode::ACCEPTED),
        Err(BodyError::TooLarge) => (Reply::TooLarge { limit }, StatusCode::PAYLOAD_TOO_LARGE),
        Err(BodyError::Broken(error)) => {
            let text = json!({ "errorType": "Runtime.TruncatedResponse", "errorMessage": error.to_string() });
            (
                Reply::Error {
                    body: text.to_string().into(),
                    error_type: None,
                },
                StatusCode::BAD_REQUEST,
            )
        }
    };
    if instance.finish(&request_id, reply) {
        acknowledge(status)
    } else {
        not_working_on(&request_id)
    }
}

pub(crate) async fn error(
    State(core): State<Arc<Core>>,
    Path((token, request_id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(instance) = core.instance(&token) else {
        return stranger();
    };
    let (body, error_type) = error_report(&headers, body).await;
    if instance.finish(&request_id, Reply::Error { body, error_type }) {
        acknowledge(StatusCode::ACCEPTED)
    } else {
        not_working_on(&request_id)
    }
}

pub(crate) async fn init_error(
    State(core): State<Arc<Core>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(instance) = core.instance(&token) else {
        return stranger();
    };
    let report = error_report(&headers, body).await;
    *instance.init_error.lock() = Some(report);
    // A runtime is expected to exit now; one that does not will not be waited for.
    instance.orders.send_replace(Order::Terminate);
    acknowledge(StatusCode::ACCEPTED)
}

async fn error_report(headers: &HeaderMap, body: Body) -> (bytes::Bytes, Option<String>) {
    let error_type = headers
        .get(ERROR_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let body = body::read(body, RESPONSE_BYTES_MAX)
        .await
        .unwrap_or_default();
    (body, error_type)
}

fn acknowledge(status: StatusCode) -> Response {
    (
        status,
        Json(json!({ "status": if status.is_success() { "OK" } else { "error" } })),
    )
        .into_response()
}

fn not_working_on(request_id: &str) -> Response {
    let message = format!("this process is not working on {request_id}");
    let body = Json(json!({ "errorType": "InvalidRequestID", "errorMessage": message }));
    (StatusCode::BAD_REQUEST, body).into_response()
}

/// A process of an earlier run, or somebody guessing. `lambda_runtime` ends on this answer.
fn stranger() -> Response {
    let message = "no process of this Lambda has this address";
    let body = Json(json!({ "errorType": "UnknownInstance", "errorMessage": message }));
    (StatusCode::FORBIDDEN, body).into_response()
}
