//! The three error shapes of the ElevenLabs API.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

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
    /// The current shape.
    fn current(
        status: StatusCode,
        kind: &str,
        code: &str,
        legacy: &str,
        param: Option<&str>,
        message: &str,
    ) -> Self {
        let detail = json!({
            "type": kind, "code": code, "message": message, "status": legacy,
            "request_id": "req_local", "param": param,
        });
        ApiError { status, detail }
    }

    /// The older shape, which the service still sends for some errors.
    fn legacy(status: StatusCode, name: &str, message: &str) -> Self {
        ApiError {
            status,
            detail: json!({ "status": name, "message": message }),
        }
    }

    /// 422: the body does not have the documented shape.
    pub(crate) fn schema(member: &str, message: &str, kind: &str) -> Self {
        let detail = json!([{ "loc": ["body", member], "msg": message, "type": kind }]);
        ApiError {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail,
        }
    }

    fn bad_request(code: &str, param: &str, message: &str) -> Self {
        ApiError::current(
            StatusCode::BAD_REQUEST,
            "validation_error",
            code,
            code,
            Some(param),
            message,
        )
    }

    pub(crate) fn missing_key() -> Self {
        ApiError::legacy(
            StatusCode::UNAUTHORIZED,
            "needs_authorization",
            "Neither authorization header nor xi-api-key received, please provide one.",
        )
    }

    pub(crate) fn invalid_key() -> Self {
        let message = "Invalid API key";
        ApiError::current(
            StatusCode::UNAUTHORIZED,
            "authentication_error",
            "invalid_api_key",
            "invalid_api_key",
            None,
            message,
        )
    }

    /// 401 that is not about the key: the credits are used up.
    pub(crate) fn quota_exceeded() -> Self {
        ApiError::legacy(
            StatusCode::UNAUTHORIZED,
            "quota_exceeded",
            "This request exceeds your quota of 10000. You have 0 credits remaining, while 91 credits are required for this request.",
        )
    }

    pub(crate) fn too_many_at_once() -> Self {
        ApiError::current(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit_error",
            "concurrent_limit_exceeded",
            "too_many_concurrent_requests",
            None,
            "Too many concurrent requests. Your current subscription is associated with a maximum of 15 concurrent requests.",
        )
    }

    pub(crate) fn system_busy() -> Self {
        ApiError::legacy(
            StatusCode::TOO_MANY_REQUESTS,
            "system_busy",
            "We are currently experiencing heavy traffic, please try again later.",
        )
    }

    pub(crate) fn internal_error() -> Self {
        let message = "An unexpected error occurred.";
        ApiError::current(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "internal_error",
            "internal_error",
            None,
            message,
        )
    }

    pub(crate) fn unavailable() -> Self {
        let name = "service_unavailable";
        ApiError::current(
            StatusCode::SERVICE_UNAVAILABLE,
            name,
            name,
            name,
            None,
            "The service is temporarily unavailable.",
        )
    }

    /// Public reports show this older shape for a text the service refuses.
    pub(crate) fn against_policy() -> Self {
        ApiError::legacy(
            StatusCode::BAD_REQUEST,
            "content_against_policy",
            "The text you are trying to use may violate our Terms of Service and has been blocked.",
        )
    }

    pub(crate) fn unknown_voice(id: &str) -> Self {
        let message = format!("A voice with voice_id '{id}' was not found.");
        ApiError::current(
            StatusCode::NOT_FOUND,
            "not_found",
            "voice_not_found",
            "voice_not_found",
            Some("voice_id"),
            &message,
        )
    }

    pub(crate) fn unknown_model(id: &str) -> Self {
        let message = format!("A model with model ID {id} does not exist.");
        ApiError::current(
            StatusCode::NOT_FOUND,
            "not_found",
            "model_not_found",
            "model_not_found",
            Some("model_id"),
            &message,
        )
    }

    pub(crate) fn empty_text() -> Self {
        ApiError::bad_request("empty_text", "text", "The text must not be empty.")
    }

    pub(crate) fn text_too_long(length: usize, limit: usize) -> Self {
        let message = format!(
            "This request's text has {length} characters and exceeds the character limit of {limit} characters for this model."
        );
        ApiError::bad_request("text_too_long", "text", &message)
    }

    pub(crate) fn invalid_voice_settings(member: &str, low: f64, high: f64) -> Self {
        let message =
            format!("Invalid voice setting '{member}': must be between {low} and {high}.");
        ApiError::bad_request("invalid_voice_settings", "voice_settings", &message)
    }

    pub(crate) fn invalid_output_format(given: &str) -> Self {
        ApiError::bad_request(
            "invalid_output_format",
            "output_format",
            &format!("Invalid output format: {given}."),
        )
    }

    pub(crate) fn output_format_needs_plan(given: &str) -> Self {
        let message = format!("Output format {given} is not allowed on your subscription tier.");
        ApiError::current(
            StatusCode::FORBIDDEN,
            "authorization_error",
            "subscription_required",
            "output_format_not_allowed",
            Some("output_format"),
            &message,
        )
    }

    pub(crate) fn unsupported_by_model(param: &str, model: &str) -> Self {
        let message = format!("The parameter {param} is not supported by the model {model}.");
        ApiError::bad_request("invalid_parameters", param, &message)
    }
}
