//! The `Invoke` action of the AWS Lambda API, for SDKs and the AWS CLI. Signatures are not checked.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::lambda::{
    body::{self, BodyError},
    error::InvokeError,
    function::Function,
    invocation::Invocation,
    queue::payload_or_empty_object,
    state::Core,
};

/// Largest payload of a synchronous call, 6 MB.
pub(crate) const SYNCHRONOUS_BYTES_MAX: usize = 6 * 1024 * 1024;
/// Largest payload of an event, 1 MB (since October 2025).
pub(crate) const EVENT_BYTES_MAX: usize = 1024 * 1024;

enum InvocationType {
    RequestResponse,
    Event,
    DryRun,
}

impl InvocationType {
    fn of(headers: &HeaderMap) -> Result<Self, InvokeError> {
        let value = headers
            .get("x-amz-invocation-type")
            .map(HeaderValue::as_bytes);
        match value {
            None | Some(b"" | b"RequestResponse") => Ok(Self::RequestResponse),
            Some(b"Event") => Ok(Self::Event),
            Some(b"DryRun") => Ok(Self::DryRun),
            Some(other) => Err(InvokeError::InvalidInvocationType {
                value: String::from_utf8_lossy(other).into_owned(),
            }),
        }
    }
}

pub(crate) async fn invoke(
    State(core): State<Arc<Core>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, InvokeError> {
    let kind = InvocationType::of(&headers)?;
    let limit = match kind {
        InvocationType::Event => EVENT_BYTES_MAX,
        InvocationType::RequestResponse | InvocationType::DryRun => SYNCHRONOUS_BYTES_MAX,
    };
    let payload = body::read(body, limit).await.map_err(|error| match error {
        BodyError::TooLarge => InvokeError::RequestTooLarge { limit },
        BodyError::Broken(error) => InvokeError::BrokenRequest {
            reason: error.to_string(),
        },
    })?;
    let function = core.function(&name)?;
    let mut invocation = Invocation::new(checked_payload(payload)?);
    if let Some(trace_id) = headers
        .get("x-amzn-trace-id")
        .and_then(|value| value.to_str().ok())
    {
        invocation.trace_id = trace_id.to_owned();
    }
    match kind {
        InvocationType::DryRun => Ok(StatusCode::NO_CONTENT.into_response()),
        InvocationType::Event => {
            let request_id = core.accept(function, invocation)?;
            Ok((StatusCode::ACCEPTED, [("x-amzn-requestid", request_id)]).into_response())
        }
        InvocationType::RequestResponse => answer(&core, function, invocation).await,
    }
}

/// Lambda parses payloads before it passes them on.
pub(crate) fn checked_payload(payload: Bytes) -> Result<Bytes, InvokeError> {
    let payload = payload_or_empty_object(payload);
    match serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
        Ok(_) => Ok(payload),
        Err(error) => Err(InvokeError::InvalidRequestContent {
            reason: error.to_string(),
        }),
    }
}

async fn answer(
    core: &Arc<Core>,
    function: &Arc<Function>,
    invocation: Invocation,
) -> Result<Response, InvokeError> {
    let request_id = invocation.request_id.clone();
    let trace_id = invocation.trace_id.clone();
    let outcome = core.invoke_and_wait(function, invocation).await?;
    let (body, is_error) = match outcome {
        Ok(body) => (body, false),
        Err(failure) => (failure.body().clone(), true),
    };
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("x-amz-executed-version", "$LATEST".to_owned()),
        ("x-amzn-requestid", request_id),
        ("x-amzn-trace-id", trace_id),
    ];
    if is_error {
        let failed = [("x-amz-function-error", "Unhandled")];
        return Ok((headers, failed, body).into_response());
    }
    Ok((headers, body).into_response())
}

impl IntoResponse for InvokeError {
    fn into_response(self) -> Response {
        let (status, kind) = self.as_aws_tells();
        let fault = if status.is_server_error() {
            "Service"
        } else {
            "User"
        };
        // Lambda spells the member both ways; SDKs read either, people should not have to guess.
        let text = self.to_string();
        let mut body = json!({ "Type": fault, "Message": text, "message": text });
        let request_id = uuid::Uuid::new_v4().to_string();
        let headers = [
            ("x-amzn-errortype", kind),
            ("x-amzn-requestid", &request_id),
        ];
        if self == Self::TooManyRequests {
            body["Reason"] = json!("ReservedFunctionConcurrentInvocationLimitExceeded");
            let again = [(header::RETRY_AFTER, "1")];
            return (status, headers, again, Json(body)).into_response();
        }
        (status, headers, Json(body)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_payload_becomes_an_empty_object_and_a_broken_one_is_refused() {
        assert_eq!(checked_payload(Bytes::new()).unwrap(), "{}");
        assert_eq!(
            checked_payload(Bytes::from_static(b" [1] ")).unwrap(),
            " [1] "
        );
        let refusal = checked_payload(Bytes::from_static(b"{oops")).unwrap_err();
        assert_eq!(refusal.as_aws_tells().1, "InvalidRequestContentException");
    }
}
