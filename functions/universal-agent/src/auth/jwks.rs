//! The project's public keys: fetched when first needed, kept ten minutes, and never at the pace of whoever invents kids.

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::HashMap,
    fmt,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// As long as Supabase Auth lets its answer be cached; also how often an unknown kid may ask again.
const FRESH_FOR: Duration = Duration::from_secs(600);
/// Keys that cannot be renewed are believed this long: a key taken out must stop working some day.
const BELIEVED_FOR: Duration = Duration::from_secs(3600);
/// After a failed fetch: with keys in hand, and without any.
const PAUSE_WITH_KEYS: Duration = Duration::from_secs(10);
const PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(1);
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
/// A thousand keys fit.
const BYTES_MAX: usize = 1 << 20;

/// The keys are not to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    #[error("could not fetch the project's signing keys")]
    Fetch(#[source] reqwest::Error),
    #[error("the project's signing keys are not a JWKS of at most {BYTES_MAX} bytes")]
    NotAKeySet(#[source] Option<serde_json::Error>),
    #[error("the project's signing keys could not be fetched a moment ago")]
    Pausing,
}

type Keys = HashMap<String, (Algorithm, DecodingKey)>;

#[derive(Default)]
struct Known {
    keys: Keys,
    fetched: Option<Instant>,
    failed: Option<Instant>,
    /// When an unknown kid last made us ask, or was not among what we were told.
    asked_early: Option<Instant>,
}

/// One project's keys. Whoever needs them while they are being fetched waits for that fetch.
pub(crate) struct KeySet {
    url: String,
    http: reqwest::Client,
    known: Mutex<Known>,
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySet({})", self.url)
    }
}

impl KeySet {
    pub(crate) fn new(url: String, http: reqwest::Client) -> Self {
        Self {
            url,
            http,
            known: Mutex::default(),
        }
    }

    /// The key of this id with the one algorithm it may be used with; nothing when the project has no such key.
    pub(crate) async fn find(
        &self,
        kid: &str,
        now: Instant,
    ) -> Result<Option<(Algorithm, DecodingKey)>, KeysError> {
        let mut known = self.known.lock().await;
        let age = known
            .fetched
            .map(|fetched| now.saturating_duration_since(fetched));
        let is_fresh = age.is_some_and(|age| age < FRESH_FOR);
        if is_fresh && let Some(key) = known.keys.get(kid) {
            return Ok(Some(key.clone()));
        }
        if age.is_some_and(|age| age >= BELIEVED_FOR) {
            known.keys.clear();
            known.fetched = None;
        }
        let has_keys = known.fetched.is_some();
        let long_ago = |moment: Option<Instant>, pause| {
            moment.is_none_or(|moment| now.saturating_duration_since(moment) >= pause)
        };
        let pause = if has_keys {
            PAUSE_WITH_KEYS
        } else {
            PAUSE_WITHOUT_KEYS
        };
        let may_fetch =
            long_ago(known.failed, pause) && (!is_fresh || long_ago(known.asked_early, FRESH_FOR));
        if !may_fetch && !has_keys {
            return Err(KeysError::Pausing);
        }
        if may_fetch {
            match self.fetch().await {
                Ok(keys) => {
                    known.keys = keys;
                    known.fetched = Some(now);
                    known.failed = None;
                }
                Err(error) if has_keys => {
                    known.failed = Some(now);
                    tracing::warn!(
                        error = runtime::chain(&error),
                        "Keeping the signing keys we have"
                    );
                }
                Err(error) => {
                    known.failed = Some(now);
                    return Err(error);
                }
            }
            // Whoever invents kids has used up the early question of this age, whatever made us ask.
            if is_fresh || !known.keys.contains_key(kid) {
                known.asked_early = Some(now);
            }
        }
        Ok(known.keys.get(kid).cloned())
    }

    async fn fetch(&self) -> Result<Keys, KeysError> {
        let request = self.http.get(&self.url).timeout(FETCH_TIMEOUT);
        let response = request
            .send()
            .await
            .and_then(|response| response.error_for_status());
        let mut response = response.map_err(KeysError::Fetch)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(KeysError::Fetch)? {
            if body.len() + chunk.len() > BYTES_MAX {
                return Err(KeysError::NotAKeySet(None));
            }
            body.extend_from_slice(&chunk);
        }
        parse(&body).map_err(|error| KeysError::NotAKeySet(Some(error)))
    }
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// Keys this version does not understand are left out, so that a new kind of key does not lock everybody out.
fn parse(body: &[u8]) -> Result<Keys, serde_json::Error> {
    let document: Document = serde_json::from_slice(body)?;
    let usable = document.keys.into_iter().filter_map(usable);
    Ok(usable.collect())
}

/// A public signing key, pinned to the algorithm of its kind. A shared secret in a public document is never one.
fn usable(key: Value) -> Option<(String, (Algorithm, DecodingKey))> {
    let key: Jwk = serde_json::from_value(key).ok()?;
    let algorithm = match &key.algorithm {
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        _ => return None,
    };
    let says_otherwise = |said| said != KeyAlgorithm::from(algorithm);
    if key.common.key_algorithm.is_some_and(says_otherwise)
        || matches!(&key.common.public_key_use, Some(purpose) if *purpose != PublicKeyUse::Signature)
    {
        return None;
    }
    let decoding = DecodingKey::from_jwk(&key).ok()?;
    Some((key.common.key_id?, (algorithm, decoding)))
}
