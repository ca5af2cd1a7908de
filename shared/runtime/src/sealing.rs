//! Secrets of users that are kept to be used later: sealed under a key that the database never has (AES-256 in Galois/Counter
//! Mode), each for one place, so that what stands elsewhere does not open there.

use crate::SettingError;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret, SecretString};

/// Keys that open what any of them sealed; the first seals. While one is replaced there are two.
pub struct SealingKeys(Vec<RandomizedNonceKey>);

const FORM: &str = "v1.";
const KEY_BYTES: usize = 32;

/// It could not be sealed or opened. Why is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret is sealed under another key, for another place, or was changed")]
pub struct NotOpened;

impl SealingKeys {
    /// From the setting `name`: each key Base64 of 32 bytes. `None` where there is no key.
    ///
    /// # Errors
    /// One of them is no key.
    pub fn new(name: &'static str, keys: &[String]) -> Result<Option<Self>, SettingError> {
        let keys = keys.iter().map(|key| {
            let bytes = BASE64_STANDARD.decode(key).unwrap_or_default();
            if bytes.len() != KEY_BYTES {
                return Err(());
            }
            RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(drop)
        });
        let keys: Vec<_> = keys
            .collect::<Result<_, ()>>()
            .map_err(|()| SettingError::Invalid {
                name,
                problem: "it is not Base64 of 32 bytes (openssl rand -base64 32)".to_owned(),
            })?;
        Ok((!keys.is_empty()).then_some(Self(keys)))
    }

    /// The secret as text that may be stored: never twice the same.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub fn seal(&self, place: &str, secret: &SecretString) -> Result<String, NotOpened> {
        let mut sealed = secret.expose_secret().as_bytes().to_vec();
        let key = self.0.first().ok_or(NotOpened)?;
        let nonce = key
            .seal_in_place_append_tag(Aad::from(place), &mut sealed)
            .map_err(|_| NotOpened)?;
        let whole = [&nonce.as_ref()[..], &sealed].concat();
        Ok(format!("{FORM}{}", BASE64_STANDARD.encode(whole)))
    }

    /// The secret again, at the place it was sealed for.
    ///
    /// # Errors
    /// [`NotOpened`], whatever the reason.
    pub fn open(&self, place: &str, sealed: &str) -> Result<SecretString, NotOpened> {
        let encoded = sealed.strip_prefix(FORM).ok_or(NotOpened)?;
        let whole = BASE64_STANDARD.decode(encoded).map_err(|_| NotOpened)?;
        let (nonce, sealed) = whole.split_at_checked(NONCE_LEN).ok_or(NotOpened)?;
        let opened = self.0.iter().find_map(|key| {
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut sealed = sealed.to_vec();
            let secret = key
                .open_in_place(nonce, Aad::from(place), &mut sealed)
                .ok()?;
            let secret = std::str::from_utf8(secret).ok()?;
            Some(SecretString::from(secret))
        });
        opened.ok_or(NotOpened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> SealingKeys {
        let keys: Vec<_> = bytes
            .iter()
            .map(|byte| BASE64_STANDARD.encode([*byte; 32]))
            .collect();
        SealingKeys::new("SHOP_KEY", &keys).unwrap().unwrap()
    }

    #[test]
    fn a_secret_opens_at_its_place_under_its_key_also_while_that_is_replaced_and_nowhere_else() {
        let secret = SecretString::from("shpat_0123");
        let sealed = keys(&[1]).seal("a", &secret).unwrap();
        assert_ne!(sealed, keys(&[1]).seal("a", &secret).unwrap());
        assert!(!sealed.contains("shpat") && sealed.starts_with("v1."));
        let opened = keys(&[2, 1]).open("a", &sealed).unwrap();
        assert_eq!(opened.expose_secret(), "shpat_0123");
        assert!(keys(&[1]).open("b", &sealed).is_err(), "another place");
        assert!(keys(&[2]).open("a", &sealed).is_err(), "another key");
        let by_new = keys(&[2, 1]).seal("a", &secret).unwrap();
        assert!(keys(&[1]).open("a", &by_new).is_err(), "the first seals");
        // One bit of the last byte, which is the tag's.
        let mut whole = BASE64_STANDARD.decode(&sealed[3..]).unwrap();
        *whole.last_mut().unwrap() ^= 1;
        let changed = format!("v1.{}", BASE64_STANDARD.encode(whole));
        assert!(keys(&[1]).open("a", &changed).is_err());
        for none in ["", "v1.", "v1.AAAA", "v2.AAAA", &sealed[3..]] {
            assert!(keys(&[1]).open("a", none).is_err(), "{none}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_and_none_is_no_error() {
        assert!(SealingKeys::new("SHOP_KEY", &[]).unwrap().is_none());
        for wrong in ["hush", "AAAA", &BASE64_STANDARD.encode([1; 31])] {
            let error = SealingKeys::new("SHOP_KEY", &[wrong.to_owned()])
                .err()
                .unwrap();
            let told = error.to_string();
            assert!(told.starts_with("SHOP_KEY is not usable"), "{told}");
            assert!(!told.contains(wrong), "{told}");
        }
    }
}
