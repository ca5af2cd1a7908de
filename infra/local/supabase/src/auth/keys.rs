//! The project's signing key (ES256), its JWKS, and the legacy shared secret (HS256).

use std::{path::Path, time::Duration};

use aws_lc_rs::{
    digest,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{claims::Claims, key_file, user::User};
use crate::trouble::Trouble;

/// Issuer and expiry of the keys every local Supabase project shares (CLI `pkg/config/apikeys.go`).
const LEGACY_ISSUER: &str = "supabase-demo";
const LEGACY_EXPIRES_AT_UNIX: i64 = 1_983_812_996;

/// A token was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three dot-separated base64 parts of JSON.
    #[error("the token is not a JSON Web Token")]
    Malformed,
    /// Signed by a key or with an algorithm this project does not have.
    #[error("the token was signed with a key this project does not know")]
    UnknownKey,
    /// The signature does not fit the content.
    #[error("Failed to validate JWT signature")]
    Signature,
    /// `exp` has passed. Worded as Realtime words it to its clients.
    #[error("Token has expired {seconds_ago} seconds ago")]
    Expired { seconds_ago: i64 },
    /// `role` or `exp` is missing. Worded as Realtime words it to its clients.
    #[error("Fields `role` and `exp` are required in JWT")]
    MissingClaims,
}

/// Signs and verifies the project's tokens.
pub struct Keys {
    signing: EncodingKey,
    verifying: DecodingKey,
    key_id: String,
    /// The public key as a member of the JWKS.
    public: Value,
    issuer: String,
    legacy_secret: String,
}

impl Keys {
    /// Reads the signing key from `path`, or makes one and stores it there (mode 0600 on Unix).
    ///
    /// `issuer` is the public address of the auth service (`…/auth/v1`); `legacy_secret` the shared
    /// secret behind the legacy `anon` and `service_role` keys.
    pub fn load_or_create(
        path: &Path,
        issuer: impl Into<String>,
        legacy_secret: impl Into<String>,
    ) -> Result<Self, Trouble> {
        let der = key_file::load_or_create(path)?.unwrap_or_default();
        let keys = Self::from_pkcs8(&der, issuer.into(), legacy_secret.into());
        keys.ok_or_else(|| {
            let is_not =
                "does not hold a P-256 private key in PKCS #8 PEM; delete it to have one made";
            Trouble::new(format!("{} {is_not}", path.display()))
        })
    }

    fn from_pkcs8(der: &[u8], issuer: String, legacy_secret: String) -> Option<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).ok()?;
        // SEC 1, section 2.3.3: an uncompressed point is 0x04, then x and y of 32 bytes each.
        let point = pair.public_key().as_ref();
        let (x, y) = point.get(1..33).zip(point.get(33..65))?;
        let (public_x, public_y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let fingerprint = digest::digest(&digest::SHA256, point);
        let key_id = Uuid::from_slice(fingerprint.as_ref().get(..16)?)
            .ok()?
            .to_string();
        Some(Self {
            signing: EncodingKey::from_ec_der(der),
            verifying: DecodingKey::from_ec_components(&public_x, &public_y).ok()?,
            public: json!({
                "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": key_id, "use": "sig",
                "key_ops": ["verify"], "x": public_x, "y": public_y,
            }),
            key_id,
            issuer,
            legacy_secret,
        })
    }

    /// The public keys, as `/auth/v1/.well-known/jwks.json` serves them. Never the shared secret.
    pub fn jwks(&self) -> Value {
        json!({"keys": [self.public]})
    }

    /// Public key and shared secret together: what a PostgREST is configured with (`jwt-secret`).
    pub fn verification_jwks(&self) -> Value {
        let secret = URL_SAFE_NO_PAD.encode(&self.legacy_secret);
        json!({"keys": [self.public, {"kty": "oct", "alg": "HS256", "k": secret}]})
    }

    /// The `iss` of every access token.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// An access token for `user` in a session of its own, as if they had signed in with a password.
    pub fn access_token(&self, user: &User, lifetime: Duration) -> String {
        self.access_token_in_session(user, Uuid::new_v4(), lifetime)
    }

    /// The claims are those of `internal/tokens/service.go` in supabase/auth.
    pub(crate) fn access_token_in_session(
        &self,
        user: &User,
        session: Uuid,
        lifetime: Duration,
    ) -> String {
        let now = now_unix();
        let method = ["password", "anonymous"][usize::from(user.is_anonymous)];
        let claims = json!({
            "iss": self.issuer,
            "sub": user.id,
            "aud": "authenticated",
            "exp": now + i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX / 2),
            "iat": now,
            "role": "authenticated",
            "email": user.email.as_deref().unwrap_or_default(),
            "phone": "",
            "aal": "aal1",
            "amr": [{"method": method, "timestamp": now}],
            "session_id": session,
            "is_anonymous": user.is_anonymous,
            "app_metadata": user.app_metadata,
            "user_metadata": user.user_metadata,
        });
        self.sign(&claims)
    }

    /// A token of this project with claims of the caller's choice, for tests of whoever verifies it.
    pub fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.key_id.clone());
        jsonwebtoken::encode(&header, claims, &self.signing)
            .expect("a loaded P-256 key signs any JSON")
    }

    /// The legacy API key of `role` under this project's shared secret.
    pub fn legacy_api_key(&self, role: &str) -> String {
        legacy_key(role, &self.legacy_secret)
    }

    /// A JSON Web Token of the shared secret with claims of the caller's choice.
    pub(crate) fn sign_with_legacy_secret(&self, claims: &Value) -> String {
        sign_hs256(&claims.to_string(), &self.legacy_secret)
    }

    /// Checks signature, expiry, and the presence of `role` and `exp`.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        let claims =
            Claims::from_map(self.verified_content(token)?).ok_or(TokenError::MissingClaims)?;
        let seconds_ago = now_unix() - claims.expires_at_unix();
        if seconds_ago >= 0 {
            return Err(TokenError::Expired { seconds_ago });
        }
        Ok(claims)
    }

    /// The content of a token with a good signature, expired or not.
    pub(crate) fn verified_content(&self, token: &str) -> Result<Map<String, Value>, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
        // The algorithm is pinned per key: a token never chooses how it is verified.
        let ours = header.kid.is_none_or(|id| id == self.key_id);
        let key = match header.alg {
            Algorithm::ES256 if ours => &self.verifying,
            Algorithm::HS256 => &DecodingKey::from_secret(self.legacy_secret.as_bytes()),
            _ => return Err(TokenError::UnknownKey),
        };
        let mut validation = Validation::new(header.alg);
        validation.validate_aud = false;
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        jsonwebtoken::decode(token, key, &validation)
            .map(|data| data.claims)
            .map_err(|error| match error.kind() {
                jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenError::Signature,
                _ => TokenError::Malformed,
            })
    }
}

