//! Tokens of people who are not who they say: every one must be refused as invalid, beside controls that must pass.

use super::{TokenError, TokenVerifier, jwks::KeySet};
use crate::rig::{SECRET, USER, serve};
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
        ed: Ed25519KeyPair::generate_pkcs8(&random)
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
        verifier: TokenVerifier::new(&url, Some(SECRET), reqwest::Client::new()),
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

#[tokio::test]
async fn good_tokens_of_every_kind_of_key_let_their_user_in() {
    let project = project().await;
    let claims = claims(&project.issuer);
    let ed = EncodingKey::from_ed_der(&KEYS.ed);
    let now = get_current_timestamp();
    for token in [
        es256(json!({}), &claims),
        es256(json!({"typ": "jwt"}), &claims),
        sign(
            json!({"alg": "RS256", "kid": "rsa"}),
            &claims,
            &rsa_key(),
            Algorithm::RS256,
        ),
        sign(
            json!({"alg": "EdDSA", "kid": "ed"}),
            &claims,
            &ed,
            Algorithm::EdDSA,
        ),
        hs256(&claims, SECRET.as_bytes()),
        // Within the minute that clocks may differ.
        es256(json!({}), &with(&claims, "exp", json!(now - 50))),
        es256(json!({}), &with(&claims, "nbf", json!(now + 50))),
        es256(json!({}), &with(&claims, "iat", json!(now + 50))),
        es256(json!({}), &with(&claims, "email", Value::Null)),
    ] {
        let caller = project.verifier.verify(&token).await.unwrap();
        assert_eq!(caller.user_id.to_string(), USER);
    }
    assert_eq!(project.fetches.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_token_that_has_run_out_is_told_apart() {
    let project = project().await;
    let now = get_current_timestamp();
    for exp in [now - 70, now - 86_400, 1, 0] {
        let claims = with(&claims(&project.issuer), "exp", json!(exp));
        for token in [es256(json!({}), &claims), hs256(&claims, SECRET.as_bytes())] {
            let outcome = project.verifier.verify(&token).await;
            assert!(
                matches!(outcome, Err(TokenError::Expired)),
                "{exp}: {outcome:?}"
            );
        }
    }
}

#[tokio::test]
async fn no_token_chooses_its_own_algorithm_or_key() {
    let project = project().await;
    let good = claims(&project.issuer);
    let message = |header: Value| {
        let claims = BASE64URL.encode(good.to_string());
        format!("{}.{claims}", BASE64URL.encode(header.to_string()))
    };
    let unsigned = |alg: &str| {
        format!(
            "{}.",
            message(json!({"alg": alg, "kid": "ec", "typ": "JWT"}))
        )
    };
    let with_key = |key: &[u8], kid: &str| {
        let header = json!({"alg": "HS256", "kid": kid});
        sign(
            header,
            &good,
            &EncodingKey::from_secret(key),
            Algorithm::HS256,
        )
    };
    let ec_public = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &KEYS.ec).unwrap();
    let ec_public = ec_public.public_key().as_ref().to_vec();
    let pem = |der: &[u8]| {
        let body = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n").into_bytes()
    };
    let another = EncodingKey::from_ec_der(&KEYS.ec_of_another);
    let by_another = |header: Value| sign(header, &good, &another, Algorithm::ES256);
    let mut signed_none = es256(json!({}), &good);
    signed_none.replace_range(
        ..signed_none.find('.').unwrap(),
        &BASE64URL.encode(r#"{"alg":"none"}"#),
    );
    let hs = |alg: &str, algorithm| {
        sign(
            json!({"alg": alg}),
            &good,
            &EncodingKey::from_secret(SECRET.as_bytes()),
            algorithm,
        )
    };
    let doubled = sign_text(
        r#"{"alg":"ES256","alg":"HS256","kid":"ec"}"#,
        &good.to_string(),
        &ec_key(),
        Algorithm::ES256,
    );
    let tokens = vec![
        ("alg none", unsigned("none")),
        ("alg None", unsigned("None")),
        ("alg nOnE", unsigned("nOnE")),
        ("alg NONE", unsigned("NONE")),
        ("alg empty", unsigned("")),
        ("alg none with a signature", signed_none),
        ("no alg", format!("{}.", message(json!({"kid": "ec"})))),
        ("alg a number", format!("{}.", message(json!({"alg": 1})))),
        ("alg twice", doubled),
        (
            "HS256 with the RSA key DER",
            with_key(&KEYS.rsa_public, "rsa"),
        ),
        (
            "HS256 with the RSA key PEM",
            with_key(&pem(&KEYS.rsa_public), "rsa"),
        ),
        ("HS256 with the EC point", with_key(&ec_public, "ec")),
        (
            "HS256 with the EC key PEM",
            with_key(&pem(&ec_public), "ec"),
        ),
        ("HS256 with an empty secret", with_key(b"", "ec")),
        (
            "HS256 with a key of the JWKS",
            with_key(OTHER_SECRET.as_bytes(), "shared"),
        ),
        (
            "HS256 with another secret",
            hs256(&good, OTHER_SECRET.as_bytes()),
        ),
        ("HS384 with the secret", hs("HS384", Algorithm::HS384)),
        ("HS512 with the secret", hs("HS512", Algorithm::HS512)),
        (
            "RS512 with the project's key",
            sign(
                json!({"alg": "RS512", "kid": "rsa"}),
                &good,
                &rsa_key(),
                Algorithm::RS512,
            ),
        ),
        (
            "PS256 with the project's key",
            sign(
                json!({"alg": "PS256", "kid": "rsa"}),
                &good,
                &rsa_key(),
                Algorithm::PS256,
            ),
        ),
        (
            "RS256 said of the EC key",
            sign(
                json!({"alg": "RS256", "kid": "ec"}),
                &good,
                &rsa_key(),
                Algorithm::RS256,
            ),
        ),
        (
            "ES256 said of the RSA key",
            es256(json!({"kid": "rsa"}), &good),
        ),
        (
            "EdDSA said of the EC key",
            sign(
                json!({"alg": "EdDSA", "kid": "ec"}),
                &good,
                &ec_key(),
                Algorithm::ES256,
            ),
        ),
        (
            "another's key under our kid",
            by_another(json!({"alg": "ES256", "kid": "ec"})),
        ),
        (
            "another's key, embedded",
            by_another(
                json!({"alg": "ES256", "kid": "ec", "jwk": public(&another, Algorithm::ES256, "ec")}),
            ),
        ),
        (
            "ours, with an embedded key",
            es256(
                json!({"jwk": public(&ec_key(), Algorithm::ES256, "ec")}),
                &good,
            ),
        ),
        (
            "jku",
            es256(json!({"jku": "https://evil.example/jwks.json"}), &good),
        ),
        (
            "x5u",
            es256(json!({"x5u": "https://evil.example/x.pem"}), &good),
        ),
        ("x5c", es256(json!({"x5c": ["AAAA"]}), &good)),
        ("x5t", es256(json!({"x5t": "AAAA"}), &good)),
        ("x5t#S256", es256(json!({"x5t#S256": "AAAA"}), &good)),
        ("crit", es256(json!({"crit": ["exp"]}), &good)),
        ("zip", es256(json!({"zip": "DEF"}), &good)),
        ("b64", es256(json!({"b64": false}), &good)),
        (
            "typ of another kind",
            es256(json!({"typ": "dpop+jwt"}), &good),
        ),
        (
            "kid that is a path",
            es256(json!({"kid": "../../../../dev/null"}), &good),
        ),
        (
            "kid that is SQL",
            es256(json!({"kid": "ec' OR '1'='1"}), &good),
        ),
        (
            "kid that is an address",
            es256(json!({"kid": "https://evil.example/key"}), &good),
        ),
        ("kid with a NUL", es256(json!({"kid": "ec\u{0}"}), &good)),
        ("kid empty", es256(json!({"kid": ""}), &good)),
        ("kid null", es256(json!({"kid": null}), &good)),
        ("kid a list", es256(json!({"kid": ["ec"]}), &good)),
        ("kid in capitals", es256(json!({"kid": "EC"}), &good)),
        (
            "kid of a key for encryption",
            es256(json!({"kid": "for-encryption"}), &good),
        ),
        (
            "kid of a mislabelled key",
            sign(
                json!({"alg": "RS256", "kid": "mislabelled"}),
                &good,
                &rsa_key(),
                Algorithm::RS256,
            ),
        ),
    ];
    assert_all_refused(&project, tokens).await;
}

#[tokio::test]
async fn a_signature_covers_every_byte() {
    let project = project().await;
    let good = claims(&project.issuer);
    let token = es256(json!({}), &good);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let bytes = BASE64URL.decode(signature).unwrap();
    let signed = |signature: &[u8]| format!("{message}.{}", BASE64URL.encode(signature));
    let asn1 = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &KEYS.ec).unwrap();
    let random = aws_lc_rs::rand::SystemRandom::new();
    let asn1 = asn1.sign(&random, message.as_bytes()).unwrap();
    let mut flipped = bytes.clone();
    flipped[10] ^= 1;
    let admin = BASE64URL.encode(with(&good, "sub", json!(crate::rig::STORY)).to_string());
    let (header, _) = message.split_once('.').unwrap();
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let tokens = vec![
        ("empty signature", format!("{message}.")),
        ("no signature", message.to_owned()),
        ("all zero", signed(&[0; 64])),
        (
            "r and s the curve's order",
            signed(&[order, order].concat()),
        ),
        ("one bit flipped", signed(&flipped)),
        ("half of it", signed(&bytes[..32])),
        ("a byte more", signed(&[&bytes[..], &[0]].concat())),
        ("DER instead of P1363", signed(asn1.as_ref())),
        ("another's claims", format!("{header}.{admin}.{signature}")),
        (
            "signature not base64",
            format!("{message}.{}", "*".repeat(86)),
        ),
        ("signature padded", format!("{token}==")),
        ("four parts", format!("{token}.AAAA")),
        ("a space before it", format!(" {token}")),
        ("a line break after it", format!("{token}\n")),
        ("empty", String::new()),
        ("two dots", "..".to_owned()),
        ("no token", "sb_secret_N7UND0UgjKTVK".to_owned()),
        (
            "one megabyte",
            format!("{header}.{}.{signature}", "A".repeat(1 << 20)),
        ),
        (
            "nine kilobytes, well signed",
            es256(
                json!({}),
                &with(&good, "user_metadata", json!({"bio": "a".repeat(9_000)})),
            ),
        ),
    ];
    assert_all_refused(&project, tokens).await;
}

#[tokio::test]
async fn only_a_signed_in_user_of_this_project_gets_in() {
    let project = project().await;
    let good = claims(&project.issuer);
    let now = get_current_timestamp();
    let changed = |claim: &str, value: Value| es256(json!({}), &with(&good, claim, value));
    let text = |claims: String| {
        sign_text(
            r#"{"alg":"ES256","kid":"ec"}"#,
            &claims,
            &ec_key(),
            Algorithm::ES256,
        )
    };
    let twice = |claim: &str, value: Value| {
        let claims = good.to_string();
        text(format!(
            r#"{},"{claim}":{value}}}"#,
            claims.trim_end_matches('}').to_owned() + "}"
        ))
    };
    let legacy = |role: &str| {
        let key = json!({"iss": "supabase-demo", "role": role, "exp": 1_983_812_996});
        hs256(&key, SECRET.as_bytes())
    };
    let tokens = vec![
        ("no exp", changed("exp", Value::Null)),
        ("exp a text", changed("exp", json!("2099-01-01"))),
        ("exp negative", changed("exp", json!(-1))),
        (
            "exp endless",
            text(
                good.to_string()
                    .replace(&format!("\"exp\":{}", now + 3600), "\"exp\":1e400"),
            ),
        ),
        ("nbf ahead", changed("nbf", json!(now + 120))),
        ("iat far ahead", changed("iat", json!(now + 86_400))),
        ("no aud", changed("aud", Value::Null)),
        ("aud of another", changed("aud", json!("anon"))),
        (
            "aud a list",
            changed("aud", json!(["authenticated", "evil"])),
        ),
        ("aud empty", changed("aud", json!(""))),
        ("no iss", changed("iss", Value::Null)),
        (
            "iss of another project",
            changed("iss", json!("https://evil.supabase.co/auth/v1")),
        ),
        (
            "iss with a slash more",
            changed("iss", json!(format!("{}/", project.issuer))),
        ),
        (
            "iss a list",
            changed("iss", json!([project.issuer, "https://evil.example"])),
        ),
        ("iss of an API key", changed("iss", json!("supabase"))),
        ("no sub", changed("sub", Value::Null)),
        ("sub no UUID", changed("sub", json!("admin"))),
        ("sub empty", changed("sub", json!(""))),
        ("sub a number", changed("sub", json!(1))),
        ("no role", changed("role", Value::Null)),
        ("role anon", changed("role", json!("anon"))),
        ("role service_role", changed("role", json!("service_role"))),
        ("role in capitals", changed("role", json!("AUTHENTICATED"))),
        ("role a list", changed("role", json!(["authenticated"]))),
        ("anon key", legacy("anon")),
        ("service_role key", legacy("service_role")),
        (
            "authenticated, but an API key's issuer",
            legacy("authenticated"),
        ),
        ("role twice", twice("role", json!("authenticated"))),
        ("sub twice", twice("sub", json!(crate::rig::STORY))),
        ("claims a list", text("[]".to_owned())),
        ("claims null", text("null".to_owned())),
        ("claims no JSON", text("exp=1".to_owned())),
        ("claims empty", text(String::new())),
    ];
    assert_all_refused(&project, tokens).await;
}

#[tokio::test]
async fn without_a_legacy_secret_no_hs256_token_is_good() {
    let Project { issuer, .. } = project().await;
    let url = issuer.trim_end_matches("auth/v1").parse().unwrap();
    let verifier = TokenVerifier::new(&url, None, reqwest::Client::new());
    let token = hs256(&claims(&issuer), SECRET.as_bytes());
    assert!(matches!(
        verifier.verify(&token).await,
        Err(TokenError::Invalid)
    ));
}

#[tokio::test]
async fn a_flood_of_invented_kids_asks_for_the_keys_once_in_ten_minutes() {
    let project = project().await;
    let keys = KeySet::new(
        format!("{}/.well-known/jwks.json", project.issuer),
        reqwest::Client::new(),
    );
    let start = Instant::now();
    let fetches = || project.fetches.load(Ordering::SeqCst);
    let flood = async |after| {
        for number in 0..100 {
            let kid = format!("invented-{number}");
            let found = keys.find(&kid, start + Duration::from_secs(after)).await;
            assert!(found.unwrap().is_none());
        }
    };
    assert!(keys.find("ec", start).await.unwrap().is_some());
    assert_eq!(fetches(), 1);
    // The first one might be a key that was taken in since; the others are not asked for.
    flood(1).await;
    assert_eq!(fetches(), 2);
    flood(599).await;
    assert_eq!(fetches(), 2);
    flood(602).await;
    assert_eq!(fetches(), 3);
    assert!(
        keys.find("ec", start + Duration::from_secs(603))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_key_taken_in_is_found_and_a_key_taken_out_is_forgotten() {
    let published = Arc::new(std::sync::Mutex::new(vec!["old"]));
    let shown = Arc::clone(&published);
    let answer = move || {
        let kids = shown.lock().unwrap().clone();
        let keys = kids
            .into_iter()
            .map(|kid| public(&ec_key(), Algorithm::ES256, kid));
        let body = Json(json!({"keys": keys.collect::<Vec<_>>()}));
        async { body }
    };
    let url = serve(Router::new().route("/", get(answer))).await;
    let keys = KeySet::new(url.to_string(), reqwest::Client::new());
    let start = Instant::now();
    let finds = async |kid, after| {
        let found = keys.find(kid, start + Duration::from_secs(after)).await;
        found.unwrap().is_some()
    };
    assert!(finds("old", 0).await);
    *published.lock().unwrap() = vec!["old", "new"];
    assert!(finds("new", 1).await);
    *published.lock().unwrap() = vec!["new"];
    assert!(finds("old", 2).await);
    assert!(!finds("old", 700).await);
}

#[tokio::test]
async fn while_the_keys_are_not_to_be_had_known_ones_serve_and_without_any_nobody_can_say() {
    let is_up = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let asked = Arc::clone(&is_up);
    let answer = move || {
        let is_up = asked.load(Ordering::SeqCst);
        async move {
            is_up
                .then(|| Json(jwks()))
                .ok_or(axum::http::StatusCode::BAD_GATEWAY)
        }
    };
    let url = serve(Router::new().route("/", get(answer))).await;
    let keys = KeySet::new(url.to_string(), reqwest::Client::new());
    let start = Instant::now();
    let at = |after| start + Duration::from_secs(after);
    assert!(keys.find("ec", at(0)).await.is_err());
    is_up.store(true, Ordering::SeqCst);
    assert!(
        keys.find("ec", at(0)).await.is_err(),
        "not asked again within the pause"
    );
    assert!(keys.find("ec", at(1)).await.unwrap().is_some());
    is_up.store(false, Ordering::SeqCst);
    assert!(keys.find("ec", at(1_200)).await.unwrap().is_some());
    assert!(keys.find("ec", at(3_000)).await.unwrap().is_some());
    assert!(
        keys.find("ec", at(3_700)).await.is_err(),
        "an hour is long enough"
    );
}
