//! Signatures of events, of those that come in and those that go out: keyed hashes, compared in constant time, and the form
//! that Standard Webhooks gives them.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use secrecy::{ExposeSecret, SecretString};

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

/// Signs the links by which somebody gets no mail any more, without a sign-in, for as long as the secret is not replaced.
#[derive(Clone)]
pub struct UnsubscribeKey(Key);

impl UnsubscribeKey {
    /// Of a secret that whoever sends and whoever is asked share. What it signs is worth nothing where the secret itself
    /// counts, nor the other way round.
    pub fn of(secret: &SecretString) -> Self {
        let secret = Key::new(HMAC_SHA256, secret.expose_secret().as_bytes());
        Self(Key::new(
            HMAC_SHA256,
            sign(&secret, b"unsubscribe").as_ref(),
        ))
    }

    /// The end of the link for a user, by whose id it is known.
    pub fn token(&self, user: &str) -> String {
        let signature = sign(&self.0, user.as_bytes());
        format!("{user}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    /// The user whom a link is for; none where this key did not sign it.
    pub fn user_of<'t>(&self, token: &'t str) -> Option<&'t str> {
        let (user, signature) = token.split_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        verify(&self.0, user.as_bytes(), &signature).ok()?;
        Some(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_for_one_user_and_only_the_secret_makes_another() {
        let key = UnsubscribeKey::of(&"sb_secret_1".into());
        let token = key.token("u-1");
        assert_eq!(key.user_of(&token), Some("u-1"));
        let (_, signature) = token.split_once('.').unwrap();
        for forged in [
            format!("u-2.{signature}"),
            format!("u-1.{signature}A"),
            "u-1.".to_owned(),
            "u-1".to_owned(),
            UnsubscribeKey::of(&"sb_secret_2".into()).token("u-1"),
        ] {
            assert_eq!(key.user_of(&forged), None, "{forged}");
        }
        let plain = sign(&Key::new(HMAC_SHA256, b"sb_secret_1"), b"u-1");
        let plain = format!("u-1.{}", BASE64_URL_SAFE_NO_PAD.encode(plain));
        assert_eq!(key.user_of(&plain), None);
    }

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
