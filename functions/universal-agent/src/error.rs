//! The envelope of every failure. Who asked learns a code and a sentence; the cause goes to the log alone.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::request::InvalidField;
use serde_json::{Value, json};
use std::{borrow::Cow, error::Error, sync::Arc};

/// Every code the API answers; the same list stands in `openapi.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    CharacterNotFound,
    DailyQuotaExceeded,
    IdempotencyKeyReused,
    InternalError,
    InvalidJson,
    InvalidWebhookSignature,
    LibraryNotFound,
    MethodNotAllowed,
    MissingRequiredAssets,
    NotFound,
    NotInPlan,
    PayloadTooLarge,
    PlatformPaused,
    ProductNotFound,
    QuotaExceeded,
    RateLimited,
    RegenerationLimit,
    ServiceUnavailable,
    ShopDisabled,
    ShopNotConnected,
    SpendLimit,
    StoryNotFound,
    TokenExpired,
    TokenInvalid,
    Unauthenticated,
    UnsafeContent,
    UnsupportedMediaType,
    ValidationFailed,
    VersionNotFound,
    VersionOfAnotherText,
    VoiceNotFound,
    WebhookLimit,
    WebhookNotFound,
}

impl Code {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 33] = [
        Self::CharacterNotFound,
        Self::DailyQuotaExceeded,
        Self::IdempotencyKeyReused,
        Self::InternalError,
        Self::InvalidJson,
        Self::InvalidWebhookSignature,
        Self::LibraryNotFound,
        Self::MethodNotAllowed,
        Self::MissingRequiredAssets,
        Self::NotFound,
        Self::NotInPlan,
        Self::PayloadTooLarge,
        Self::PlatformPaused,
        Self::ProductNotFound,
        Self::QuotaExceeded,
        Self::RateLimited,
        Self::RegenerationLimit,
        Self::ServiceUnavailable,
        Self::ShopDisabled,
        Self::ShopNotConnected,
        Self::SpendLimit,
        Self::StoryNotFound,
        Self::TokenExpired,
        Self::TokenInvalid,
        Self::Unauthenticated,
        Self::UnsafeContent,
        Self::UnsupportedMediaType,
        Self::ValidationFailed,
        Self::VersionNotFound,
        Self::VersionOfAnotherText,
        Self::VoiceNotFound,
        Self::WebhookLimit,
        Self::WebhookNotFound,
    ];

    /// Status, name on the wire, and the short text of `error`.
    pub(crate) const fn wire(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::CharacterNotFound => (S::NOT_FOUND, "CHARACTER_NOT_FOUND", "Character not found"),
            Self::DailyQuotaExceeded => (
                S::TOO_MANY_REQUESTS,
                "ERR_4002",
                "Daily generation quota exceeded",
            ),
            Self::IdempotencyKeyReused => (
                S::UNPROCESSABLE_ENTITY,
                "IDEMPOTENCY_KEY_REUSED",
                "Idempotency key reused",
            ),
            Self::InternalError => (S::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "Internal error"),
            Self::InvalidJson => (S::BAD_REQUEST, "INVALID_JSON", "Invalid JSON"),
            // Word for word as documented (S2-034).
            Self::InvalidWebhookSignature => (
                S::UNAUTHORIZED,
                "INVALID_WEBHOOK_SIGNATURE",
                "Invalid webhook signature",
            ),
            Self::LibraryNotFound => (S::NOT_FOUND, "LIBRARY_NOT_FOUND", "Library not found"),
            Self::MethodNotAllowed => (
                S::METHOD_NOT_ALLOWED,
                "METHOD_NOT_ALLOWED",
                "Method not allowed",
            ),
            Self::MissingRequiredAssets => (
                S::CONFLICT,
                "MISSING_REQUIRED_ASSETS",
                "Missing required assets",
            ),
            Self::NotFound => (S::NOT_FOUND, "NOT_FOUND", "Not found"),
            Self::NotInPlan => (S::FORBIDDEN, "ERR_6002", "Not available on your plan"),
            Self::PayloadTooLarge => (
                S::PAYLOAD_TOO_LARGE,
                "PAYLOAD_TOO_LARGE",
                "Payload too large",
            ),
            Self::PlatformPaused => (
                S::SERVICE_UNAVAILABLE,
                "PLATFORM_PAUSED",
                "Generation is paused",
            ),
            Self::ProductNotFound => (S::NOT_FOUND, "PRODUCT_NOT_FOUND", "Product not found"),
            Self::QuotaExceeded => (S::FORBIDDEN, "QUOTA_EXCEEDED", "Quota exceeded"),
            Self::RateLimited => (S::TOO_MANY_REQUESTS, "RATE_LIMITED", "Too many requests"),
            Self::RegenerationLimit => (
                S::FORBIDDEN,
                "REGENERATION_LIMIT",
                "Regeneration limit reached",
            ),
            Self::ServiceUnavailable => (
                S::SERVICE_UNAVAILABLE,
                "SERVICE_UNAVAILABLE",
                "Service unavailable",
            ),
            Self::ShopDisabled => (S::FORBIDDEN, "SHOP_DISABLED", "Shops are switched off"),
            Self::ShopNotConnected => (S::CONFLICT, "SHOP_NOT_CONNECTED", "No shop connected"),
            Self::SpendLimit => (
                S::TOO_MANY_REQUESTS,
                "SPEND_LIMIT",
                "Daily spend limit reached",
            ),
            Self::StoryNotFound => (S::NOT_FOUND, "STORY_NOT_FOUND", "Story not found"),
            Self::TokenExpired => (S::UNAUTHORIZED, "TOKEN_EXPIRED", "Token expired"),
            Self::TokenInvalid => (S::UNAUTHORIZED, "TOKEN_INVALID", "Token invalid"),
            Self::Unauthenticated => (S::UNAUTHORIZED, "UNAUTHENTICATED", "Not signed in"),
            Self::UnsafeContent => (S::BAD_REQUEST, "UNSAFE_CONTENT", "Not for a child's story"),
            Self::UnsupportedMediaType => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "UNSUPPORTED_MEDIA_TYPE",
                "Unsupported media type",
            ),
            Self::ValidationFailed => (S::BAD_REQUEST, "VALIDATION_FAILED", "Validation failed"),
            Self::VersionNotFound => (S::NOT_FOUND, "VERSION_NOT_FOUND", "Version not found"),
            Self::VersionOfAnotherText => (
                S::CONFLICT,
                "VERSION_OF_ANOTHER_TEXT",
                "Version of another text",
            ),
            Self::VoiceNotFound => (S::BAD_REQUEST, "VOICE_NOT_FOUND", "Voice not found"),
            Self::WebhookLimit => (S::FORBIDDEN, "WEBHOOK_LIMIT", "Webhook limit reached"),
            Self::WebhookNotFound => (S::NOT_FOUND, "WEBHOOK_NOT_FOUND", "Webhook not found"),
        }
    }
}

