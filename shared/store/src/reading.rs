//! Readings: a user's stories and characters. Every one takes the owner, so no call can forget to ask for them.

use crate::{Store, StoreError};
use domain::{
    AssetStatus, AssetType, CharacterId, JobId, JobStatus, LibraryId, Overall, StoryId,
    StoryStatus, UserId, character::Character,
};
use postgrest::Builder;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned},
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt::Display};
use uuid::Uuid;

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
struct ListedRow {
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
pub struct StoryColumns(Vec<&'static str>);

impl StoryColumns {
    /// What a list shows of each story: nothing large.
    pub fn listed() -> Self {
        Self(LISTED_COLUMNS.split(',').collect())
    }

    /// Those of a whole story.
    pub fn whole() -> Self {
        Self(STORY_COLUMNS.split(',').collect())
    }

    /// Those of these that are named, with commas between them.
    ///
    /// # Errors
    /// The first name that is none of these.
    pub fn only<'n>(&self, names: &'n str) -> Result<Self, &'n str> {
        let found = names.split(',').map(str::trim).map(|name| {
            let mut known = self.0.iter().copied();
            known.find(|known| *known == name).ok_or(name)
        });
        found.collect::<Result<_, _>>().map(Self)
    }

    /// Their names, with commas between them.
    pub fn names(&self) -> String {
        self.0.join(",")
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
struct CharacterRow(Character);

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
        ];
        let stored: usize = columns.into_iter().map(entries).sum();
        let character = Character::deserialize(&row).map_err(de::Error::custom)?;
        let read = usize::from(character.species.is_some())
            + usize::from(character.age.is_some())
            + character.traits.len()
            + character.appearance.len()
            + character.personality.len()
            + character.reference_images.len();
        if read < stored {
            tracing::warn!(characterId = %character.id, leftOut = stored - read,
                "A character's row holds entries that are not known, showing it without them");
        }
        Ok(Self(character))
    }
}

/// Which part of a list.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub limit: usize,
    pub offset: usize,
}

/// A table whose rows belong to users, and the column that says to whom.
struct OwnedTable {
    name: &'static str,
    owner: &'static str,
}

const STORIES: OwnedTable = OwnedTable {
    name: "stories",
    owner: "creator_user_id",
};
/// Stories as lists show them.
const SUMMARIES: OwnedTable = OwnedTable {
    name: "story_summaries",
    owner: "creator_user_id",
};
const CHARACTERS: OwnedTable = OwnedTable {
    name: "characters",
    owner: "owner_user_id",
};

const STORY_COLUMNS: &str = "id,library_id,creator_user_id,title,content,status,asset_generation_status,\
asset_generation_started_at,asset_generation_completed_at,hue_extracted_colors,audio_words,audio_blocks,character_ids,\
story_type,themes,version,created_at,updated_at";
const LISTED_COLUMNS: &str = "id,library_id,title,status,asset_generation_status,story_type,themes,version,created_at,updated_at";
const STATUS_COLUMNS: &str = "asset_generation_status,version";
const CHARACTER_COLUMNS: &str =
    "id,name,species,age,traits,appearance,personality,reference_images";
const JOB_COLUMNS: &str =
    "id,asset_type,status,retry_count,error_code,error_message,started_at,completed_at,created_at";

impl Store {
    /// One row of this owner, or nothing, whether it is missing or somebody else's. `select` names the columns, or what
    /// is done with the row and the columns answered.
    async fn owned_row<T: DeserializeOwned>(
        &self,
        attempted: &str,
        table: &OwnedTable,
        owner: UserId,
        id: impl Display,
        select: impl Fn(Builder) -> Builder,
    ) -> Result<Option<T>, StoreError> {
        let id = id.to_string();
        let rows: Vec<T> = self
            .read(attempted, |rest| {
                select(rest.from(table.name))
                    .eq("id", &id)
                    .eq(table.owner, owner.to_string())
            })
            .await?;
        Ok(rows.into_iter().next())
    }

    /// A page of this owner's rows, newest first. `select` names the columns, and which rows.
    async fn owned_rows<T: DeserializeOwned>(
        &self,
        attempted: &str,
        table: &OwnedTable,
        owner: UserId,
        page: Page,
        select: impl Fn(Builder) -> Builder,
    ) -> Result<Vec<T>, StoreError> {
        self.read(attempted, |rest| {
            select(rest.from(table.name))
                .eq(table.owner, owner.to_string())
                .order("created_at.desc,id.desc")
                .range(page.offset, page.offset + page.limit.saturating_sub(1))
        })
        .await
    }

    /// One story of this owner, or nothing, whether it is missing or somebody else's.
    pub async fn story(&self, owner: UserId, id: StoryId) -> Result<Option<StoryRow>, StoreError> {
        self.owned_row("read a story", &STORIES, owner, id, |rows| {
            rows.select(STORY_COLUMNS)
        })
        .await
    }

