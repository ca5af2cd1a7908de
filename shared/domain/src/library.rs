//! Libraries: the shelves that a user's stories stand on.

use crate::{request::InvalidField, text::parse_line};
use serde::Serialize;
use std::str::FromStr;

/// What a library is called: one line of at most [`LibraryName::CHARS_MAX`] characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct LibraryName(String);

impl LibraryName {
    pub const CHARS_MAX: usize = 80;
}

impl FromStr for LibraryName {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        parse_line("name", text, Self::CHARS_MAX).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_has_a_name_of_one_short_line() {
        let name: LibraryName = " Bedtime\n".parse().unwrap();
        assert_eq!(name, LibraryName("Bedtime".to_owned()));
        for refused in ["", " ", &"a".repeat(LibraryName::CHARS_MAX + 1)] {
            assert_eq!(refused.parse::<LibraryName>().unwrap_err().field, "name");
        }
    }
}
