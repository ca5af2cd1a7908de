//! Tokens whose signature does not cover what they say, or that are no tokens.

use super::*;

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
    let admin = BASE64URL.encode(with(&good, "sub", json!(crate::test_api::STORY)).to_string());
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
    ];
    assert_all_refused(&project, tokens).await;
}

#[tokio::test]
async fn a_large_token_is_good_and_one_too_large_is_refused_as_such() {
    let project = project().await;
    let good = claims(&project.issuer);
    let with_avatar = |letters: usize| {
        let metadata = json!({"avatar": "a".repeat(letters)});
        es256(json!({}), &with(&good, "user_metadata", metadata))
    };
    for letters in [6_500, 9_000, 11_500] {
        let token = with_avatar(letters);
        assert!(token.len() <= 16 << 10, "{}", token.len());
        assert!(
            project.verifier.verify(&token).await.is_ok(),
            "{}",
            token.len()
        );
    }
    for token in [
        with_avatar(13_000),
        with_avatar(1 << 20),
        "a".repeat(20_000),
    ] {
        let outcome = project.verifier.verify(&token).await;
        assert!(matches!(outcome, Err(TokenError::TooLarge)), "{outcome:?}");
    }
}
