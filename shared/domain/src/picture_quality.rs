//! How finely the pages of a book are drawn, by models that have a choice (`PICTURE_QUALITY`).

use crate::price::Price;
use std::str::FromStr;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PictureQuality {
    #[default]
    Medium,
    High,
}

impl PictureQuality {
    /// As settings and the wire name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// Tokens out of a picture of 1024 x 1024 (OpenAI's pricing page).
    pub const fn tokens(self) -> u64 {
        match self {
            Self::Medium => Price::PICTURE_TOKENS,
            Self::High => 4_160,
        }
    }
}

impl FromStr for PictureQuality {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut known = [Self::Medium, Self::High].into_iter();
        let named = known.find(|quality| quality.name() == text);
        named.ok_or("it must be medium or high")
    }
}
