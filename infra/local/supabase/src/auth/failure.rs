//! The auth service's error answers, in both documented shapes.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use serde_json::json;

/// The header by which a client asks for the newer shape.
const API_VERSION_HEADER: &str = "x-supabase-api-version";
/// The first version whose errors have a textual `code`.
const API_VERSION_WITH_CODES: &str = "2024-01-01";

/// A refused request: what the client is told.
#[derive(Debug)]
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

    pub(crate) fn invalid_credentials() -> Self {
        Self::bad_request("invalid_credentials", "Invalid login credentials")
    }

    /// `{"code":"…","message":"…"}` for a client that names the version, else
    /// `{"code":400,"error_code":"…","msg":"…"}`.
    pub(crate) fn answer(self, request: &HeaderMap) -> Response {
        let knows_codes = request
            .get(API_VERSION_HEADER)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|version| version >= API_VERSION_WITH_CODES);
        let code = [("x-sb-error-code", self.code)];
        if knows_codes {
            let body = json!({"code": self.code, "message": self.message});
            let version = [(API_VERSION_HEADER, API_VERSION_WITH_CODES)];
            return (self.status, code, version, Json(body)).into_response();
        }
        let body =
            json!({"code": self.status.as_u16(), "error_code": self.code, "msg": self.message});
        (self.status, code, Json(body)).into_response()
    }
}

impl From<super::AccountError> for AuthFailure {
    fn from(error: super::AccountError) -> Self {
        if let super::AccountError::EmailTaken = error {
            let (code, message) = ("user_already_exists", "User already registered");
            return Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message);
        }
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(error = %error, ?cause, "the auth service could not use the database");
        let (code, message) = ("unexpected_failure", "Database error");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, code, message)
    }
}
