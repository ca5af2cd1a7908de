//! Tokens of people who are not who they say: every one must be refused as invalid, beside controls that must pass.

mod claims;
mod controls;
mod headers;
mod keys;
mod signatures;

use super::{TokenError, TokenVerifier, jwks::KeySet};
use crate::test_api::{SECRET, USER, serve};
use aws_lc_rs::{
    encoding::AsDer,
    rsa,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair,
    },
};
use axum::{Json, Router, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use jsonwebtoken::{
    Algorithm, EncodingKey, crypto, get_current_timestamp,
    jwk::{Jwk, PublicKeyUse},
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const OTHER_SECRET: &str = "another-project's-secret-of-32-characters";

/// Private keys of the project, and one that is not the project's.
struct SigningKeys {
    ec: Vec<u8>,
    ec_of_another: Vec<u8>,
    ed: Vec<u8>,
    rsa: Vec<u8>,
    rsa_public: Vec<u8>,
}

static KEYS: LazyLock<SigningKeys> = LazyLock::new(|| {
    let random = aws_lc_rs::rand::SystemRandom::new();
    let ec = || {
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        key.as_ref().to_vec()
    };
    let rsa = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let rsa_private: aws_lc_rs::encoding::Pkcs8V1Der<'_> = rsa.as_der().unwrap();
    SigningKeys {
        ec: ec(),
        ec_of_another: ec(),
        ed: Ed25519KeyPair::generate_pkcs8v1(&random)
            .unwrap()
            .as_ref()
            .to_vec(),
        rsa: pkcs1(rsa_private.as_ref()),
        rsa_public: rsa.public_key().as_ref().to_vec(),
    }
});

/// The PKCS#1 key inside a PKCS#8 one of 2048 bits, whose header is 26 bytes long (RFC 5208, section 5).
fn pkcs1(pkcs8: &[u8]) -> Vec<u8> {
    pkcs8[26..].to_vec()
}

fn public(key: &EncodingKey, algorithm: Algorithm, kid: &str) -> Value {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
    jwk.common.key_id = Some(kid.to_owned());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    serde_json::to_value(jwk).unwrap()
}

fn ec_key() -> EncodingKey {
    EncodingKey::from_ec_der(&KEYS.ec)
}

fn rsa_key() -> EncodingKey {
    EncodingKey::from_rsa_der(&KEYS.rsa)
}

/// What the project publishes: an EC, an RSA and an Ed25519 key; beside them what must never become a key.
fn jwks() -> Value {
    let mut encryption = public(&ec_key(), Algorithm::ES256, "for-encryption");
    encryption["use"] = json!("enc");
    let mut mislabelled = public(&rsa_key(), Algorithm::RS256, "mislabelled");
    mislabelled["alg"] = json!("HS256");
    json!({"keys": [
        public(&ec_key(), Algorithm::ES256, "ec"),
        public(&rsa_key(), Algorithm::RS256, "rsa"),
        public(&EncodingKey::from_ed_der(&KEYS.ed), Algorithm::EdDSA, "ed"),
        encryption,
        mislabelled,
        {"kty": "oct", "kid": "shared", "alg": "HS256", "k": BASE64URL.encode(OTHER_SECRET)},
        {"kty": "AKP", "kid": "of-the-future", "alg": "ML-DSA-65", "pub": "AAAA"},
        {"no": "key"},
    ]})
}

fn claims(issuer: &str) -> Value {
    let now = get_current_timestamp();
    json!({"iss": issuer, "sub": USER, "aud": "authenticated", "exp": now + 3600, "iat": now, "role": "authenticated",
        "email": "ada@example.com", "phone": "", "aal": "aal1", "session_id": USER, "is_anonymous": false,
        "amr": [{"method": "password", "timestamp": now}], "app_metadata": {}, "user_metadata": {}})
}

fn sign_text(header: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(claims));
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn sign(header: Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    sign_text(&header.to_string(), &claims.to_string(), key, algorithm)
}

fn es256(header_more: Value, claims: &Value) -> String {
    let mut header = json!({"alg": "ES256", "kid": "ec", "typ": "JWT"});
    for (name, value) in header_more.as_object().unwrap() {
        header[name] = value.clone();
    }
    sign(header, claims, &ec_key(), Algorithm::ES256)
}

fn hs256(claims: &Value, secret: &[u8]) -> String {
    let header = json!({"alg": "HS256", "typ": "JWT"});
    sign(
        header,
        claims,
        &EncodingKey::from_secret(secret),
        Algorithm::HS256,
    )
}

/// `claims` with one of them replaced, or taken away by `null`.
fn with(claims: &Value, claim: &str, value: Value) -> Value {
    let mut changed = claims.clone();
    match value {
        Value::Null => drop(changed.as_object_mut().unwrap().remove(claim)),
        value => changed[claim] = value,
    }
    changed
}

struct Project {
    verifier: TokenVerifier,
    issuer: String,
    fetches: Arc<AtomicUsize>,
}

async fn project() -> Project {
    let fetches = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&fetches);
    let answer = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Json(jwks()) }
    };
    let url = serve(Router::new().route("/auth/v1/.well-known/jwks.json", get(answer))).await;
    Project {
        issuer: format!("{url}auth/v1"),
        verifier: TokenVerifier::new(&url, Some(&SECRET.into()), reqwest::Client::new()),
        fetches,
    }
}

async fn assert_all_refused(project: &Project, tokens: Vec<(&str, String)>) {
    for (name, token) in tokens {
        let outcome = project.verifier.verify(&token).await;
        assert!(
            matches!(outcome, Err(TokenError::Invalid)),
            "{name}: {outcome:?}"
        );
    }
}
