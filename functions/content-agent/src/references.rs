//! Users' reference pictures that were found to be of no use: learnt once for all pictures of an invocation, and told to
//! the user, who may send others.

use domain::character::Character;
use serde_json::{Value, json};
use std::sync::{Mutex, MutexGuard, PoisonError};
use url::Url;

/// Why a reference was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The provider could not fetch it, or it is no picture of a kind it reads.
    Unreadable,
    /// A safety filter refused each picture that was asked for with it.
    Refused,
}

impl Reason {
    fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "UNREADABLE_REFERENCE",
            Self::Refused => "REFUSED_REFERENCE",
        }
    }
}

/// What is known so far.
#[derive(Debug, Default)]
pub(crate) struct UnusedReferences(Mutex<Vec<(Url, Reason)>>);

impl UnusedReferences {
    fn known(&self) -> MutexGuard<'_, Vec<(Url, Reason)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn leave_out<'a>(&self, urls: impl IntoIterator<Item = &'a Url>, reason: Reason) {
        let mut known = self.known();
        for url in urls {
            if !known.iter().any(|(other, _)| other == url) {
                known.push((url.clone(), reason));
            }
        }
    }

    /// Those of `urls` nothing is held against.
    pub(crate) fn usable(&self, urls: &[Url]) -> Vec<Url> {
        let known = self.known();
        let is_usable = |url: &&Url| !known.iter().any(|(other, _)| other == *url);
        urls.iter().filter(is_usable).cloned().collect()
    }

    /// Whether a safety filter refused any of them.
    pub(crate) fn any_was_refused(&self) -> bool {
        let known = self.known();
        known.iter().any(|(_, reason)| *reason == Reason::Refused)
    }

    /// For the asset's metadata: each by its character and its place among that one's references, never by its address.
    /// `None` when all were used.
    pub(crate) fn describe(&self, characters: &[Character]) -> Option<Value> {
        let known = self.known();
        let reason_of = |url: &Url| {
            let mut known = known.iter();
            known
                .find(|(other, _)| other == url)
                .map(|(_, reason)| *reason)
        };
        let unused: Vec<Value> = characters
            .iter()
            .flat_map(|character| {
                let references = character.reference_images.iter().enumerate();
                references.filter_map(|(index, url)| {
                    let reason = reason_of(url)?.code();
                    Some(json!({"characterId": character.id, "index": index, "reason": reason}))
                })
            })
            .collect();
        (!unused.is_empty()).then_some(Value::Array(unused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_that_was_not_used_is_named_by_its_character_and_its_place() {
        let character: Character = serde_json::from_value(json!({"id": "00000000-0000-0000-0000-000000000001", "name": "Ember",
            "species": null, "age": null, "traits": [], "appearance": {}, "personality": [],
            "reference_images": ["https://img.example.com/a.png", "https://img.example.com/b.gif"]}))
        .expect("a character");
        let references = UnusedReferences::default();
        assert_eq!(references.describe(std::slice::from_ref(&character)), None);
        let bad = &character.reference_images[1];
        references.leave_out([bad, bad], Reason::Unreadable);
        assert_eq!(
            references.describe(std::slice::from_ref(&character)),
            Some(
                json!([{"characterId": character.id, "index": 1, "reason": "UNREADABLE_REFERENCE"}])
            )
        );
        let usable = references.usable(&character.reference_images);
        assert_eq!(usable, character.reference_images[..1]);
        assert!(!references.any_was_refused());
    }
}
