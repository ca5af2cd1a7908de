//! The nine assets of a story and the graph of what each needs: the one constant that API, claim and estimate share.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// One thing made for a story; `content` is its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetType {
    #[serde(alias = "text")]
    Content,
    Cover,
    #[serde(rename = "scene_1")]
    Scene1,
    #[serde(rename = "scene_2")]
    Scene2,
    #[serde(rename = "scene_3")]
    Scene3,
    #[serde(rename = "scene_4")]
    Scene4,
    Audio,
    Activities,
    Pdf,
}

/// How far a text must be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextNeeded {
    /// Its outline stands, which says what the story is about and what its cover shows.
    Outline,
    /// Its first beat stands, for whoever writes it; for others it must be whole.
    Beat,
    Whole,
}

impl TextNeeded {
    /// As the database names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outline => "outline",
            Self::Beat => "beat",
            Self::Whole => "whole",
        }
    }
}

/// The name is none of the nine asset types.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown asset type `{0}`")]
pub struct UnknownAssetType(pub String);

impl AssetType {
    /// All nine, text first, in the order the documents list them.
    pub const ALL: [Self; 9] = [
        Self::Content,
        Self::Cover,
        Self::Scene1,
        Self::Scene2,
        Self::Scene3,
        Self::Scene4,
        Self::Audio,
        Self::Activities,
        Self::Pdf,
    ];

    /// What is made beside the text.
    pub const BESIDE_TEXT: [Self; 8] = [
        Self::Cover,
        Self::Scene1,
        Self::Scene2,
        Self::Scene3,
        Self::Scene4,
        Self::Audio,
        Self::Activities,
        Self::Pdf,
    ];

    /// The name on every wire: column, event, API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Cover => "cover",
            Self::Scene1 => "scene_1",
            Self::Scene2 => "scene_2",
            Self::Scene3 => "scene_3",
            Self::Scene4 => "scene_4",
            Self::Audio => "audio",
            Self::Activities => "activities",
            Self::Pdf => "pdf",
        }
    }

    /// How much of the text must stand before this one may be begun; `None` for the text itself.
    pub const fn text_needed(self) -> Option<TextNeeded> {
        match self {
            Self::Content => None,
            Self::Cover => Some(TextNeeded::Outline),
            Self::Audio => Some(TextNeeded::Beat),
            Self::Scene1
            | Self::Scene2
            | Self::Scene3
            | Self::Scene4
            | Self::Activities
            | Self::Pdf => Some(TextNeeded::Whole),
        }
    }

    /// The assets that must be settled before this one may start; `content` among them must be ready, or as far as
    /// [`Self::text_needed`] says.
    pub const fn inputs(self) -> &'static [Self] {
        match self {
            Self::Content => &[],
            Self::Cover | Self::Audio | Self::Activities => &[Self::Content],
            Self::Scene1 | Self::Scene2 | Self::Scene3 | Self::Scene4 => &[Self::Cover],
            Self::Pdf => &[
                Self::Content,
                Self::Cover,
                Self::Scene1,
                Self::Scene2,
                Self::Scene3,
                Self::Scene4,
                Self::Activities,
            ],
        }
    }

    /// 0 for the cover, 1 to 4 for the scenes: the index of the palette step and of `sceneIndex` (C-18).
    pub const fn picture_index(self) -> Option<usize> {
        match self {
            Self::Cover => Some(0),
            Self::Scene1 => Some(1),
            Self::Scene2 => Some(2),
            Self::Scene3 => Some(3),
            Self::Scene4 => Some(4),
            Self::Content | Self::Audio | Self::Activities | Self::Pdf => None,
        }
    }

    /// The picture with this `sceneIndex`; 0 is the cover.
    pub fn from_picture_index(index: usize) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|asset| asset.picture_index() == Some(index))
    }
}

impl fmt::Display for AssetType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for AssetType {
    type Err = UnknownAssetType;

    /// Accepts the names, and `text` for `content` (C-02).
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name == "text" {
            return Ok(Self::Content);
        }
        Self::ALL
            .into_iter()
            .find(|asset| asset.name() == name)
            .ok_or_else(|| UnknownAssetType(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_as_itself_and_text_means_content() {
        for asset in AssetType::ALL {
            assert_eq!(asset.name().parse(), Ok(asset));
            assert_eq!(serde_json::to_value(asset).unwrap(), asset.name());
        }
        assert_eq!("text".parse(), Ok(AssetType::Content));
        assert!("scene_5".parse::<AssetType>().is_err());
    }

    #[test]
    fn the_graph_has_no_cycle_and_starts_at_the_text() {
        for asset in AssetType::ALL {
            let mut seen = vec![asset];
            let mut open = asset.inputs().to_vec();
            while let Some(input) = open.pop() {
                assert_ne!(input, asset, "{asset} needs itself");
                seen.push(input);
                open.extend(input.inputs());
            }
            assert!(seen.contains(&AssetType::Content));
        }
    }
}