    /// How far a story of this owner is, or nothing, whether it is missing or somebody else's.
    pub async fn story_status(
        &self,
        owner: UserId,
        id: StoryId,
    ) -> Result<Option<StoryStatusRow>, StoreError> {
        self.owned_row("read a story's status", &STORIES, owner, id, |rows| {
            rows.select(STATUS_COLUMNS)
        })
        .await
    }

    /// These columns of a story of this owner, or nothing, whether it is missing or somebody else's.
    pub async fn story_part(
        &self,
        owner: UserId,
        id: StoryId,
        columns: &StoryColumns,
    ) -> Result<Option<Map<String, Value>>, StoreError> {
        self.owned_row("read a story", &STORIES, owner, id, |rows| {
            rows.select(columns.names())
        })
        .await
    }

    /// This owner's stories, newest first.
    pub async fn stories(
        &self,
        owner: UserId,
        filter: &StoryFilter,
        columns: &StoryColumns,
        page: Page,
    ) -> Result<Vec<ListedStory>, StoreError> {
        let select = |rows: Builder| {
            // A story's place under names of its own: whoever asked for these columns as well has them twice.
            let place = "place_created_at:created_at,place_id:id";
            let mut rows = rows.select(format!("{},{place}", columns.names()));
            if let Some(library) = filter.library {
                rows = rows.eq("library_id", library.to_string());
            }
            if let Some(status) = filter.status {
                rows = rows.eq("status", status.name());
            }
            if let Some(Place { created_at, id }) = &filter.after {
                // The first condition says nothing new, and is what an index understands.
                let before = format!(r#"created_at.lt."{created_at}",id.lt.{id}"#);
                rows = rows.lte("created_at", created_at).or(before);
            }
            rows
        };
        let rows: Vec<ListedRow> = self
            .owned_rows("list stories", &SUMMARIES, owner, page, select)
            .await?;
        Ok(rows.into_iter().map(ListedStory::from).collect())
    }

    /// The jobs of a story of this owner, in the order they were made.
    pub async fn jobs(&self, owner: UserId, story: StoryId) -> Result<Vec<JobRow>, StoreError> {
        self.read("read the jobs of a story", |rest| {
            rest.from("asset_job_records")
                .select(JOB_COLUMNS)
                .eq("story_id", story.to_string())
                .eq("user_id", owner.to_string())
                .order("created_at,asset_type")
        })
        .await
    }

    /// One character of this owner, or nothing, whether it is missing or somebody else's.
    pub async fn character(
        &self,
        owner: UserId,
        id: CharacterId,
    ) -> Result<Option<Character>, StoreError> {
        let row = self.owned_row("read a character", &CHARACTERS, owner, id, |rows| {
            rows.select(CHARACTER_COLUMNS)
        });
        Ok(row.await?.map(|CharacterRow(character)| character))
    }

    /// This owner's characters, newest first.
    pub async fn characters(
        &self,
        owner: UserId,
        page: Page,
    ) -> Result<Vec<Character>, StoreError> {
        let rows: Vec<CharacterRow> = self
            .owned_rows("list characters", &CHARACTERS, owner, page, |rows| {
                rows.select(CHARACTER_COLUMNS)
            })
            .await?;
        Ok(rows
            .into_iter()
            .map(|CharacterRow(character)| character)
            .collect())
    }

    /// Changes a character to what `change` holds; nothing when it is not this owner's.
    pub async fn update_character(
        &self,
        owner: UserId,
        id: CharacterId,
        change: &Value,
    ) -> Result<Option<Character>, StoreError> {
        let change = change.to_string();
        let row = self.owned_row("change a character", &CHARACTERS, owner, id, |rows| {
            rows.update(change.as_str()).select(CHARACTER_COLUMNS)
        });
        Ok(row.await?.map(|CharacterRow(character)| character))
    }

    /// Removes a character; false when it is not this owner's.
    pub async fn delete_character(
        &self,
        owner: UserId,
        id: CharacterId,
    ) -> Result<bool, StoreError> {
        let row = self.owned_row::<Value>("delete a character", &CHARACTERS, owner, id, |rows| {
            rows.delete().select("id")
        });
        Ok(row.await?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_entry_of_the_status_keeps_all_it_holds_and_a_status_nobody_knows_is_refused() {
        let entry = json!({"status": "ready", "progress": 100, "url": "https://cdn.example.com/a.png", "version": 2,
            "startedAt": "2026-01-01T00:00:00+00:00", "metadata": {"motif": "lamp"}});
        let read: AssetEntry = serde_json::from_value(entry.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), entry);
        let status = |overall: &str, asset: &str| {
            let assets = json!({"cover": {"status": asset, "progress": 0}});
            serde_json::from_value::<AssetGenerationStatus>(
                json!({"overall": overall, "assets": assets}),
            )
        };
        assert!(status("generating", "pending").is_ok());
        assert!(status("generating", "dreaming").is_err());
        assert!(status("almost", "pending").is_err());
    }
}
