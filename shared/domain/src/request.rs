//! The request for a story, parsed once at the edge, so that nothing behind it checks again.

use crate::{AssetType, CharacterId, LibraryId, text::bounded_line};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

pub use crate::text::bounded_text;

/// A field of a request that cannot be accepted, and why, in words for its sender.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{field} {problem}")]
pub struct InvalidField {
    /// Its name as the sender wrote it, with its place inside another where it has one: `appearance.hair`.
    pub field: Cow<'static, str>,
    pub problem: String,
}

impl InvalidField {
    pub fn new(field: impl Into<Cow<'static, str>>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

/// How soon the jobs of a story are claimed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    #[default]
    Normal,
    High,
    Urgent,
}

/// The body of `POST /stories` before anything in it is believed; field names as documented.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoryForm {
    pub character_ids: Vec<CharacterId>,
    pub story_type: String,
    pub themes: Vec<String>,
    #[serde(default = "yes", rename = "generateAssets", alias = "generate_assets")]
    pub generate_assets: bool,
    pub title: Option<String>,
    #[serde(alias = "libraryId")]
    pub library_id: Option<LibraryId>,
    pub idea: Option<String>,
    #[serde(rename = "readerAge", alias = "reader_age")]
    pub reader_age: Option<u32>,
    #[serde(rename = "voiceId", alias = "voice_id")]
    pub voice_id: Option<String>,
    #[serde(default)]
    pub priority: Priority,
}

fn yes() -> bool {
    true
}

/// A request for a story whose every part is already valid; stored whole on the story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewStory {
    /// One to five distinct heroes, the first one leads.
    pub character_ids: Vec<CharacterId>,
    pub story_type: String,
    pub themes: Vec<String>,
    /// What is made beside the text; empty when only the text was asked for.
    pub asset_types: Vec<AssetType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library_id: Option<LibraryId>,
    /// A free wish in the user's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idea: Option<String>,
    /// Age in years of the child it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reader_age: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice_id: Option<String>,
    #[serde(default)]
    pub priority: Priority,
}

const CHARACTERS_MAX: usize = 5;
const THEMES_MAX: usize = 8;
const THEME_CHARS_MAX: usize = 60;
/// Names of the provider's voices describe them too.
pub const VOICE_CHARS_MAX: usize = 100;
/// Longest title a product may have (S2-025).
const TITLE_CHARS_MAX: usize = 255;
const IDEA_CHARS_MAX: usize = 500;

impl TryFrom<StoryForm> for NewStory {
    type Error = InvalidField;

    fn try_from(form: StoryForm) -> Result<Self, InvalidField> {
        let mut distinct = form.character_ids.clone();
        distinct.sort();
        distinct.dedup();
        if distinct.len() != form.character_ids.len() {
            return Err(InvalidField::new(
                "character_ids",
                "must not repeat a character",
            ));
        }
        if form.character_ids.is_empty() || form.character_ids.len() > CHARACTERS_MAX {
            return Err(InvalidField::new(
                "character_ids",
                "must name one to five characters",
            ));
        }
        if form.themes.len() > THEMES_MAX {
            return Err(InvalidField::new("themes", "must be at most 8"));
        }
        if form.reader_age.is_some_and(|age| !(1..=18).contains(&age)) {
            return Err(InvalidField::new("readerAge", "must be between 1 and 18"));
        }
        Ok(Self {
            character_ids: form.character_ids,
            story_type: bounded_line("story_type", &form.story_type, THEME_CHARS_MAX)?,
            themes: form
                .themes
                .iter()
                .map(|theme| bounded_line("themes", theme, THEME_CHARS_MAX))
                .collect::<Result<_, _>>()?,
            asset_types: if form.generate_assets {
                AssetType::BESIDE_TEXT.to_vec()
            } else {
                Vec::new()
            },
            title: form
                .title
                .map(|title| bounded_line("title", &title, TITLE_CHARS_MAX))
                .transpose()?,
            library_id: form.library_id,
            idea: form
                .idea
                .map(|idea| bounded_text("idea", &idea, IDEA_CHARS_MAX))
                .transpose()?,
            reader_age: form.reader_age,
            voice_id: form
                .voice_id
                .map(|voice| bounded_line("voiceId", &voice, VOICE_CHARS_MAX))
                .transpose()?,
            priority: form.priority,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: serde_json::Value) -> Result<NewStory, InvalidField> {
        serde_json::from_value::<StoryForm>(json)
            .unwrap()
            .try_into()
    }

    #[test]
    fn the_documented_request_is_accepted_and_asks_for_all_assets() {
        let story = parse(serde_json::json!({
            "character_ids": ["0190a5a0-0000-7000-8000-000000000001"], "story_type": "adventure",
            "themes": ["courage", "friendship"], "generateAssets": true
        }))
        .unwrap();
        assert_eq!(story.asset_types, AssetType::BESIDE_TEXT);
    }

    #[test]
    fn a_wish_typed_in_a_windows_form_is_accepted() {
        let story = parse(serde_json::json!({
            "character_ids": ["0190a5a0-0000-7000-8000-000000000001"], "story_type": "adventure",
            "themes": ["courage\r\n"], "title": "The\r\nsoup", "idea": "A dragon.\r\nHe likes soup.\tA lot."
        }))
        .unwrap();
        assert_eq!(
            story.idea.as_deref(),
            Some("A dragon.\nHe likes soup. A lot.")
        );
        assert_eq!(story.title.as_deref(), Some("The soup"));
        assert_eq!(story.themes, ["courage"]);
    }

    #[test]
    fn a_request_without_heroes_is_refused_by_name() {
        let problem =
            parse(serde_json::json!({"character_ids": [], "story_type": "a", "themes": []}))
                .unwrap_err();
        assert_eq!(problem.field, "character_ids");
    }
}
