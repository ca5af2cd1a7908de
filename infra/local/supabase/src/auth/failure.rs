//! The auth service's error answers, in both documented shapes.

use axum::{
    Json,
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

use crate::trouble::Trouble;

/// The header by which a client asks for the newer shape.
const API_VERSION_HEADER: &str = "x-supabase-api-version";
/// The first version whose errors have a textual `code`.
const API_VERSION_WITH_CODES: &str = "2024-01-01";

/// A refused request: what the client is told.
#[derive(Debug, Clone)]
pub(crate) struct AuthFailure {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl AuthFailure {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }
}

impl IntoResponse for AuthFailure {
    /// `{"code":400,"error_code":"…","msg":"…"}`; it is kept for [`name_codes`], which may know better.
    fn into_response(self) -> Response {
        let Self {
            status,
            code,
            message,
        } = &self;
        let body = json!({"code": status.as_u16(), "error_code": code, "msg": message});
        let code = [("x-sb-error-code", *code)];
        let mut response = (*status, code, Json(body)).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Middleware: `{"code":"…","message":"…"}` for a client that names a version which knows that.
pub(crate) async fn name_codes(request: Request, next: Next) -> Response {
    let version = request.headers().get(API_VERSION_HEADER);
    let knows_codes =
        version.is_some_and(|version| version.as_bytes() >= API_VERSION_WITH_CODES.as_bytes());
    let response = next.run(request).await;
    match response.extensions().get::<AuthFailure>() {
        Some(failure) if knows_codes => {
            let headers = [
                ("x-sb-error-code", failure.code),
                (API_VERSION_HEADER, API_VERSION_WITH_CODES),
            ];
            let body = json!({"code": failure.code, "message": failure.message});
            (failure.status, headers, Json(body)).into_response()
        }
        _ => response,
    }
}

impl From<Trouble> for AuthFailure {
    fn from(error: Trouble) -> Self {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(error = %error, ?cause, "the auth service could not use the database");
        let (code, message) = ("unexpected_failure", "Database error");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, code, message)
    }
}
