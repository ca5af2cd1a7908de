//! Typed identifiers: a bare UUID never crosses a function signature.

use serde::{Deserialize, Deserializer, Serialize, de};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// The text is no UUID in its one written form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID such as 01234567-89ab-cdef-0123-456789abcdef")]
pub struct NotAnId;

/// With hyphens and nothing around it: braces, `urn:uuid:` and bare digits would be other texts for one row.
fn parse_hyphenated(text: &str) -> Result<Uuid, NotAnId> {
    const HYPHENATED_CHARS: usize = 36;
    if text.len() != HYPHENATED_CHARS {
        return Err(NotAnId);
    }
    Uuid::try_parse(text).map_err(|_| NotAnId)
}

struct Text;

impl de::Visitor<'_> for Text {
    type Value = Uuid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a UUID with hyphens")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Uuid, E> {
        parse_hyphenated(text).map_err(E::custom)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that is known to be of this kind.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The UUID itself, for a wire that knows no kinds.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_hyphenated(text).map(Self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_str(Text).map(Self)
            }
        }
    )*};
}

ids! {
    /// A hero, `characters.id`.
    CharacterId
    /// One event on its way to one address; the `webhook-id` of each try.
    DeliveryId
    /// One asset's job, `asset_generation_jobs.id`.
    JobId
    /// Fencing token of one claim; a writer with an older one is refused.
    LeaseToken
    /// A shelf, `libraries.id`.
    LibraryId
    /// A book as a product of one shop, on its way there or made.
    ProductId
    /// A story, `stories.id`.
    StoryId
    /// A file that a user was allowed to send, `uploads/{character}/{upload}` in the bucket.
    UploadId
    /// A person, `auth.users.id`, the `sub` of an access token.
    UserId
    /// An address for events, as its user knows it.
    WebhookId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_written_form() {
        let id = "01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(id.parse::<StoryId>().unwrap().to_string(), id);
        let capitals: StoryId = serde_json::from_value(id.to_uppercase().into()).unwrap();
        assert_eq!(serde_json::to_value(capitals).unwrap(), id);
        for other in [
            "{01234567-89ab-cdef-0123-456789abcdef}",
            "urn:uuid:01234567-89ab-cdef-0123-456789abcdef",
            "0123456789abcdef0123456789abcdef",
            "01234567-89ab-cdef-0123-456789abcdeg",
            "0123456789ab-cdef-0123-456789abcdef----",
            " 01234567-89ab-cdef-0123-456789abcdef",
            "",
        ] {
            assert!(other.parse::<StoryId>().is_err(), "{other}");
            assert!(
                serde_json::from_value::<StoryId>(other.into()).is_err(),
                "{other}"
            );
        }
        assert!(serde_json::from_value::<StoryId>(serde_json::json!(7)).is_err());
    }
}