/// A request that was not served, in words for its sender.
#[derive(Debug)]
pub(crate) struct ApiError {
    code: Code,
    error: Cow<'static, str>,
    message: Cow<'static, str>,
    data: Value,
    retry_after_seconds: Option<u64>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// Travels with the response to the request's log, which tells it once.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    pub(crate) code: &'static str,
    pub(crate) source: Arc<dyn Error + Send + Sync>,
}

/// A caller told to come back without a better figure waits this long.
const RETRY_AFTER_SECONDS: u64 = 2;

impl ApiError {
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let (_, _, error) = code.wire();
        Self {
            code,
            error: error.into(),
            message: message.into(),
            data: Value::Null,
            retry_after_seconds: None,
            source: None,
        }
    }

    /// Something in the request that cannot be accepted, by the name its sender gave it.
    pub(crate) fn invalid(field: &str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::invalid_parts(&[(field, message.into())])
    }

    /// The same of one or more fields; there is always one.
    pub(crate) fn invalid_fields(invalid: &[InvalidField]) -> Self {
        let parts = invalid.iter();
        let parts: Vec<_> = parts
            .map(|one| (&*one.field, Cow::from(one.to_string())))
            .collect();
        Self::invalid_parts(&parts)
    }

    /// The same in words that are whole sentences.
    pub(crate) fn invalid_parts(parts: &[(&str, Cow<'static, str>)]) -> Self {
        let messages: Vec<&str> = parts.iter().map(|(_, message)| &**message).collect();
        let fields = parts
            .iter()
            .map(|(field, message)| json!({"field": field, "message": message}));
        let fields: Vec<_> = fields.collect();
        let first = parts.first().map(|(field, _)| field);
        Self::new(Code::ValidationFailed, messages.join("; "))
            .with_data(json!({"field": first, "fields": fields}))
    }

    pub(crate) fn unavailable(source: impl Error + Send + Sync + 'static) -> Self {
        Self::new(
            Code::ServiceUnavailable,
            "A service behind this one does not answer. Try again in a moment.",
        )
        .with_retry_after(RETRY_AFTER_SECONDS)
        .with_source(source)
    }

    pub(crate) fn internal(source: impl Error + Send + Sync + 'static) -> Self {
        Self::new(
            Code::InternalError,
            "Something went wrong on our side. The request id in x-request-id helps us to find out what.",
        )
        .with_source(source)
    }

    /// The status and the body, without what only a response of its own has.
    pub(crate) fn to_json(&self) -> (StatusCode, Value) {
        let (status, code, _) = self.code.wire();
        let mut body =
            json!({"success": false, "error": self.error, "code": code, "message": self.message});
        if !self.data.is_null() {
            body["data"] = self.data.clone();
        }
        (status, body)
    }

    /// A better text than the code's own.
    pub(crate) fn with_error(mut self, error: String) -> Self {
        self.error = error.into();
        self
    }

    pub(crate) fn with_data(mut self, data: Value) -> Self {
        self.data = data;
        self
    }

    pub(crate) const fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

impl From<InvalidField> for ApiError {
    fn from(invalid: InvalidField) -> Self {
        Self::invalid_fields(&[invalid])
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (_, code, _) = self.code.wire();
        let (status, body) = self.to_json();
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED && self.code != Code::InvalidWebhookSignature {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(source) = self.source {
            response.extensions_mut().insert(Cause { code, source });
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_api::body;

    #[tokio::test]
    async fn a_cause_never_reaches_the_body() {
        let secret = std::io::Error::other("password authentication failed for user postgres");
        let response = ApiError::internal(secret).into_response();
        assert_eq!(response.status(), 500);
        assert!(response.extensions().get::<Cause>().is_some());
        let body = body(response).await;
        assert_eq!(body["code"], "INTERNAL_ERROR");
        assert_eq!(body["success"], false);
        assert!(!body.to_string().contains("postgres"));
    }

    #[test]
    fn no_two_codes_share_a_name() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.wire().1).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
