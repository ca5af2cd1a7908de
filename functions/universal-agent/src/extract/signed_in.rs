//! Who asks: the user of a good access token.

use crate::{
    auth::{TOKEN_BYTES_MAX, TokenError},
    deps::AppState,
    error::{ApiError, Code},
    extract::anyone::count,
    request_log::note_user,
};
use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use store::Caller;

/// The caller of a route that needs one.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn(pub(crate) Caller);

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, deps: &AppState) -> Result<Self, ApiError> {
        let mut given = parts.headers.get_all(header::AUTHORIZATION).iter();
        let token = match (given.next(), given.next()) {
            (Some(value), None) => bearer(value.as_bytes()),
            _ => None,
        };
        let token = token.ok_or_else(|| {
            ApiError::new(
                Code::Unauthenticated,
                "Sign in and send the access token: Authorization: Bearer <token>.",
            )
        })?;
        let caller = deps.verifier.verify(token).await?;
        note_user(caller.user_id);
        count(parts, deps, Some(caller.user_id)).await?;
        Ok(Self(caller))
    }
}

fn bearer(value: &[u8]) -> Option<&str> {
    let value = std::str::from_utf8(value).ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => Self::new(
                Code::TokenExpired,
                "The access token has run out. Refresh the session and try again.",
            ),
            // Which check failed would help nobody but a forger.
            TokenError::Invalid => Self::new(
                Code::TokenInvalid,
                "The access token is none of this project's users'.",
            ),
            TokenError::TooLarge => Self::new(
                Code::TokenInvalid,
                format!(
                    "The access token is longer than {TOKEN_BYTES_MAX} bytes. Keep pictures and long lists out of the \
                     user's metadata, which every token carries, and sign in again."
                ),
            ),
            TokenError::NoKeys(source) => Self::unavailable(source),
        }
    }
}
