//! A JSON body: bounded, typed, every complaint by the name of its field.

use crate::{
    error::{ApiError, Code},
    extract::{
        complaints::check,
        json::{self, BadJson},
    },
};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use domain::request::InvalidField;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A body larger than this is refused unread.
pub(crate) const BODY_BYTES_MAX: usize = 64 << 10;

/// A request whose parts are valid, and the form it arrives in.
pub(crate) trait Checked: Sized {
    type Form: DeserializeOwned;
    /// The least that is accepted, as JSON: its members stand in for bad ones while the others are looked at.
    const LEAST: &'static str = "{}";

    fn check(form: Self::Form) -> Result<Self, InvalidField>;
}

/// A valid body. No body at all reads as `{}`.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: Checked> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        if is_encoded(request.headers()) {
            return Err(ApiError::new(
                Code::UnsupportedMediaType,
                "The body must be sent as it is, without content-encoding.",
            ));
        }
        let declared = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if declared.is_some_and(|length| length > BODY_BYTES_MAX) {
            return Err(too_large());
        }
        let bytes =
            Bytes::from_request(request, state)
                .await
                .map_err(|rejection| match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => too_large(),
                    _ => ApiError::invalid("body", "The body could not be read to its end."),
                })?;
        if bytes.is_empty() {
            return check(parse(b"{}")?).map(Self);
        }
        if !is_json {
            return Err(ApiError::new(
                Code::UnsupportedMediaType,
                "The body must be JSON: content-type application/json.",
            ));
        }
        check(parse(&bytes)?).map(Self)
    }
}

fn too_large() -> ApiError {
    ApiError::new(
        Code::PayloadTooLarge,
        format!("The body is larger than {BODY_BYTES_MAX} bytes."),
    )
}

fn is_encoded(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    encodings.any(|encoding| {
        let encoding = encoding.as_bytes().trim_ascii();
        !encoding.is_empty() && !encoding.eq_ignore_ascii_case(b"identity")
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else {
        return false;
    };
    let essence = only.to_str().unwrap_or_default().split(';').next();
    let essence = essence.unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// serde_json itself refuses text nested more than 128 deep and invalid UTF-8 inside strings.
fn parse(bytes: &[u8]) -> Result<Value, ApiError> {
    let invalid_json = |problem: String| ApiError::new(Code::InvalidJson, problem);
    let text = std::str::from_utf8(bytes)
        .map_err(|_| invalid_json("The body is not UTF-8.".to_owned()))?;
    json::read(text).map_err(|bad| match bad {
        BadJson::Syntax(problem) => invalid_json(format!("The body is not JSON: {problem}")),
        BadJson::Part { path, problem } => {
            let field = if path.is_empty() { "body" } else { &path };
            ApiError::invalid(field, format!("{field} {problem}"))
        }
    })
}
