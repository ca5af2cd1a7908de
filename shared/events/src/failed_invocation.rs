//! The record of an asynchronous invocation that was given up on, as Lambda sends it to an on-failure destination.

use crate::tick::is_rescue_wake;
use domain::{LeaseToken, StoryId};
use serde::Deserialize;
use serde_json::Value;

/// An asynchronous invocation that Lambda gave up on: it died, ran out of time, or never ran.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct FailedInvocation {
    /// Lambda's id of it, which the owner of each of its leases begins with.
    pub request_id: String,
    /// Name of the function, without account and version.
    pub function: String,
    /// `RetriesExhausted` or `EventAgeExceeded`.
    pub condition: String,
    /// What the function, or Lambda for it, last said; absent when nothing ran.
    pub error_type: Option<String>,
    /// Leases its event named: `leaseToken` at the top, or in `jobs`.
    pub lease_tokens: Vec<LeaseToken>,
    /// The new story whose text it was to claim and write.
    pub new_story: Option<StoryId>,
    /// Its event was a wake that was sent because another invocation had failed.
    pub is_rescue_wake: bool,
}

/// The record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BadRecord {
    #[error("the record of a failed invocation lacks what Lambda always sends")]
    Shape(#[source] serde_json::Error),
    #[error("the record of a failed invocation has an empty request id")]
    NoRequestId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    request_context: Context,
    #[serde(default)]
    request_payload: Value,
    #[serde(default)]
    response_payload: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    request_id: String,
    function_arn: String,
    condition: String,
}

impl TryFrom<Value> for FailedInvocation {
    type Error = BadRecord;

    fn try_from(record: Value) -> Result<Self, BadRecord> {
        let Record {
            request_context,
            request_payload,
            response_payload,
        } = serde_json::from_value(record).map_err(BadRecord::Shape)?;
        // An empty id would be the beginning of every owner.
        if request_context.request_id.is_empty() {
            return Err(BadRecord::NoRequestId);
        }
        // arn:aws:lambda:REGION:ACCOUNT:function:NAME:VERSION
        let function = request_context.function_arn.split(':').nth(6);
        Ok(Self {
            function: function.unwrap_or_default().to_owned(),
            request_id: request_context.request_id,
            condition: request_context.condition,
            error_type: response_payload["errorType"].as_str().map(str::to_owned),
            lease_tokens: lease_tokens(&request_payload),
            new_story: new_story(&request_payload),
            is_rescue_wake: is_rescue_wake(&request_payload),
        })
    }
}

/// Events of others than the worker name none; what is no token was never one.
fn lease_tokens(event: &Value) -> Vec<LeaseToken> {
    let jobs = event["jobs"].as_array().into_iter().flatten();
    jobs.chain([event])
        .filter_map(|job| job["leaseToken"].as_str()?.parse().ok())
        .collect()
}

/// Only an event without a lease is one that was to claim.
fn new_story(event: &Value) -> Option<StoryId> {
    let is_unclaimed = event["action"] == "generate_story" && event["leaseToken"].is_null();
    event["storyId"]
        .as_str()
        .filter(|_| is_unclaimed)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TOKEN: &str = "0190a5a0-0000-7000-8000-000000000001";

    fn record(payload: &Value) -> Value {
        json!({"version": "1.0", "timestamp": "2026-11-21T03:00:00.000Z",
            "requestContext": {"requestId": "e4b4", "condition": "RetriesExhausted", "approximateInvokeCount": 1,
                "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:storytailor-content-agent-production:$LATEST"},
            "requestPayload": payload,
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": {"errorType": "Runtime.ExitError", "errorMessage": "signal: killed"}})
    }

    #[test]
    fn which_invocation_failed_and_which_leases_its_event_named_are_read() {
        let event = json!({"action": "generate_assets", "storyId": TOKEN, "jobs": [{"jobId": TOKEN, "leaseToken": TOKEN}]});
        let failed = FailedInvocation::try_from(record(&event)).unwrap();
        assert_eq!(failed.request_id, "e4b4");
        assert_eq!(failed.function, "storytailor-content-agent-production");
        assert_eq!(failed.error_type.as_deref(), Some("Runtime.ExitError"));
        assert_eq!(failed.lease_tokens, [TOKEN.parse().unwrap()]);
        let single = record(&json!({"action": "generate_story", "leaseToken": TOKEN}));
        let single = FailedInvocation::try_from(single).unwrap();
        assert_eq!((single.lease_tokens.len(), single.new_story), (1, None));
        let unclaimed = record(&json!({"action": "generate_story", "storyId": TOKEN}));
        assert!(
            FailedInvocation::try_from(unclaimed)
                .unwrap()
                .new_story
                .is_some()
        );
    }

    #[test]
    fn an_event_that_never_ran_and_one_without_leases_are_read_too() {
        let mut never_ran = record(&json!({"wake": true, "rescue": true}));
        never_ran.as_object_mut().unwrap().remove("responsePayload");
        never_ran["requestContext"]["condition"] = json!("EventAgeExceeded");
        let failed = FailedInvocation::try_from(never_ran).unwrap();
        assert_eq!((failed.error_type, failed.is_rescue_wake), (None, true));
        assert_eq!(failed.lease_tokens, []);
    }

    #[test]
    fn a_record_without_a_request_id_is_refused() {
        let mut nobody = record(&json!({}));
        nobody["requestContext"]["requestId"] = json!("");
        assert!(matches!(
            FailedInvocation::try_from(nobody),
            Err(BadRecord::NoRequestId)
        ));
        assert!(FailedInvocation::try_from(json!({"requestContext": {}})).is_err());
    }
}
