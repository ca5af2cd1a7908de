//! The request for a story, parsed once at the edge, so that nothing behind it checks again.

use crate::{AssetType, CharacterId, LibraryId, text::parse_line, voice::VoiceId};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeSet};

pub use crate::text::parse_text;

/// A field of a request that cannot be accepted, and why, in words for its sender.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct InvalidField {
    /// Its name as the sender wrote it, with its place inside another where it has one: `appearance.hair`.
    pub field: Cow<'static, str>,
    pub problem: String,
}

impl InvalidField {
    /// `problem` goes on where the name ends: "must not be empty".
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
    #[serde(rename = "assetTypes", alias = "asset_types")]
    pub asset_types: Option<Vec<AssetType>>,
    pub title: Option<String>,
    #[serde(alias = "libraryId")]
    pub library_id: Option<LibraryId>,
    pub idea: Option<String>,
    #[serde(rename = "readerAge", alias = "reader_age")]
    pub reader_age: Option<u32>,
    pub language: Option<String>,
    pub style: Option<String>,
    #[serde(rename = "voiceId", alias = "voice_id")]
    pub voice_id: Option<String>,
    #[serde(default)]
    pub priority: Priority,
}

fn yes() -> bool {
    true
}

/// A request for a story whose every part is valid: there is no other way to one than through the checks, whether it comes
/// from a user or from the story's row, where it is stored whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredRequest")]
pub struct NewStory {
    character_ids: Vec<CharacterId>,
    story_type: String,
    themes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset_types: Option<Vec<AssetType>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    library_id: Option<LibraryId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idea: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reader_age: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    style: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    voice_id: Option<VoiceId>,
    priority: Priority,
}

/// A request as its story's row holds it.
#[derive(Deserialize)]
struct StoredRequest {
    character_ids: Vec<CharacterId>,
    story_type: String,
    themes: Vec<String>,
    asset_types: Option<Vec<AssetType>>,
    title: Option<String>,
    library_id: Option<LibraryId>,
    idea: Option<String>,
    reader_age: Option<u32>,
    language: Option<String>,
    style: Option<String>,
    voice_id: Option<VoiceId>,
    #[serde(default)]
    priority: Priority,
}

const CHARACTERS_MAX: usize = 5;
const THEMES_MAX: usize = 8;
const THEME_CHARS_MAX: usize = 60;
/// Longest title a product may have (S2-025).
const TITLE_CHARS_MAX: usize = 255;
const IDEA_CHARS_MAX: usize = 500;
/// As of the style that a picture is asked for again in.
const STYLE_CHARS_MAX: usize = 60;

impl NewStory {
    /// The kind of story, in the user's words.
    pub fn story_type(&self) -> &str {
        &self.story_type
    }

    /// At most eight.
    pub fn themes(&self) -> &[String] {
        &self.themes
    }

    /// What is made beside the text: nothing when only the text was asked for, `None` when it is left to the user's plan.
    pub fn asset_types(&self) -> Option<&[AssetType]> {
        self.asset_types.as_deref()
    }

    /// The title the story is to have; without one the model finds it.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// A free wish in the user's words.
    pub fn idea(&self) -> Option<&str> {
        self.idea.as_deref()
    }

    /// Age in years of the child it is for.
    pub const fn reader_age(&self) -> Option<u32> {
        self.reader_age
    }

    /// The language it is told in, two letters of ISO 639-1; without one, that of the wish.
    pub fn language(&self) -> Option<&str> {
        self.language.as_deref()
    }

    /// How its pictures are painted, in the user's words.
    pub fn style(&self) -> Option<&str> {
        self.style.as_deref()
    }

    /// The voice it is to be read with; without one, the default.
    pub const fn voice_id(&self) -> Option<&VoiceId> {
        self.voice_id.as_ref()
    }

    /// The same request, read with this voice.
    #[must_use]
    pub fn with_voice(self, voice_id: Option<VoiceId>) -> Self {
        Self { voice_id, ..self }
    }
}

