//! The two ways a call goes wrong: it was refused, or the function failed.

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

/// Why an invocation was refused before any function saw it.
///
/// Status, error type and wording are those of the `Invoke` action of the AWS Lambda API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    #[error("Function not found: {arn}")]
    FunctionNotFound { arn: String },
    #[error("Request must be smaller than {limit} bytes for the InvokeFunction operation")]
    RequestTooLarge { limit: usize },
    #[error("Rate Exceeded.")]
    TooManyRequests,
    #[error("Could not parse request body into json: {reason}")]
    InvalidRequestContent { reason: String },
    #[error("Could not read the request body: {reason}")]
    BrokenRequest { reason: String },
    #[error(
        "1 validation error detected: Value '{value}' at 'invocationType' failed to satisfy \
         constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"
    )]
    InvalidInvocationType { value: String },
    #[error("The local Lambda is shutting down.")]
    Stopping,
}

impl InvokeError {
    /// The HTTP status AWS answers with, and the value of the `x-amzn-errortype` header, which AWS SDKs turn into their
    /// error variants.
    pub fn as_aws_tells(&self) -> (StatusCode, &'static str) {
        match self {
            Self::FunctionNotFound { .. } => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
            Self::RequestTooLarge { .. } => {
                (StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException")
            }
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException"),
            Self::InvalidRequestContent { .. } | Self::BrokenRequest { .. } => {
                (StatusCode::BAD_REQUEST, "InvalidRequestContentException")
            }
            Self::InvalidInvocationType { .. } => {
                (StatusCode::BAD_REQUEST, "InvalidParameterValueException")
            }
            Self::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "ServiceException"),
        }
    }
}

/// A function that answered with an error, died, or ran out of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error_type}: {message}")]
pub struct FunctionFailure {
    /// Such as `Sandbox.Timedout`, `Runtime.ExitError`, or the function's own error type.
    pub error_type: String,
    pub message: String,
    body: Bytes,
}

impl FunctionFailure {
    pub(crate) fn new(error_type: &str, message: String) -> Self {
        let body = json!({ "errorType": error_type, "errorMessage": message });
        Self {
            error_type: error_type.to_owned(),
            message,
            body: Bytes::from(body.to_string()),
        }
    }

    /// An error the function itself reported; its JSON reaches the caller untouched.
    pub(crate) fn reported(body: Bytes, header_type: Option<&str>) -> Self {
        let parsed: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let text = |member: &str| parsed[member].as_str().map(str::to_owned);
        let error_type = text("errorType")
            .or_else(|| header_type.map(str::to_owned))
            .unwrap_or_else(|| "Runtime.UnknownReason".to_owned());
        match text("errorMessage") {
            Some(message) => Self {
                error_type,
                message,
                body,
            },
            None => Self::new(&error_type, String::from_utf8_lossy(&body).into_owned()),
        }
    }

    /// The process was still working when its time was over.
    pub(crate) fn timed_out(request_id: &str, after: std::time::Duration) -> Self {
        Self::new(
            "Sandbox.Timedout",
            format!(
                "RequestId: {request_id} Error: Task timed out after {:.2} seconds",
                after.as_secs_f64()
            ),
        )
    }

    /// The process ended in the middle of an invocation.
    pub(crate) fn exited(request_id: &str, how: &str) -> Self {
        Self::new(
            "Runtime.ExitError",
            format!("RequestId: {request_id} Error: {how}"),
        )
    }

    /// The process never got as far as asking for work.
    pub(crate) fn not_started(request_id: &str, function: &str, why: &str) -> Self {
        Self::new(
            "Runtime.InitError",
            format!(
                "RequestId: {request_id} Error: the function `{function}` could not start: {why}"
            ),
        )
    }

    /// The JSON a caller of `Invoke` receives: `errorType`, `errorMessage` and what else the
    /// function said.
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_the_function_reported_keeps_its_own_json() {
        let body = Bytes::from_static(
            br#"{"errorType":"ProviderTimeout","errorMessage":"slow","stackTrace":[]}"#,
        );
        let failure = FunctionFailure::reported(body.clone(), Some("Header"));
        assert_eq!(
            (failure.error_type.as_str(), failure.message.as_str()),
            ("ProviderTimeout", "slow")
        );
        assert_eq!(failure.body(), &body);
    }

    #[test]
    fn an_error_report_that_is_not_json_still_has_type_and_message() {
        let failure = FunctionFailure::reported(Bytes::from_static(b"boom"), None);
        let body: serde_json::Value = serde_json::from_slice(failure.body()).unwrap();
        assert_eq!(
            body,
            json!({ "errorType": "Runtime.UnknownReason", "errorMessage": "boom" })
        );
    }

    #[test]
    fn a_timeout_names_its_seconds_with_two_decimals() {
        let failure = FunctionFailure::timed_out("r", std::time::Duration::from_millis(1500));
        assert_eq!(
            failure.message,
            "RequestId: r Error: Task timed out after 1.50 seconds"
        );
    }
}
