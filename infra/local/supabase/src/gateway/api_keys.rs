//! API keys, and what they turn into before a service sees them.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::auth::Keys;

/// The publishable key every local project of the Supabase CLI has.
pub const LOCAL_PUBLISHABLE_KEY: &str = "sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH";
/// The secret key every local project of the Supabase CLI has.
pub const LOCAL_SECRET_KEY: &str = "sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz";

/// The opaque keys, and the tokens they stand for.
#[derive(Debug, Clone)]
pub struct ApiKeys {
    /// For browsers; acts as `anon`.
    pub publishable: String,
    /// For servers; acts as `service_role`.
    pub secret: String,
    /// The legacy JWT of `anon`.
    pub anon_token: String,
    /// The legacy JWT of `service_role`.
    pub service_role_token: String,
}

impl ApiKeys {
    /// The CLI's fixed opaque keys over the legacy keys of `keys`.
    pub fn local(keys: &Keys) -> Self {
        Self {
            publishable: LOCAL_PUBLISHABLE_KEY.to_owned(),
            secret: LOCAL_SECRET_KEY.to_owned(),
            anon_token: keys.legacy_api_key("anon"),
            service_role_token: keys.legacy_api_key("service_role"),
        }
    }

    /// The token behind an API key: opaque keys are swapped, anything else is taken for a token.
    fn token_of<'a>(&'a self, api_key: &'a str) -> Result<&'a str, Refusal> {
        match api_key {
            key if key == self.publishable => Ok(&self.anon_token),
            key if key == self.secret => Ok(&self.service_role_token),
            key if key.starts_with("sb_") => Err(Refusal::UnknownKey),
            token => Ok(token),
        }
    }

    /// The `Authorization` a service behind the gateway gets (CLI `templates/kong.yml`): a bearer
    /// that is not an opaque key passes, otherwise the API key decides.
    pub(crate) fn authorization(&self, headers: &HeaderMap) -> Result<HeaderValue, Refusal> {
        let api_key = text(headers, "apikey");
        let bearer = headers.get(header::AUTHORIZATION);
        if api_key == Some(self.secret.as_str()) && looks_like_a_browser(headers) {
            return Err(Refusal::SecretKeyInBrowser);
        }
        let opaque = |value: &HeaderValue| value.as_bytes().starts_with(b"Bearer sb_");
        match (bearer, api_key) {
            (Some(bearer), _) if !opaque(bearer) => Ok(bearer.clone()),
            (_, None) => Err(Refusal::NoKey),
            (_, Some(key)) => {
                let value = format!("Bearer {}", self.token_of(key)?);
                HeaderValue::from_str(&value).map_err(|_| Refusal::UnknownKey)
            }
        }
    }
}

/// Why a request does not get past the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoKey,
    UnknownKey,
    SecretKeyInBrowser,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (message, hint) = match self {
            Self::NoKey => (
                "No API key found in request",
                "No `apikey` request header or url param was found.",
            ),
            Self::UnknownKey => ("Invalid API key", "Double check your API key."),
            Self::SecretKeyInBrowser => (
                "Forbidden use of secret API key in browser",
                "Secret API keys can only be used in a protected environment and should never be used in a browser.",
            ),
        };
        (
            StatusCode::UNAUTHORIZED,
            Json(json!({"message": message, "hint": hint})),
        )
            .into_response()
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .filter(|value| !value.is_empty())
}

fn looks_like_a_browser(headers: &HeaderMap) -> bool {
    text(headers, "user-agent").is_some_and(|agent| agent.contains("Mozilla/"))
}

/// Realtime knows no opaque keys: it reads a token from `x-api-key`, which is set here from the
/// header or the query parameter `apikey` (a browser's websocket cannot send headers).
pub(crate) async fn name_the_bearer_to_realtime(
    State(keys): State<Arc<ApiKeys>>,
    mut request: Request,
    next: Next,
) -> Response {
    let from_query =
        url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
            .find(|(name, _)| name == "apikey")
            .map(|(_, value)| value.into_owned());
    let api_key = from_query
        .or_else(|| text(request.headers(), "x-api-key").map(str::to_owned))
        .or_else(|| text(request.headers(), "apikey").map(str::to_owned));
    let Some(api_key) = api_key else {
        return Refusal::NoKey.into_response();
    };
    let token = match keys.token_of(&api_key) {
        Ok(token) => HeaderValue::from_str(token),
        Err(refusal) => return refusal.into_response(),
    };
    let Ok(token) = token else {
        return Refusal::UnknownKey.into_response();
    };
    request.headers_mut().insert("x-api-key", token);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> ApiKeys {
        ApiKeys {
            publishable: "sb_publishable_p".into(),
            secret: "sb_secret_s".into(),
            anon_token: "anon.jwt.x".into(),
            service_role_token: "service.jwt.x".into(),
        }
    }

    fn translated(headers: &[(&'static str, &str)]) -> Result<String, Refusal> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect();
        keys()
            .authorization(&headers)
            .map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn an_opaque_key_becomes_the_token_of_its_role() {
        assert_eq!(
            translated(&[("apikey", "sb_publishable_p")]).unwrap(),
            "Bearer anon.jwt.x"
        );
        assert_eq!(
            translated(&[("apikey", "sb_secret_s")]).unwrap(),
            "Bearer service.jwt.x"
        );
        let as_supabase_js_sends = [
            ("apikey", "sb_publishable_p"),
            ("authorization", "Bearer sb_publishable_p"),
        ];
        assert_eq!(
            translated(&as_supabase_js_sends).unwrap(),
            "Bearer anon.jwt.x"
        );
    }

    #[test]
    fn a_user_token_wins_over_the_secret_key() {
        let headers = [
            ("apikey", "sb_secret_s"),
            ("authorization", "Bearer user.jwt.x"),
        ];
        assert_eq!(translated(&headers).unwrap(), "Bearer user.jwt.x");
    }

    #[test]
    fn a_legacy_key_is_its_own_token() {
        assert_eq!(translated(&[("apikey", "a.b.c")]).unwrap(), "Bearer a.b.c");
    }

    #[test]
    fn no_key_a_foreign_key_and_a_secret_key_in_a_browser_are_refused() {
        assert_eq!(translated(&[]), Err(Refusal::NoKey));
        assert_eq!(
            translated(&[("apikey", "sb_publishable_other")]),
            Err(Refusal::UnknownKey)
        );
        let browser = [
            ("apikey", "sb_secret_s"),
            ("user-agent", "Mozilla/5.0 (X11; Linux)"),
        ];
        assert_eq!(translated(&browser), Err(Refusal::SecretKeyInBrowser));
    }
}
