//! What is read, as rows of their tables hold it.

use domain::{
    AssetStatus, AssetType, CharacterId, JobId, JobStatus, LibraryId, Overall, StoryId,
    StoryStatus, UserId, character::Character,
};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

pub(super) const STORY_COLUMNS: &str = "id,library_id,creator_user_id,title,content,status,asset_generation_status,\
asset_generation_started_at,asset_generation_completed_at,hue_extracted_colors,audio_words,audio_blocks,character_ids,\
story_type,themes,version,created_at,updated_at";
const LISTED_COLUMNS: &str = "id,library_id,title,status,asset_generation_status,story_type,themes,version,created_at,updated_at";
/// What a list tells of a story where it is asked for by name.
const SHELVED_COLUMNS: &str = "overall,progress,placeholders,cover";

/// A story as its row stands and as the API shows it; field names are the columns'.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoryRow {
    pub id: StoryId,
    pub library_id: LibraryId,
    pub creator_user_id: UserId,
    pub title: String,
    pub content: Value,
    pub status: StoryStatus,
    pub asset_generation_status: AssetGenerationStatus,
    pub asset_generation_started_at: Option<String>,
    pub asset_generation_completed_at: Option<String>,
    pub hue_extracted_colors: Value,
    pub audio_words: Option<Value>,
    pub audio_blocks: Option<Value>,
    pub character_ids: Vec<CharacterId>,
    pub story_type: String,
    pub themes: Vec<String>,
    pub version: u64,
    pub created_at: String,
    pub updated_at: String,
}

/// A story as a list shows it: the columns that were asked for, and its place in the list.
#[derive(Clone, Debug)]
pub struct ListedStory {
    pub columns: Map<String, Value>,
    pub place: Place,
}

/// The place of a row in a list of the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// RFC 3339, to the microsecond.
    pub created_at: String,
    pub id: Uuid,
}

/// Which stories a list shows; those of everything that is left out.
#[derive(Clone, Debug, Default)]
pub struct StoryFilter {
    pub library: Option<LibraryId>,
    pub status: Option<StoryStatus>,
    /// Only those made before this one.
    pub after: Option<Place>,
}

#[derive(Deserialize)]
pub(super) struct ListedRow {
    place_created_at: String,
    place_id: Uuid,
    #[serde(flatten)]
    columns: Map<String, Value>,
}

impl From<ListedRow> for ListedStory {
    fn from(row: ListedRow) -> Self {
        Self {
            columns: row.columns,
            place: Place {
                created_at: row.place_created_at,
                id: row.place_id,
            },
        }
    }
}

/// Columns of a story that somebody may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryColumns {
    shown: Vec<&'static str>,
    /// Those that are shown only where they are named, with commas between them.
    others: &'static str,
}

impl StoryColumns {
    /// What a list shows of each story: nothing large.
    pub fn listed() -> Self {
        Self {
            shown: LISTED_COLUMNS.split(',').collect(),
            others: SHELVED_COLUMNS,
        }
    }

    /// Those of a whole story.
    pub fn whole() -> Self {
        Self {
            shown: STORY_COLUMNS.split(',').collect(),
            others: "",
        }
    }

    /// Those of these that are named, with commas between them.
    ///
    /// # Errors
    /// The first name that is none of these.
    pub fn only<'n>(&self, names: &'n str) -> Result<Self, &'n str> {
        let mut shown = Vec::new();
        for name in names.split(',').map(str::trim) {
            let column = self.known().find(|known| *known == name).ok_or(name)?;
            if !shown.contains(&column) {
                shown.push(column);
            }
        }
        Ok(Self { shown, ..*self })
    }

    /// Their names, with commas between them.
    pub fn names(&self) -> String {
        self.shown.join(",")
    }

    /// Those that may be named, one after the other.
    pub fn known(&self) -> impl Iterator<Item = &'static str> {
        let others = self.others.split(',').filter(|name| !name.is_empty());
        self.shown.iter().copied().chain(others)
    }
}

/// How far a story is, and nothing of what is in it.
#[derive(Clone, Debug, Deserialize)]
pub struct StoryStatusRow {
    pub asset_generation_status: AssetGenerationStatus,
    /// Grows with every change of the story.
    pub version: u64,
}

/// `stories.asset_generation_status`: the overall state and one entry per requested asset.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetGenerationStatus {
    pub overall: Overall,
    /// The version of the text that is shown; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_version: Option<u32>,
    pub assets: BTreeMap<AssetType, AssetEntry>,
}

/// How one asset stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetEntry {
    pub status: AssetStatus,
    /// 0 to 100.
    pub progress: u8,
    /// When it was begun; RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// Whatever else is known of it, as it stands: address, version, error, metadata.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A job as `?detailed=true` shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct JobRow {
    pub id: JobId,
    pub asset_type: AssetType,
    pub status: JobStatus,
    pub retry_count: u32,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub started_at: Option<String>,
    pub completed_at: Option<String>,
    pub created_at: String,
}

/// A character that says in the log, by its id alone, when entries of its row were not understood and left out.
pub(super) struct CharacterRow(pub(super) Character);

impl<'de> Deserialize<'de> for CharacterRow {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let row = Value::deserialize(from)?;
        let entries = |column: &str| match &row[column] {
            Value::Array(entries) => entries.len(),
            Value::Object(entries) => entries.len(),
            Value::Null => 0,
            _ => 1,
        };
        let columns = [
            "species",
            "age",
            "traits",
            "appearance",
            "personality",
            "reference_images",
            "pronunciation",
            "voice_id",
        ];
        let stored: usize = columns.into_iter().map(entries).sum();
        let character = Character::deserialize(&row).map_err(de::Error::custom)?;
        let read = usize::from(character.species.is_some())
            + usize::from(character.age.is_some())
            + character.traits.len()
            + character.appearance.len()
            + character.personality.len()
            + character.reference_images.len()
            + usize::from(character.pronunciation.is_some())
            + usize::from(character.voice_id.is_some());
        if read < stored {
            tracing::warn!(characterId = %character.id, leftOut = stored - read,
                "A character's row holds entries that are not known, showing it without them");
        }
        Ok(Self(character))
    }
}