impl TryFrom<StoryForm> for NewStory {
    type Error = InvalidField;

    fn try_from(form: StoryForm) -> Result<Self, InvalidField> {
        let voice_id = form.voice_id.map(|voice| voice.parse::<VoiceId>());
        let request = Self::try_from(StoredRequest {
            character_ids: form.character_ids,
            story_type: form.story_type,
            themes: form.themes,
            asset_types: beside_text(form.generate_assets, form.asset_types)?,
            title: form.title,
            library_id: form.library_id,
            idea: form.idea,
            reader_age: form.reader_age,
            language: form.language,
            style: form.style,
            voice_id: None,
            priority: form.priority,
        })?;
        Ok(request.with_voice(voice_id.transpose()?))
    }
}

impl TryFrom<StoredRequest> for NewStory {
    type Error = InvalidField;

    fn try_from(stored: StoredRequest) -> Result<Self, InvalidField> {
        check_heroes(&stored.character_ids)?;
        if stored.themes.len() > THEMES_MAX {
            return Err(InvalidField::new("themes", "must be at most 8"));
        }
        if stored
            .reader_age
            .is_some_and(|age| !(1..=18).contains(&age))
        {
            return Err(InvalidField::new("readerAge", "must be between 1 and 18"));
        }
        let themes = stored.themes.iter();
        let themes = themes.map(|theme| parse_line("themes", theme, THEME_CHARS_MAX));
        let title = stored
            .title
            .map(|title| parse_line("title", &title, TITLE_CHARS_MAX));
        let idea = stored
            .idea
            .map(|idea| parse_text("idea", &idea, IDEA_CHARS_MAX));
        let style = stored
            .style
            .map(|style| parse_line("style", &style, STYLE_CHARS_MAX));
        if let Some(language) = &stored.language {
            check_language(language)?;
        }
        Ok(Self {
            character_ids: stored.character_ids,
            story_type: parse_line("story_type", &stored.story_type, THEME_CHARS_MAX)?,
            themes: themes.collect::<Result<_, _>>()?,
            asset_types: stored.asset_types,
            title: title.transpose()?,
            library_id: stored.library_id,
            idea: idea.transpose()?,
            reader_age: stored.reader_age,
            language: stored.language,
            style: style.transpose()?,
            voice_id: stored.voice_id,
            priority: stored.priority,
        })
    }
}

/// A code of ISO 639-1 as it is written: `de`.
///
/// # Errors
/// When it is anything but two small letters.
pub fn check_language(code: &str) -> Result<(), InvalidField> {
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Ok(());
    }
    let problem = "must be two small letters (ISO 639-1)";
    Err(InvalidField::new("language", problem))
}

/// What is made beside the text, each once and in the order of the asset graph; nothing of its own where the plan decides.
fn beside_text(
    generate_assets: bool,
    named: Option<Vec<AssetType>>,
) -> Result<Option<Vec<AssetType>>, InvalidField> {
    let problem = match (generate_assets, named) {
        (true, None) => return Ok(None),
        (false, None) => return Ok(Some(Vec::new())),
        (true, Some(mut named)) if !named.is_empty() => {
            // The text is always made.
            named.retain(|asset| *asset != AssetType::Content);
            named.sort_unstable();
            named.dedup();
            return Ok(Some(named));
        }
        (true, Some(_)) => "must name at least one asset",
        (false, Some(_)) => {
            "must not stand beside generateAssets false, which asks for the text alone"
        }
    };
    Err(InvalidField::new("assetTypes", problem))
}

/// One to five distinct heroes, the first one leads.
fn check_heroes(ids: &[CharacterId]) -> Result<(), InvalidField> {
    let distinct: BTreeSet<_> = ids.iter().collect();
    if distinct.len() != ids.len() {
        return Err(InvalidField::new(
            "character_ids",
            "must not repeat a character",
        ));
    }
    if ids.is_empty() || ids.len() > CHARACTERS_MAX {
        return Err(InvalidField::new(
            "character_ids",
            "must name one to five characters",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
