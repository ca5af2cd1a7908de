//! A POST: a valid body and the key under which the same request may come again; and such a key without a body.

use crate::{
    error::ApiError,
    extract::{Body, Checked},
};
use axum::{
    extract::{FromRequest, FromRequestParts, MatchedPath, Request},
    http::{Extensions, HeaderMap, request::Parts},
};
use serde::Serialize;
use store::{Idempotency, digest_parts, sha256_hex};
use uuid::Uuid;

const KEY_CHARS_MAX: usize = 255;

#[derive(Debug)]
pub(crate) struct Posted<T> {
    pub(crate) body: T,
    pub(crate) idempotency: Idempotency,
}

impl<S: Send + Sync, T: Checked + Serialize> FromRequest<S> for Posted<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let key = key(request.headers())?;
        let operation = operation(request.extensions());
        let key = within(&operation, key);
        let path = request.uri().path().to_ascii_lowercase();
        let Body(body) = Body::from_request(request, state).await?;
        let request_hash = digest(&operation, &path, &body)?;
        Ok(Self {
            body,
            idempotency: Idempotency { key, request_hash },
        })
    }
}

/// The key of a request that has no body.
#[derive(Debug)]
pub(crate) struct Keyed(pub(crate) Idempotency);

impl<S: Send + Sync> FromRequestParts<S> for Keyed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let key = key(&parts.headers)?;
        let path = parts.uri.path().to_ascii_lowercase();
        let request_hash = digest(&operation(&parts.extensions), &path, &())?;
        Ok(Self(Idempotency { key, request_hash }))
    }
}

/// The route, with its parameters by name.
fn operation(extensions: &Extensions) -> String {
    let matched = extensions.get::<MatchedPath>();
    matched.map_or("", MatchedPath::as_str).to_owned()
}

/// The client's key, else one of our own, so that an answer lost between here and the database can be asked for again.
fn key(headers: &HeaderMap) -> Result<String, ApiError> {
    let mut given = headers.get_all("idempotency-key").iter();
    let key = match (given.next(), given.next()) {
        (None, _) => return Ok(Uuid::new_v4().to_string()),
        (Some(key), None) => key.to_str().ok(),
        (Some(_), Some(_)) => None,
    };
    key.filter(|key| (1..=KEY_CHARS_MAX).contains(&key.len()))
        // Two headers arrive through Lambda as one, joined by a comma.
        .filter(|key| {
            key.bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b',')
        })
        .map(str::to_owned)
        .ok_or_else(|| {
            ApiError::invalid(
                "Idempotency-Key",
                "Idempotency-Key must be one header of 1 to 255 visible ASCII characters without a comma",
            )
        })
}

/// The key as the database knows it. It keeps one set of keys per verb, and these routes share a verb with another route:
/// without a word of their own, one key on both would be a key used twice.
fn within(operation: &str, key: String) -> String {
    let word = match operation.strip_prefix(crate::BASE) {
        Some("/stories/{id}/art/regenerate") => "art",
        Some("/stories/{id}/audio") => "audio",
        _ => return key,
    };
    let marked = format!("{word},{key}");
    if marked.len() <= KEY_CHARS_MAX {
        return marked;
    }
    format!("{word},{}", sha256_hex(key))
}

/// What was understood is hashed, not what was sent: order of fields, spaces and aliases make no other request.
fn digest(operation: &str, path: &str, body: &impl Serialize) -> Result<String, ApiError> {
    let body = serde_json::to_vec(body).map_err(ApiError::internal)?;
    Ok(digest_parts([operation.as_bytes(), path.as_bytes(), &body]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn keys(values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| {
                let name = axum::http::HeaderName::from_static("idempotency-key");
                (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
            })
            .collect()
    }

    #[test]
    fn a_key_is_one_header_of_visible_ascii() {
        let longest = "k".repeat(255);
        assert_eq!(key(&keys(&["abc-1"])).unwrap(), "abc-1");
        assert_eq!(key(&keys(&[&longest])).unwrap(), longest);
        let too_long = "k".repeat(256);
        for refused in [
            &[""][..],
            &["a b"],
            &["ü"],
            &[&too_long],
            &["a", "a"],
            &["a,a"],
            &["a, b"],
        ] {
            assert!(key(&keys(refused)).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn without_a_key_each_request_gets_its_own() {
        assert_ne!(key(&keys(&[])).unwrap(), key(&keys(&[])).unwrap());
    }

    #[test]
    fn routes_that_share_a_verb_share_no_keys() {
        let at = |path: &str, key: &str| within(&format!("/api/v1{path}"), key.to_owned());
        assert_eq!(at("/stories", "once"), "once");
        assert_eq!(at("/stories/{id}/assets/regenerate", "once"), "once");
        assert_eq!(at("/stories/{id}/art/regenerate", "once"), "art,once");
        let longest = at("/stories/{id}/audio", &"k".repeat(255));
        assert!(longest.len() <= KEY_CHARS_MAX && longest.starts_with("audio,"));
        assert_ne!(longest, at("/stories/{id}/audio", &"l".repeat(255)));
    }

    #[test]
    fn path_and_body_cannot_be_shifted_into_each_other() {
        let one = digest("a", "bc", &"d").unwrap();
        assert_ne!(one, digest("ab", "c", &"d").unwrap());
        assert_ne!(one, digest("a", "bc", &"e").unwrap());
        assert_eq!(one, digest("a", "bc", &"d").unwrap());
    }
}