/// The legacy API key of `role` (`anon`, `service_role`) under `secret`. With the CLI's default
/// secret it is byte for byte the key the CLI prints.
pub fn legacy_key(role: &str, secret: &str) -> String {
    let claims = format!(
        r#"{{"iss":"{LEGACY_ISSUER}","role":{},"exp":{LEGACY_EXPIRES_AT_UNIX}}}"#,
        json!(role)
    );
    sign_hs256(&claims, secret)
}

fn sign_hs256(claims: &str, secret: &str) -> String {
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let message = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims));
    let signature = jsonwebtoken::crypto::sign(
        message.as_bytes(),
        &EncodingKey::from_secret(secret.as_bytes()),
        Algorithm::HS256,
    )
    .expect("HMAC takes a key of any length");
    format!("{message}.{signature}")
}

pub(crate) fn now_unix() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLI_SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";

    fn keys(secret: &str) -> Keys {
        Keys::from_pkcs8(
            &key_file::generate().unwrap(),
            "http://127.0.0.1:54321/auth/v1".into(),
            secret.into(),
        )
        .unwrap()
    }

    fn ada() -> User {
        User::with_email(Uuid::new_v4(), "ada@example.com")
    }

    #[test]
    fn the_anon_key_of_the_default_secret_is_the_one_the_cli_prints() {
        assert_eq!(
            legacy_key("anon", CLI_SECRET),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJzdXBhYmFzZS1kZW1vIiwicm9sZSI6ImFub24iLCJleHAiOjE5ODM4MTI5OTZ9.CRXP1A7WOeoJeXxjNni43kdQwgnWNReilDMblYTn_I0"
        );
    }

    #[test]
    fn an_access_token_carries_the_claims_policies_rely_on() {
        let (keys, user) = (keys(CLI_SECRET), ada());
        let claims = keys
            .verify(&keys.access_token(&user, Duration::from_secs(60)))
            .unwrap();
        assert_eq!(claims.role(), "authenticated");
        assert_eq!(claims.subject(), Some(user.id.to_string().as_str()));
        assert_eq!(claims.text("aud"), Some("authenticated"));
        assert_eq!(claims.text("iss"), Some(keys.issuer()));
        assert!(claims.text("session_id").is_some());
    }

    #[test]
    fn an_expired_token_is_refused_with_its_age() {
        let keys = keys(CLI_SECRET);
        let token = keys.access_token(&ada(), Duration::ZERO);
        assert!(matches!(
            keys.verify(&token),
            Err(TokenError::Expired { seconds_ago: 0..=2 })
        ));
    }

    #[test]
    fn a_token_of_another_key_or_secret_is_refused() {
        let (ours, theirs) = (
            keys(CLI_SECRET),
            keys("another-secret-of-more-than-32-characters"),
        );
        let foreign = theirs.access_token(&ada(), Duration::from_secs(60));
        assert_eq!(ours.verify(&foreign), Err(TokenError::UnknownKey));
        assert_eq!(
            ours.verify(&theirs.legacy_api_key("anon")),
            Err(TokenError::Signature)
        );
        assert_eq!(ours.verify("sb_publishable_x"), Err(TokenError::Malformed));
    }

    #[test]
    fn the_public_key_cannot_be_used_as_a_shared_secret() {
        let keys = keys(CLI_SECRET);
        let forged = legacy_key("service_role", &keys.public.to_string());
        assert_eq!(keys.verify(&forged), Err(TokenError::Signature));
    }

    #[test]
    fn a_stored_key_is_found_again_and_a_broken_file_is_named() {
        let directory = std::env::temp_dir().join(format!("keys-{}", Uuid::new_v4()));
        let path = directory.join("signing.pem");
        let first = Keys::load_or_create(&path, "issuer", CLI_SECRET).unwrap();
        let second = Keys::load_or_create(&path, "issuer", CLI_SECRET).unwrap();
        assert_eq!(first.jwks(), second.jwks());
        std::fs::write(&path, "nonsense").unwrap();
        let broken = Keys::load_or_create(&path, "issuer", CLI_SECRET).err();
        assert!(
            broken
                .unwrap()
                .to_string()
                .contains("signing.pem does not hold")
        );
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn the_shared_secret_is_never_in_the_public_set() {
        let keys = keys(CLI_SECRET);
        assert!(
            keys.jwks()["keys"]
                .as_array()
                .unwrap()
                .iter()
                .all(|key| key["kty"] == "EC")
        );
        assert_eq!(
            keys.verification_jwks()["keys"].as_array().unwrap().len(),
            2
        );
    }
}
