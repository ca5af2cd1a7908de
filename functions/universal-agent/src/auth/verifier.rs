//! The check of one token: the key decides the algorithm, the claims must be those of a signed-in user of this project.

use super::{KeysError, jwks::KeySet};
use domain::UserId;
use jsonwebtoken::{
    Algorithm, DecodingKey, Header, Validation, decode, decode_header, errors::ErrorKind,
    get_current_timestamp,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::time::Instant;
use store::Caller;
use url::Url;

/// Tokens are about one kilobyte, and several more where an application keeps much in `user_metadata`. What is longer than
/// this hardly passes a gateway (most take 16 KiB of headers) and is refused unread.
pub(crate) const TOKEN_BYTES_MAX: usize = 16 << 10;
/// Seconds that clocks may differ, for `exp`, `nbf` and `iat`.
const LEEWAY_SECONDS: u64 = 60;
/// Audience and role of everybody who is signed in, anonymous users included.
const AUTHENTICATED: &str = "authenticated";

/// Why a token does not let its bearer in.
#[derive(Debug)]
pub(crate) enum TokenError {
    Expired,
    Invalid,
    /// Longer than [`TOKEN_BYTES_MAX`]; who sent it may be anybody.
    TooLarge,
    /// Nobody can say: the project's keys are not to be had.
    NoKeys(KeysError),
}

/// The claims every token of Supabase Auth has (contract: supabase/auth, `internal/tokens/service.go`), as strictly as
/// they are written there: `aud` and `iss` one string each, times whole seconds, `sub` a UUID. A repeated claim is an error.
#[derive(Deserialize)]
struct Claims {
    aud: String,
    iat: Option<u64>,
    iss: String,
    role: String,
    sub: UserId,
    email: Option<String>,
}

/// Verifies access tokens of one Supabase project: asymmetric ones by its JWKS, HS256 ones by the legacy secret where
/// there is one. Either way `iss` must be `{SUPABASE_URL}/auth/v1` or one of the issuers that the operator names beside it:
/// behind a custom domain, tokens keep the project's own address. API keys (`iss: supabase`) are no users.
#[derive(Debug)]
pub struct TokenVerifier {
    issuers: Vec<String>,
    legacy: Option<DecodingKey>,
    keys: KeySet,
}

impl TokenVerifier {
    /// Fetches nothing yet.
    pub fn new(
        supabase_url: &Url,
        legacy_secret: Option<&SecretString>,
        http: reqwest::Client,
    ) -> Self {
        let base = supabase_url.as_str().trim_end_matches('/');
        let issuer = format!("{base}/auth/v1");
        Self {
            legacy: legacy_secret
                .map(|secret| DecodingKey::from_secret(secret.expose_secret().as_bytes())),
            keys: KeySet::new(format!("{issuer}/.well-known/jwks.json"), http),
            issuers: vec![issuer],
        }
    }

    /// Takes tokens of these issuers too, each written as in `iss`. Their keys are those of the project all the same.
    #[must_use]
    pub fn with_issuers(mut self, issuers: impl IntoIterator<Item = String>) -> Self {
        self.issuers.extend(issuers);
        self
    }

    pub(crate) async fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::TooLarge);
        }
        let header = decode_header(token).map_err(|_| TokenError::Invalid)?;
        if !is_plain(&header) {
            return Err(TokenError::Invalid);
        }
        let (algorithm, key) = match (header.alg, &self.legacy, header.kid.as_deref()) {
            (Algorithm::HS256, Some(secret), _) => (Algorithm::HS256, secret.clone()),
            (Algorithm::ES256 | Algorithm::RS256 | Algorithm::EdDSA, _, Some(kid)) => self
                .keys
                .find(kid, Instant::now())
                .await
                .map_err(TokenError::NoKeys)?
                .ok_or(TokenError::Invalid)?,
            _ => return Err(TokenError::Invalid),
        };
        self.check(token, algorithm, &key)
    }

    fn check(
        &self,
        token: &str,
        algorithm: Algorithm,
        key: &DecodingKey,
    ) -> Result<Caller, TokenError> {
        let mut rules = Validation::new(algorithm);
        rules.leeway = LEEWAY_SECONDS;
        rules.validate_nbf = true;
        rules.set_audience(&[AUTHENTICATED]);
        rules.set_issuer(&self.issuers);
        rules.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
        let claims = decode::<Claims>(token, key, &rules)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => TokenError::Expired,
                _ => TokenError::Invalid,
            })?
            .claims;
        let is_from_the_future = claims
            .iat
            .is_some_and(|iat| iat > get_current_timestamp() + LEEWAY_SECONDS);
        let is_ours = claims.aud == AUTHENTICATED
            && self.issuers.contains(&claims.iss)
            && claims.role == AUTHENTICATED;
        if is_from_the_future || !is_ours {
            return Err(TokenError::Invalid);
        }
        Ok(Caller {
            user_id: claims.sub,
            email: claims.email.filter(|email| !email.is_empty()),
        })
    }
}

/// Only `alg`, `kid` and `typ: JWT`: everything that would bring its own key, or change what is signed, is refused.
fn is_plain(header: &Header) -> bool {
    let is_jwt = header
        .typ
        .as_deref()
        .is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
    is_jwt
        && header.jku.is_none()
        && header.jwk.is_none()
        && header.x5u.is_none()
        && header.x5c.is_none()
        && header.x5t.is_none()
        && header.x5t_s256.is_none()
        && header.crit.is_none()
        && header.enc.is_none()
        && header.zip.is_none()
        && !header.extras.inner().contains_key("b64")
}
