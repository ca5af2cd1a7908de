//! The envelope of every success, `{"success": true, "data": …}`, and the answers that have none.

use crate::extract::Held;
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;
use store::sha256_hex;

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

    /// It is to be done, and is not yet.
    pub(crate) const fn accepted(data: T) -> Self {
        Self {
            status: StatusCode::ACCEPTED,
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

/// Who may keep an answer, and for how long without asking whether it still holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caching {
    /// Kept by nobody on the way; an asker who keeps it may ask whether it still holds.
    None,
    /// Kept by its asker, who asks each time.
    Revalidated,
    /// Kept by its asker for this long.
    Private(&'static str),
    /// Kept by anybody for this long.
    Public(&'static str),
}

/// An answer that its asker may hold already: it carries a tag of its bytes, and is 304 to whoever names that tag.
pub(crate) struct Tagged<T> {
    pub(crate) answer: Answer<T>,
    pub(crate) held: Held,
    pub(crate) caching: Caching,
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let Self {
            answer,
            held,
            caching,
        } = self;
        let body = json!({"success": true, "data": answer.data}).to_string();
        let digest = sha256_hex(&body);
        let tag = format!("\"{}\"", digest.get(..32).unwrap_or(&digest));
        let mut response = if held.has(&tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let json = [(header::CONTENT_TYPE, "application/json")];
            (answer.status, json, body).into_response()
        };
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, tag);
        }
        let (kept, is_private) = match caching {
            Caching::None => ("no-store", true),
            Caching::Revalidated => ("private, no-cache", true),
            Caching::Private(kept) => (kept, true),
            Caching::Public(kept) => (kept, false),
        };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
        if is_private {
            headers.insert(header::VARY, HeaderValue::from_static("authorization"));
        }
        response
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
