//! Pictures that a user brings of a character: where each comes from, and how it turned out.

use crate::{UploadId, address::public_https, request::InvalidField};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, fmt};
use url::Url;

/// Where a picture comes from, as the user names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum ReferenceSource {
    /// The public web.
    Web(Url),
    /// A file that was sent for its character: `upload:` and its id.
    Upload(UploadId),
}

const UPLOAD: &str = "upload:";
const FIELD: &str = "referenceImages";

impl ReferenceSource {
    /// # Errors
    /// What is wrong with it, as with `referenceImages`.
    pub fn parse(text: &str) -> Result<Self, InvalidField> {
        match text.strip_prefix(UPLOAD) {
            None => public_https(FIELD, text).map(Self::Web),
            Some(id) => match id.parse() {
                Ok(id) => Ok(Self::Upload(id)),
                Err(_) => Err(InvalidField::new(FIELD, "names an upload that is none")),
            },
        }
    }
}

impl TryFrom<String> for ReferenceSource {
    type Error = InvalidField;

    fn try_from(text: String) -> Result<Self, InvalidField> {
        Self::parse(&text)
    }
}

impl From<ReferenceSource> for String {
    fn from(source: ReferenceSource) -> Self {
        source.to_string()
    }
}

impl fmt::Display for ReferenceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(url) => url.fmt(f),
            Self::Upload(id) => write!(f, "{UPLOAD}{id}"),
        }
    }
}

/// What became of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceStatus {
    /// Nobody has looked at it, or it could not be had yet.
    Pending,
    /// It is kept, and drawn from.
    Ready,
    /// It does not belong in a child's story.
    Refused,
    /// It could not be had, or is no picture that can be drawn from.
    Unreadable,
}

impl ReferenceStatus {
    /// The documented code of why it is of no use.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Pending | Self::Ready => None,
            Self::Refused => Some("REFUSED_REFERENCE"),
            Self::Unreadable => Some("UNREADABLE_REFERENCE"),
        }
    }
}

/// Those of one character. What this version of the code does not know is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReferenceStates(BTreeMap<ReferenceSource, ReferenceStatus>);

impl ReferenceStates {
    pub fn get(&self, source: &ReferenceSource) -> Option<ReferenceStatus> {
        self.0.get(source).copied()
    }

    /// Whether nobody has looked at one of them.
    pub fn any_is_pending(&self) -> bool {
        self.0
            .values()
            .any(|status| *status == ReferenceStatus::Pending)
    }
}

impl Extend<(ReferenceSource, ReferenceStatus)> for ReferenceStates {
    fn extend<T: IntoIterator<Item = (ReferenceSource, ReferenceStatus)>>(&mut self, states: T) {
        self.0.extend(states);
    }
}

impl<'de> Deserialize<'de> for ReferenceStates {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let entries = BTreeMap::<String, Value>::deserialize(from)?;
        let known = entries.into_iter().filter_map(|(source, status)| {
            let source = ReferenceSource::parse(&source).ok()?;
            Some((source, serde_json::from_value(status).ok()?))
        });
        Ok(Self(known.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_as_it_is_written_and_nothing_else_is_one() {
        for text in [
            "https://img.example.com/a.png",
            "upload:0190a5a0-0000-7000-8000-000000000001",
        ] {
            let source = ReferenceSource::parse(text).unwrap();
            assert_eq!(source.to_string(), text);
        }
        for text in [
            "upload:",
            "upload:../1",
            "file:///etc/passwd",
            "https://10.0.0.1/",
        ] {
            assert_eq!(ReferenceSource::parse(text).unwrap_err().field, FIELD);
        }
    }
}
