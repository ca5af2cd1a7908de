//! Events that were given up on, in the shape of Lambda's on-failure destination.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;

use crate::lambda::error::FunctionFailure;

/// Why an event was given up on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum DeadLetterCondition {
    RetriesExhausted,
    EventAgeExceeded,
}

/// The record AWS sends to an on-failure destination ("Retaining records of asynchronous
/// invocations" in the Lambda developer guide).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    pub version: String,
    pub timestamp: Timestamp,
    pub request_context: RequestContext,
    pub request_payload: Value,
    /// Absent when no attempt was made that could fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_context: Option<ResponseContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_payload: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestContext {
    pub request_id: String,
    pub function_arn: String,
    pub condition: DeadLetterCondition,
    /// Attempts made.
    pub approximate_invoke_count: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseContext {
    pub status_code: u16,
    pub executed_version: String,
    pub function_error: String,
}

impl DeadLetter {
    pub(crate) fn new(
        context: RequestContext,
        payload: &[u8],
        last_failure: Option<&FunctionFailure>,
    ) -> Self {
        let json = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or(Value::Null);
        Self {
            version: "1.0".to_owned(),
            timestamp: Timestamp::now(),
            request_context: context,
            request_payload: json(payload),
            response_context: last_failure.map(|_| ResponseContext {
                status_code: 200,
                executed_version: "$LATEST".to_owned(),
                function_error: "Unhandled".to_owned(),
            }),
            response_payload: last_failure.map(|failure| json(failure.body())),
        }
    }
}

#[derive(Default)]
pub(crate) struct DeadLetters {
    file: Option<Mutex<File>>,
    letters: Mutex<Vec<DeadLetter>>,
}

impl DeadLetters {
    pub(crate) fn open(path: Option<&Path>) -> io::Result<Self> {
        let open = |path: &Path| {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            OpenOptions::new().create(true).append(true).open(path)
        };
        let file = path.map(open).transpose()?.map(Mutex::new);
        Ok(Self {
            file,
            letters: Mutex::default(),
        })
    }

    pub(crate) fn add(&self, letter: &DeadLetter) {
        if let Some(file) = &self.file {
            let line = serde_json::json!(letter).to_string() + "\n";
            if let Err(error) = file.lock().write_all(line.as_bytes()) {
                tracing::warn!(%error, "Could not write a dead letter to its file");
            }
        }
        self.letters.lock().push(letter.clone());
    }

    pub(crate) fn all(&self) -> Vec<DeadLetter> {
        self.letters.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(condition: DeadLetterCondition) -> RequestContext {
        RequestContext {
            request_id: "r".to_owned(),
            function_arn: "arn:aws:lambda:eu-west-1:123456789012:function:worker:$LATEST"
                .to_owned(),
            condition,
            approximate_invoke_count: 3,
        }
    }

    #[test]
    fn a_dead_letter_has_the_shape_of_a_destination_record() {
        let failure = FunctionFailure::new("Boom", "it broke".to_owned());
        let letter = DeadLetter::new(
            context(DeadLetterCondition::RetriesExhausted),
            br#"{"job_id":"1"}"#,
            Some(&failure),
        );
        let mut json = serde_json::json!(letter);
        json["timestamp"] = Value::Null;
        assert_eq!(
            json,
            serde_json::json!({
                "version": "1.0", "timestamp": null,
                "requestContext": {
                    "requestId": "r",
                    "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:worker:$LATEST",
                    "condition": "RetriesExhausted", "approximateInvokeCount": 3
                },
                "requestPayload": { "job_id": "1" },
                "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
                "responsePayload": { "errorMessage": "it broke", "errorType": "Boom" }
            })
        );
    }

    #[test]
    fn an_event_that_grew_too_old_has_no_response() {
        let letter = DeadLetter::new(context(DeadLetterCondition::EventAgeExceeded), b"{}", None);
        let json = serde_json::json!(letter);
        assert_eq!(json["requestContext"]["condition"], "EventAgeExceeded");
        assert!(json.get("responseContext").is_none() && json.get("responsePayload").is_none());
    }
}
