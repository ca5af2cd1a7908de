//! The error envelope of the OpenAI API and the errors the stand-in gives.

use std::fmt::Display;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::calls::CallKind;
use crate::refusals;

/// Name, status, type, code, parameter, message.
const REFUSALS: &str = include_str!("errors.txt");

/// One error answer: `{"error":{message,type,param,code}}` with its status.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    kind: String,
    pub(crate) param: Option<String>,
    pub(crate) code: Option<String>,
    moderation_details: Option<Box<Value>>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self.envelope())).into_response()
    }
}

impl ApiError {
    pub(crate) fn envelope(&self) -> Value {
        let mut error = json!({
            "message": self.message, "type": self.kind, "param": self.param, "code": self.code,
        });
        if let Some(details) = &self.moderation_details {
            error["moderation_details"] = (**details).clone();
        }
        json!({ "error": error })
    }

    /// The refusal of that name in `errors.txt`.
    pub(crate) fn of(name: &str, values: &[&dyn Display]) -> Self {
        let [_, status, kind, code, param, message] = refusals::find(REFUSALS, name, values);
        let status = StatusCode::from_bytes(status.as_bytes());
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        ApiError {
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            message,
            kind,
            param: given(param),
            code: given(code),
            moderation_details: None,
        }
    }

    pub(crate) fn missing_parameter(param: &str) -> Self {
        ApiError::of("missing_parameter", &[&param, &param])
    }

    /// What is supported stands between spaces.
    pub(crate) fn invalid_value(param: &str, given: &str, supported: &str) -> Self {
        let list = format!("'{}'", supported.replace(' ', "', '"));
        ApiError::of("invalid_value", &[&param, &given, &list])
    }

    pub(crate) fn invalid_type(param: &str, expected: &str) -> Self {
        ApiError::of("invalid_type", &[&param, &param, &expected])
    }

    /// Tells no more of the key than its ends.
    pub(crate) fn invalid_key(key: &str) -> Self {
        let letters: Vec<char> = key.chars().collect();
        let start: String = letters.iter().take(5).collect();
        let end: String = letters[letters.len().saturating_sub(2)..].iter().collect();
        ApiError::of("invalid_key", &[&start, &end])
    }

    pub(crate) fn rate_limited(kind: CallKind) -> Self {
        let (family, unit) = match kind {
            CallKind::Image => ("input-images", "images per min"),
            CallKind::Text => ("tokens", "tokens per min (TPM)"),
            _ => ("requests", "requests per min (RPM)"),
        };
        ApiError::of("rate_limited", &[&family, &unit])
    }

    /// The refusal of the safety system; older answers lack the details object.
    pub(crate) fn moderation_blocked(stage: &str, categories: &[&str], with_details: bool) -> Self {
        let mut error = ApiError::of("moderation_blocked", &[&categories.join(", ")]);
        let details = || json!({ "moderation_stage": stage, "categories": categories }).into();
        error.moderation_details = with_details.then(details);
        error
    }
}

/// Refuses top-level members that are not among the known ones, given between spaces: the published request schemas are
/// open, but the real service answers 400.
pub(crate) fn refuse_unknown_members(body: &Value, known: &str) -> Result<(), ApiError> {
    let Some(members) = body.as_object() else {
        return Err(ApiError::of("unparsable_body", &[]));
    };
    match members.keys().find(|name| !is_listed(known, name)) {
        Some(name) => Err(ApiError::of("unknown_parameter", &[name, name])),
        None => Ok(()),
    }
}

/// Whether a list of words between spaces has this one.
pub(crate) fn is_listed(list: &str, word: &str) -> bool {
    list.split(' ').any(|listed| listed == word)
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
            (error.code.as_deref(), error.param.as_deref()),
            (Some("unknown_parameter"), Some("sise"))
        );
    }
}
