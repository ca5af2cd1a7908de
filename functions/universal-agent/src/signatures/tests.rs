//! Signatures made elsewhere (Python's hmac), and everything that a forger might make of them.

use super::*;
use axum::http::{HeaderName, HeaderValue};
use base64::{Engine, prelude::BASE64_STANDARD};

const BODY: &[u8] = br#"{"test": 2432232314}"#;
const NOW: i64 = 1_614_265_330;
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const PAYMENTS: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const SHOPIFY: &str = "GSMkouYq910XCW7wBeiXYHW1KhmYc/L3xj5h5r26zw4=";
/// Of a secret that was taken out of service.
const SHOPIFY_OLD: &str = "47uetyej5gFlhb94ufBXTlrUDDGuvy9ezU6JJRj/4rk=";

fn secrets() -> Secrets {
    let list = |secrets: &[&str]| {
        secrets
            .iter()
            .map(|secret| (*secret).to_owned())
            .collect::<Vec<_>>()
    };
    Secrets::new(
        &list(&["hush-of-tomorrow", "hush"]),
        &list(&[
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
        ]),
    )
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        (
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        )
    });
    pairs.collect()
}

fn payment(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
    headers(&[
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
    ])
}

fn shop(signature: &str) -> HeaderMap {
    headers(&[("x-shopify-hmac-sha256", signature)])
}

#[test]
fn what_was_signed_is_known_also_beside_other_signatures_and_while_secrets_change() {
    let secrets = secrets();
    let verified = |signature: &str| {
        let headers = payment(ID, &NOW.to_string(), signature);
        secrets.verified_id(Sender::Payments, &headers, BODY, NOW)
    };
    assert_eq!(verified(PAYMENTS).as_deref(), Some(ID));
    let among_others = format!("v1a,{} v1,AAAA {PAYMENTS}", "A".repeat(86));
    assert_eq!(verified(&among_others).as_deref(), Some(ID));
    for skew in [-TOLERANCE_SECONDS, TOLERANCE_SECONDS] {
        let headers = payment(ID, &NOW.to_string(), PAYMENTS);
        let known = secrets.verified_id(Sender::Payments, &headers, BODY, NOW + skew);
        assert!(known.is_some(), "{skew}");
    }
    let known = secrets.verified_id(Sender::Shopify, &shop(SHOPIFY), BODY, NOW);
    assert_eq!(known, Some(store::sha256_hex(BODY)));
}

/// Base64 of the same bytes in another alphabet, without padding, in hexadecimal digits, with a byte changed, cut, longer.
fn reencoded(signature: &str) -> Vec<String> {
    use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE};
    let bytes = BASE64_STANDARD.decode(signature).unwrap();
    let mut forged = vec![
        BASE64_STANDARD_NO_PAD.encode(&bytes),
        bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        BASE64_STANDARD.encode(&bytes[..31]),
        BASE64_STANDARD.encode([&bytes[..], &[0]].concat()),
        BASE64_STANDARD.encode([0; 32]),
        BASE64_STANDARD.encode([]),
        signature.to_lowercase(),
        format!("{signature}="),
        format!("{signature}\u{a0}"),
        "null".to_owned(),
    ];
    let url_safe = BASE64_URL_SAFE.encode(&bytes);
    if url_safe != signature {
        forged.push(url_safe);
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        forged.push(BASE64_STANDARD.encode(changed));
    }
    forged
}

#[test]
fn every_forged_event_of_a_payment_is_refused() {
    let secrets = secrets();
    let now = NOW.to_string();
    let base64 = PAYMENTS.trim_start_matches("v1,");
    let mut forged = Vec::new();
    for signature in reencoded(base64) {
        forged.push((
            payment(ID, &now, &format!("v1,{signature}")),
            BODY.to_vec(),
            NOW,
        ));
    }
    for signature in [
        base64.to_owned(),
        format!("v0,{base64}"),
        format!("v1a,{base64}"),
        format!("V1,{base64}"),
        format!("v1={base64}"),
        format!("v1,v1,{base64}"),
        format!("v1, {base64}"),
        String::new(),
    ] {
        forged.push((payment(ID, &now, &signature), BODY.to_vec(), NOW));
    }
    for (id, timestamp) in [
        ("msg_other", &*now),
        ("", &now),
        (ID, "1614265331"),
        (ID, "+1614265330"),
        (ID, "01614265330"),
        (ID, "1614265330.0"),
        (ID, ""),
        (ID, "now"),
    ] {
        forged.push((payment(id, timestamp, PAYMENTS), BODY.to_vec(), NOW));
    }
    for late in [-301, 301, 86_400, -86_400] {
        forged.push((payment(ID, &now, PAYMENTS), BODY.to_vec(), NOW + late));
    }
    for left_out in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut headers = payment(ID, &now, PAYMENTS);
        headers.remove(left_out);
        forged.push((headers, BODY.to_vec(), NOW));
        let mut twice = payment(ID, &now, PAYMENTS);
        let value = twice[left_out].clone();
        twice.append(left_out.parse::<HeaderName>().unwrap(), value);
        forged.push((twice, BODY.to_vec(), NOW));
    }
    for body in [
        &br#"{"test":2432232314}"#[..],
        br#"{"test": 2432232315}"#,
        b"{\"test\": 2432232314}\n",
        b"",
    ] {
        forged.push((payment(ID, &now, PAYMENTS), body.to_vec(), NOW));
    }
    // The point between the parts moved: the same bytes are signed, and they are another event.
    forged.push((
        payment(&format!("{ID}.1614265330"), "1614265330", PAYMENTS),
        BODY.to_vec(),
        NOW,
    ));
    assert!(forged.len() >= 60, "{}", forged.len());
    for (headers, body, now) in forged {
        let known = secrets.verified_id(Sender::Payments, &headers, &body, now);
        assert_eq!(known, None, "{headers:?}");
    }
}

#[test]
fn every_forged_event_of_the_shop_is_refused_and_a_secret_that_is_gone_signs_nothing() {
    let secrets = secrets();
    let signatures = reencoded(SHOPIFY).into_iter().chain([
        SHOPIFY_OLD.to_owned(),
        PAYMENTS.to_owned(),
        format!("sha256={SHOPIFY}"),
    ]);
    for signature in signatures {
        let known = secrets.verified_id(Sender::Shopify, &shop(&signature), BODY, NOW);
        assert_eq!(known, None, "{signature}");
    }
    for body in [&b"{}"[..], br#"{"test":2432232314}"#, b""] {
        let known = secrets.verified_id(Sender::Shopify, &shop(SHOPIFY), body, NOW);
        assert_eq!(known, None);
    }
    assert_eq!(
        secrets.verified_id(Sender::Shopify, &HeaderMap::new(), BODY, NOW),
        None
    );
}

#[test]
fn without_a_secret_nothing_is_known_and_a_short_one_is_none() {
    let none = Secrets::default();
    assert_eq!(
        none.verified_id(Sender::Shopify, &shop(SHOPIFY), BODY, NOW),
        None
    );
    let short = Secrets::new(
        &[],
        &["whsec_AAAA".to_owned(), "whsec_".to_owned(), "ü".to_owned()],
    );
    assert!(short.payments.is_empty());
}
