//! Signatures of events, of those that come in and those that go out: keyed hashes, compared in constant time, and the form
//! that Standard Webhooks gives them.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use base64::{Engine, prelude::BASE64_STANDARD};

/// A secret that signs, and knows what it signed (HMAC with SHA-256).
#[derive(Clone)]
pub struct SigningKey(Key);

const WEBHOOK_SECRET_BYTES_MIN: usize = 24;

impl SigningKey {
    /// Of these bytes.
    pub fn of(secret: &[u8]) -> Self {
        Self(Key::new(HMAC_SHA256, secret))
    }

    /// Of a secret of Standard Webhooks: `whsec_`, which may be left out, and Base64 of 24 bytes or more. `None` when it is no
    /// such secret.
    pub fn of_webhooks(secret: &str) -> Option<Self> {
        let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
        let decoded = BASE64_STANDARD.decode(encoded).ok()?;
        (decoded.len() >= WEBHOOK_SECRET_BYTES_MIN).then(|| Self::of(&decoded))
    }
}

/// Whether one of these keys made the signature, which is Base64. It takes the same time whatever the bytes are; how long a
/// signature is, is no secret.
pub fn is_signed(keys: &[SigningKey], bytes: &[u8], signature: &str) -> bool {
    let Ok(signature) = BASE64_STANDARD.decode(signature) else {
        return false;
    };
    keys.iter().fold(false, |found, key| {
        found | verify(&key.0, bytes, &signature).is_ok()
    })
}

/// An event as Standard Webhooks signs it: its id, the second it is sent in (of the epoch, as it is written) and its body.
#[derive(Clone, Copy, Debug)]
pub struct WebhookMessage<'m> {
    pub id: &'m str,
    pub timestamp: &'m str,
    pub body: &'m [u8],
}

impl WebhookMessage<'_> {
    fn bytes(&self) -> Vec<u8> {
        let Self {
            id,
            timestamp,
            body,
        } = self;
        [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
    }

    /// The value of `webhook-signature`: a signature of each key.
    pub fn sign(&self, keys: &[SigningKey]) -> String {
        let bytes = self.bytes();
        let signatures = keys.iter().map(|SigningKey(key)| {
            let signature = BASE64_STANDARD.encode(sign(key, &bytes));
            format!("v1,{signature}")
        });
        signatures.collect::<Vec<_>>().join(" ")
    }

    /// Whether one of these keys made one of the signatures in `webhook-signature`. Other versions than `v1` are for whoever
    /// has other keys.
    pub fn is_signed(&self, keys: &[SigningKey], signatures: &str) -> bool {
        let bytes = self.bytes();
        signatures.split(' ').any(|signature| {
            let signature = signature.strip_prefix("v1,");
            signature.is_some_and(|signature| is_signed(keys, &bytes, signature))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that the libraries of Standard Webhooks are tested with.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const EVENT: WebhookMessage<'static> = WebhookMessage {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: "1614265330",
        body: br#"{"test": 2432232314}"#,
    };
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn an_event_is_signed_as_standard_webhooks_signs_it_and_by_both_secrets_while_one_is_replaced()
    {
        let key = SigningKey::of_webhooks(SECRET).unwrap();
        assert_eq!(EVENT.sign(std::slice::from_ref(&key)), SIGNATURE);
        let other = SigningKey::of(&[7; 32]);
        let both = EVENT.sign(&[other.clone(), key.clone()]);
        assert!(both.ends_with(&format!(" {SIGNATURE}")), "{both}");
        for known in [&key, &other] {
            assert!(EVENT.is_signed(std::slice::from_ref(known), &both));
        }
        let stranger = SigningKey::of(&[8; 32]);
        assert!(!EVENT.is_signed(&[stranger], &both));
        assert_eq!(EVENT.sign(&[]), "");
    }

    #[test]
    fn what_is_shorter_than_a_secret_may_be_is_none() {
        for secret in ["", "whsec_", "whsec_AAAA", "ü", "whsec_!"] {
            assert!(SigningKey::of_webhooks(secret).is_none(), "{secret}");
        }
        assert!(SigningKey::of_webhooks(SECRET.trim_start_matches("whsec_")).is_some());
    }
}
