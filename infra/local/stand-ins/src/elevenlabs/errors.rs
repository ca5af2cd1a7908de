//! The three error shapes of the ElevenLabs API.

use std::fmt::Display;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::refusals;

/// Name, status, type, code, the older shape's name, parameter, message; without a type it comes in the
/// older shape, which the service still sends for some errors.
const REFUSALS: &str = include_str!("errors.txt");

/// One error answer: `{"detail": …}` with its status.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    status: StatusCode,
    detail: Value,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "detail": self.detail }))).into_response()
    }
}

impl ApiError {
    /// The refusal of that name in `errors.txt`.
    pub(crate) fn of(name: &str, values: &[&dyn Display]) -> Self {
        let [_, status, kind, code, older, param, message] = refusals::find(REFUSALS, name, values);
        let status = StatusCode::from_bytes(status.as_bytes());
        let detail = if kind.is_empty() {
            json!({ "status": code, "message": message })
        } else {
            let param = Some(param).filter(|param| !param.is_empty());
            json!({ "type": kind, "code": code, "message": message, "status": older,
                    "request_id": "req_local", "param": param })
        };
        ApiError {
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            detail,
        }
    }

    /// 422: the body does not have the documented shape.
    pub(crate) fn schema(member: &str, message: &str, kind: &str) -> Self {
        ApiError {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: json!([{ "loc": ["body", member], "msg": message, "type": kind }]),
        }
    }
}
