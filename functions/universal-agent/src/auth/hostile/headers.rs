//! Tokens that bring their own algorithm or key.

use super::*;

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
