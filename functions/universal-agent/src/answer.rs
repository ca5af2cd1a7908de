//! The envelope of every success, `{"success": true, "data": …}`, and the one answer that has none.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

/// Present with `true` when an answer was given before under the same key.
pub(crate) const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";

/// What a handler answers, before the envelope.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    status: StatusCode,
    replayed: bool,
    data: T,
}

impl<T: Serialize> Answer<T> {
    pub(crate) const fn ok(data: T) -> Self {
        Self {
            status: StatusCode::OK,
            replayed: false,
            data,
        }
    }

    pub(crate) const fn created(data: T) -> Self {
        Self {
            status: StatusCode::CREATED,
            replayed: false,
            data,
        }
    }

    pub(crate) const fn replayed(mut self, replayed: bool) -> Self {
        self.replayed = replayed;
        self
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let body = Json(json!({"success": true, "data": self.data}));
        marked((self.status, body).into_response(), self.replayed)
    }
}

/// 204: what was asked to go is gone, and there is nothing to say of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    pub(crate) replayed: bool,
}

impl IntoResponse for Gone {
    fn into_response(self) -> Response {
        marked(StatusCode::NO_CONTENT.into_response(), self.replayed)
    }
}

fn marked(mut response: Response, replayed: bool) -> Response {
    if replayed {
        response.headers_mut().insert(
            IDEMPOTENCY_REPLAYED,
            axum::http::HeaderValue::from_static("true"),
        );
    }
    response
}
