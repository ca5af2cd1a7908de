//! The error envelope of the OpenAI API and the errors the stand-in gives.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use serde_json::{Value, json};

use crate::calls::CallKind;

/// One error answer: `{"error":{message,type,param,code}}` with its status.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    pub(crate) kind: &'static str,
    pub(crate) param: Option<String>,
    pub(crate) code: Option<&'static str>,
    pub(crate) moderation_details: Option<Value>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut error = json!({
            "message": self.message, "type": self.kind, "param": self.param, "code": self.code,
        });
        if let Some(details) = self.moderation_details {
            error["moderation_details"] = details;
        }
        (self.status, Json(json!({ "error": error }))).into_response()
    }
}

impl ApiError {
    fn new(
        status: StatusCode,
        kind: &'static str,
        code: Option<&'static str>,
        message: impl Into<String>,
    ) -> Self {
        ApiError {
            status,
            message: message.into(),
            kind,
            param: None,
            code,
            moderation_details: None,
        }
    }

    /// 400 `invalid_request_error` about one parameter.
    pub(crate) fn bad_parameter(
        param: &str,
        code: Option<&'static str>,
        message: impl Into<String>,
    ) -> Self {
        let mut error = ApiError::new(
            StatusCode::BAD_REQUEST,
            "invalid_request_error",
            code,
            message,
        );
        error.param = Some(param.to_owned());
        error
    }

    pub(crate) fn missing_parameter(param: &str) -> Self {
        let message = format!("Missing required parameter: '{param}'.");
        ApiError::bad_parameter(param, Some("missing_required_parameter"), message)
    }

    pub(crate) fn unknown_parameter(param: &str) -> Self {
        ApiError::bad_parameter(
            param,
            Some("unknown_parameter"),
            format!("Unknown parameter: '{param}'."),
        )
    }

    pub(crate) fn invalid_value(param: &str, given: &str, supported: &[&str]) -> Self {
        let list: Vec<String> = supported.iter().map(|value| format!("'{value}'")).collect();
        let message = format!(
            "Invalid value: '{given}'. Supported values are: {}.",
            list.join(", ")
        );
        ApiError::bad_parameter(param, Some("invalid_value"), message)
    }

    pub(crate) fn invalid_type(param: &str, expected: &str) -> Self {
        let message = format!("Invalid type for '{param}': expected {expected}.");
        ApiError::bad_parameter(param, Some("invalid_type"), message)
    }

    pub(crate) fn unparsable_body() -> Self {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "invalid_request_error",
            None,
            "We could not parse the JSON body of your request. The OpenAI API expects a JSON payload.",
        )
    }

    pub(crate) fn unsupported_image(param: &str) -> Self {
        ApiError::bad_parameter(
            param,
            Some("invalid_image_format"),
            "You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp'].",
        )
    }

    pub(crate) fn missing_key() -> Self {
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            "invalid_request_error",
            None,
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        )
    }

    pub(crate) fn invalid_key(key: &str) -> Self {
        let start: String = key.chars().take(5).collect();
        let end: String = key
            .chars()
            .rev()
            .take(2)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            "invalid_request_error",
            Some("invalid_api_key"),
            format!("Incorrect API key provided: {start}***{end}."),
        )
    }

    pub(crate) fn unknown_model(id: &str) -> Self {
        let message = format!("The model `{id}` does not exist or you do not have access to it.");
        ApiError::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            Some("model_not_found"),
            message,
        )
    }

    pub(crate) fn retired_model(id: &str, since: &str) -> Self {
        let message = format!("The model `{id}` has been deprecated and was shut down on {since}.");
        ApiError::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            Some("model_not_found"),
            message,
        )
    }

    pub(crate) fn closed_model() -> Self {
        let message = "Your organization must be verified to use this model. If you just verified, it can take up to 15 minutes for access to propagate.";
        ApiError::new(
            StatusCode::FORBIDDEN,
            "invalid_request_error",
            None,
            message,
        )
    }

    pub(crate) fn unreadable_image() -> Self {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "image_generation_user_error",
            Some("invalid_image_file"),
            "Invalid image file or mode, please check your image file.",
        )
    }

    pub(crate) fn unknown_url(uri: &Uri) -> Self {
        let message = format!("Invalid URL ({})", uri.path());
        ApiError::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            None,
            message,
        )
    }

    pub(crate) fn rate_limited(kind: CallKind) -> Self {
        let (family, unit) = match kind {
            CallKind::Image => ("input-images", "images per min"),
            CallKind::Text => ("tokens", "tokens per min (TPM)"),
            _ => ("requests", "requests per min (RPM)"),
        };
        let message = format!(
            "Rate limit reached for organization storytailor-local on {unit}: Limit 500, Used 500, Requested 1. Please try again in 120ms."
        );
        ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            family,
            Some("rate_limit_exceeded"),
            message,
        )
    }

    pub(crate) fn out_of_quota() -> Self {
        ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "insufficient_quota",
            Some("credit_balance_exhausted"),
            "You exceeded your current quota, please check your plan and billing details.",
        )
    }

    pub(crate) fn server_error() -> Self {
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            Some("server_error"),
            "The server had an error while processing your request. Sorry about that!",
        )
    }

    /// Not an error of the service: the storyteller knows no answer of the form that was asked for.
    pub(crate) fn no_answer_of_this_form(name: &str, what: &str) -> Self {
        let message =
            format!("This stand-in's answer to `{name}` does not fit its schema: {what}.");
        let mut error = ApiError::server_error();
        error.message = message;
        error
    }

    pub(crate) fn overloaded() -> Self {
        ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "service_unavailable_error",
            Some("server_is_overloaded"),
            "The server is currently overloaded with other requests. Please try again later.",
        )
    }

    /// The refusal of the safety system; older answers lack the details object.
    pub(crate) fn moderation_blocked(stage: &str, categories: &[&str], with_details: bool) -> Self {
        let message = format!(
            "Your request was rejected by the safety system. If you believe this is an error, contact support. safety_violations=[{}].",
            categories.join(", ")
        );
        let mut error = ApiError::new(
            StatusCode::BAD_REQUEST,
            "image_generation_user_error",
            Some("moderation_blocked"),
            message,
        );
        error.moderation_details =
            with_details.then(|| json!({ "moderation_stage": stage, "categories": categories }));
        error
    }
}

/// Refuses top-level members that are not among the known ones, given between spaces: the published request schemas are
/// open, but the real service answers 400.
pub(crate) fn refuse_unknown_members(body: &Value, known: &str) -> Result<(), ApiError> {
    let Some(members) = body.as_object() else {
        return Err(ApiError::unparsable_body());
    };
    match members
        .keys()
        .find(|name| !known.split(' ').any(|known| known == *name))
    {
        Some(name) => Err(ApiError::unknown_parameter(name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_repeated_in_full() {
        let error = ApiError::invalid_key("sk-abcdefghijklmnop");
        assert!(!error.message.contains("abcdefgh"), "{}", error.message);
    }

    #[test]
    fn a_misspelt_parameter_is_named() {
        let error =
            refuse_unknown_members(&json!({"model": "x", "sise": "1"}), "model size").unwrap_err();
        assert_eq!(
            (error.code, error.param.as_deref()),
            (Some("unknown_parameter"), Some("sise"))
        );
    }
}
