//! A Lambda function that does what it is told, well or badly: the subject of this package's tests.
#![expect(
    clippy::disallowed_methods,
    reason = "the variables it reads are its script"
)]

use std::{collections::BTreeMap, time::Duration};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var_os("PROBE_REFUSES_TO_START").is_some() {
        eprintln!("no database, no work");
        std::process::exit(3);
    }
    if std::env::var_os("PROBE_NEVER_ASKS_FOR_WORK").is_some() {
        std::future::pending::<()>().await;
    }
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = event.into_parts();
    if let Some(path) = event["rawPath"].as_str() {
        return Ok(answer_http(path, &event));
    }
    match event["do"].as_str() {
        Some("sleep") => {
            tokio::time::sleep(Duration::from_millis(event["ms"].as_u64().unwrap_or(0))).await;
            Ok(json!({ "pid": std::process::id() }))
        }
        Some("fail") => Err("told to fail".into()),
        Some("panic") => panic!("told to panic"),
        Some("exit") => std::process::exit(7),
        Some("allocate") => {
            let bytes = vec![1_u8; event["mb"].as_u64().unwrap_or(0) as usize * 1024 * 1024];
            tokio::time::sleep(Duration::from_millis(event["ms"].as_u64().unwrap_or(0))).await;
            Ok(json!(
                bytes
                    .iter()
                    .step_by(4096)
                    .map(|&byte| u64::from(byte))
                    .sum::<u64>()
            ))
        }
        Some("print") => {
            println!("{}", event["line"].as_str().unwrap_or_default());
            Ok(Value::Null)
        }
        Some("long answer") => Ok(json!("x".repeat(7 * 1024 * 1024))),
        Some("environment") => Ok(json!(std::env::vars().collect::<BTreeMap<_, _>>())),
        Some("context") => Ok(json!({
            "requestId": context.request_id,
            "remainingMs": context.deadline().duration_since(std::time::SystemTime::now())?.as_millis() as u64,
            "arn": context.invoked_function_arn,
            "trace": context.xray_trace_id,
        })),
        _ => Ok(event),
    }
}

fn answer_http(path: &str, event: &Value) -> Value {
    match path {
        "/api/plain" => json!({ "plain": true }),
        "/api/crash" => std::process::exit(9),
        _ => json!({
            "statusCode": 201,
            "headers": { "content-type": "application/json", "x-method": event["requestContext"]["http"]["method"] },
            "cookies": ["seen=1; Path=/"],
            "body": json!({ "path": path, "query": event["rawQueryString"], "body": event["body"] }).to_string(),
        }),
    }
}
