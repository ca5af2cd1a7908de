//! An event for a function, and what became of it.

use bytes::Bytes;
use http::HeaderValue;
use jiff::Timestamp;
use uuid::Uuid;

use crate::lambda::{error::FunctionFailure, naming};

/// An event for a function. A copy is the same event delivered again.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    pub(crate) request_id: String,
    pub(crate) payload: Bytes,
    pub(crate) trace_id: String,
    /// `X-Amz-Client-Context` as the caller sent it.
    pub(crate) client_context: Option<HeaderValue>,
}

impl Invocation {
    pub(crate) fn new(payload: Bytes) -> Self {
        Self {
            request_id: Uuid::new_v4().to_string(),
            payload,
            trace_id: naming::trace_id(Timestamp::now()),
            client_context: None,
        }
    }
}

/// A function's answer that is no error.
#[derive(Debug, Clone)]
pub(crate) struct Success {
    pub(crate) body: Bytes,
    /// The body is a prelude and an HTTP body, as `lambda_runtime` streams responses.
    pub(crate) is_http_stream: bool,
}

pub(crate) type Outcome = Result<Success, FunctionFailure>;

/// What a synchronous invocation led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvokeOutput {
    pub request_id: String,
    pub result: Result<Bytes, FunctionFailure>,
}
