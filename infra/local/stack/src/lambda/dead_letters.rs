//! Events that were given up on, in the shape of Lambda's on-failure destination.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::lambda::{error::FunctionFailure, invocation::Invocation};

/// The record AWS sends to an on-failure destination ("Retaining records of asynchronous
/// invocations" in the Lambda developer guide). Without a failure no attempt was made.
pub(crate) fn record(
    invocation: &Invocation,
    function_arn: &str,
    condition: &str,
    failure: Option<&FunctionFailure>,
) -> Value {
    let parsed = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or(Value::Null);
    let mut record = json!({
        "version": "1.0", "timestamp": Timestamp::now().to_string(),
        "requestContext": {
            "requestId": invocation.request_id, "functionArn": format!("{function_arn}:$LATEST"),
            "condition": condition, "approximateInvokeCount": u8::from(failure.is_some()),
        },
        "requestPayload": parsed(&invocation.payload),
    });
    if let Some(failure) = failure {
        record["responseContext"] =
            json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"});
        record["responsePayload"] = parsed(failure.body());
    }
    record
}

#[derive(Default)]
pub(crate) struct DeadLetters {
    file: Option<Mutex<File>>,
    letters: Mutex<Vec<Value>>,
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

    pub(crate) fn add(&self, letter: Value) {
        if let Some(file) = &self.file
            && let Err(error) = writeln!(file.lock(), "{letter}")
        {
            tracing::warn!(%error, "Could not write a dead letter to its file");
        }
        self.letters.lock().push(letter);
    }

    pub(crate) fn all(&self) -> Vec<Value> {
        self.letters.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(failure: Option<&FunctionFailure>) -> Value {
        let invocation = Invocation::new(r#"{"job_id":"1"}"#.into());
        let arn = "arn:aws:lambda:eu-west-1:123456789012:function:worker";
        record(&invocation, arn, "RetriesExhausted", failure)
    }

    #[test]
    fn a_dead_letter_has_the_shape_of_a_destination_record() {
        let mut letter = letter(Some(&FunctionFailure::new("Boom", "it broke".to_owned())));
        letter["timestamp"] = Value::Null;
        letter["requestContext"]["requestId"] = "r".into();
        assert_eq!(
            letter,
            json!({
                "version": "1.0", "timestamp": null,
                "requestContext": {
                    "requestId": "r",
                    "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:worker:$LATEST",
                    "condition": "RetriesExhausted", "approximateInvokeCount": 1
                },
                "requestPayload": { "job_id": "1" },
                "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
                "responsePayload": { "errorMessage": "it broke", "errorType": "Boom" }
            })
        );
    }

    #[test]
    fn an_event_that_was_never_tried_has_no_response() {
        let letter = letter(None);
        assert_eq!(letter["requestContext"]["approximateInvokeCount"], 0);
        assert!(letter.get("responseContext").is_none() && letter.get("responsePayload").is_none());
    }
}
