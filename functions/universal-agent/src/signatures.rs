//! Who signed an event that comes from outside: keyed hashes over the bytes as they came, compared in constant time.

use axum::http::HeaderMap;
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, DecodingKey, crypto::verify};

/// Who sends events, each with a form of signature of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// `X-Shopify-Hmac-Sha256`: Base64 of the keyed hash of the body (S2-032, S2-033).
    Shopify,
    /// Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature` over all three.
    Payments,
}

/// The secrets of both senders: one each, and while one is replaced the old one beside it.
#[derive(Default)]
pub(crate) struct Secrets {
    shopify: Vec<DecodingKey>,
    payments: Vec<DecodingKey>,
}

/// Older or newer events are refused, so that nobody sends one again later.
const TOLERANCE_SECONDS: i64 = 300;
const SECRET_BYTES_MIN: usize = 24;

impl Secrets {
    /// Shopify's as they are, those of payments as `whsec_` and Base64; what is no such secret signs nothing.
    pub(crate) fn new(shopify: &[String], payments: &[String]) -> Self {
        let key = DecodingKey::from_secret;
        let decoded = payments.iter().filter_map(|secret| {
            let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
            let decoded = BASE64_STANDARD.decode(encoded).ok()?;
            (decoded.len() >= SECRET_BYTES_MIN).then(|| key(&decoded))
        });
        Self {
            shopify: shopify
                .iter()
                .map(|secret| key(secret.as_bytes()))
                .collect(),
            payments: decoded.collect(),
        }
    }

    /// The id under which this event counts once, if it was signed by this sender and, where that says so, just now.
    pub(crate) fn verified_id(
        &self,
        sender: Sender,
        headers: &HeaderMap,
        body: &[u8],
        now_seconds: i64,
    ) -> Option<String> {
        match sender {
            Sender::Shopify => {
                let signature = only(headers, "x-shopify-hmac-sha256")?;
                is_signed(&self.shopify, body, signature).then(|| store::sha256_hex(body))
            }
            Sender::Payments => {
                let id = only(headers, "webhook-id").filter(|id| !id.is_empty())?;
                let timestamp = only(headers, "webhook-timestamp")?;
                let seconds: i64 = timestamp.parse().ok()?;
                if now_seconds.abs_diff(seconds) > TOLERANCE_SECONDS.unsigned_abs() {
                    return None;
                }
                let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
                let mut signatures = only(headers, "webhook-signature")?.split(' ');
                let is_ours = signatures.any(|signature| {
                    // Other versions are for whoever has other keys.
                    let signature = signature.strip_prefix("v1,");
                    signature.is_some_and(|signature| is_signed(&self.payments, &signed, signature))
                });
                is_ours.then(|| id.to_owned())
            }
        }
    }
}

/// A header that stands there once.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// `verify` takes the same time whatever the bytes are; how long a signature is, is no secret.
fn is_signed(keys: &[DecodingKey], signed: &[u8], signature: &str) -> bool {
    let Ok(signature) = BASE64_STANDARD.decode(signature) else {
        return false;
    };
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
    keys.iter().fold(false, |found, key| {
        found | verify(&signature, signed, key, Algorithm::HS256).unwrap_or(false)
    })
}

#[cfg(test)]
mod tests;
