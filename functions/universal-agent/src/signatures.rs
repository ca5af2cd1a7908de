//! Who signed an event that comes from outside: the forms of signature that senders use, over the bytes as they came.

use axum::http::HeaderMap;
use runtime::signing::{SigningKey, WebhookMessage, is_signed};

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
    shopify: Vec<SigningKey>,
    payments: Vec<SigningKey>,
}

/// Older or newer events are refused, so that nobody sends one again later.
const TOLERANCE_SECONDS: i64 = 300;

impl Secrets {
    /// Shopify's as they are, those of payments as `whsec_` and Base64; what is no such secret signs nothing.
    pub(crate) fn new(shopify: &[String], payments: &[String]) -> Self {
        let shopify = shopify.iter();
        let payments = payments.iter();
        Self {
            shopify: shopify
                .map(|secret| SigningKey::of(secret.as_bytes()))
                .collect(),
            payments: payments
                .filter_map(|secret| SigningKey::of_webhooks(secret))
                .collect(),
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
                let message = WebhookMessage {
                    id,
                    timestamp,
                    body,
                };
                let signatures = only(headers, "webhook-signature")?;
                message
                    .is_signed(&self.payments, signatures)
                    .then(|| id.to_owned())
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

#[cfg(test)]
mod tests;
