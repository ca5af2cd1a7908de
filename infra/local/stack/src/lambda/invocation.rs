//! An event for a function, and what became of it.

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use crate::lambda::{error::FunctionFailure, naming};

/// An event for a function. A copy is the same event delivered again.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    pub(crate) request_id: String,
    pub(crate) payload: Bytes,
    pub(crate) trace_id: String,
}

impl Invocation {
    pub(crate) fn new(payload: Bytes) -> Self {
        Self {
            request_id: Uuid::new_v4().to_string(),
            payload,
            trace_id: naming::trace_id(Timestamp::now()),
        }
    }
}

/// A function's answer, or its failure.
pub(crate) type Outcome = Result<Bytes, FunctionFailure>;
