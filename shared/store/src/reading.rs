//! Readings: a user's stories and characters. Every one takes the owner, so no call can forget to ask for them.

use crate::{Store, StoreError};
use domain::{AssetType, CharacterId, JobId, LibraryId, StoryId, UserId, character::Character};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use std::collections::BTreeMap;

/// A story as its row stands and as the API shows it; field names are the columns'.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoryRow {
    pub id: StoryId,
    pub library_id: LibraryId,
    pub creator_user_id: UserId,
    pub title: String,
    pub content: Value,
    pub status: String,
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

/// A story as a list shows it: without its text and the times of its words, which can be large.
#[derive(Clone, Debug, Deserialize)]
pub struct StorySummary {
    pub id: StoryId,
    pub title: String,
    pub status: String,
    /// Without the activities themselves.
    pub asset_generation_status: AssetGenerationStatus,
    pub story_type: String,
    pub themes: Vec<String>,
    pub version: u64,
    pub created_at: String,
    pub updated_at: String,
}

/// `stories.asset_generation_status`: the overall state and one entry per requested asset.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AssetGenerationStatus {
    pub overall: String,
    pub assets: BTreeMap<AssetType, Value>,
}

/// A job as `?detailed=true` shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct JobRow {
    pub id: JobId,
    pub asset_type: AssetType,
    pub status: String,
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

const STORY_COLUMNS: &str = "id,library_id,creator_user_id,title,content,status,asset_generation_status,\
asset_generation_started_at,asset_generation_completed_at,hue_extracted_colors,audio_words,audio_blocks,character_ids,\
story_type,themes,version,created_at,updated_at";
const SUMMARY_COLUMNS: &str =
    "id,title,status,asset_generation_status,story_type,themes,version,created_at,updated_at";
const CHARACTER_COLUMNS: &str =
    "id,name,species,age,traits,appearance,personality,reference_images";
const JOB_COLUMNS: &str =
    "id,asset_type,status,retry_count,error_code,error_message,started_at,completed_at,created_at";

impl Store {
    /// One story of this owner, or nothing, whether it is missing or somebody else's.
    pub async fn story(&self, owner: UserId, id: StoryId) -> Result<Option<StoryRow>, StoreError> {
        let rows: Vec<StoryRow> = self
            .read("read a story", |rest| {
                rest.from("stories")
                    .select(STORY_COLUMNS)
                    .eq("id", id.to_string())
                    .eq("creator_user_id", owner.to_string())
            })
            .await?;
        Ok(rows.into_iter().next())
    }

    /// This owner's stories, newest first.
    pub async fn stories(
        &self,
        owner: UserId,
        page: Page,
    ) -> Result<Vec<StorySummary>, StoreError> {
        let mut stories: Vec<StorySummary> = self
            .read("list stories", |rest| {
                rest.from("stories")
                    .select(SUMMARY_COLUMNS)
                    .eq("creator_user_id", owner.to_string())
                    .order("created_at.desc,id.desc")
                    .range(page.offset, page.offset + page.limit.saturating_sub(1))
            })
            .await?;
        let assets = stories
            .iter_mut()
            .flat_map(|story| story.asset_generation_status.assets.values_mut());
        for asset in assets.filter_map(Value::as_object_mut) {
            asset.remove("data");
        }
        Ok(stories)
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

    pub async fn character(
        &self,
        owner: UserId,
        id: CharacterId,
    ) -> Result<Option<Character>, StoreError> {
        let rows: Vec<CharacterRow> = self
            .read("read a character", |rest| {
                rest.from("characters")
                    .select(CHARACTER_COLUMNS)
                    .eq("id", id.to_string())
                    .eq("owner_user_id", owner.to_string())
            })
            .await?;
        Ok(rows.into_iter().next().map(|row| row.0))
    }

    pub async fn characters(
        &self,
        owner: UserId,
        page: Page,
    ) -> Result<Vec<Character>, StoreError> {
        let rows: Vec<CharacterRow> = self
            .read("list characters", |rest| {
                rest.from("characters")
                    .select(CHARACTER_COLUMNS)
                    .eq("owner_user_id", owner.to_string())
                    .order("created_at.desc,id.desc")
                    .range(page.offset, page.offset + page.limit.saturating_sub(1))
            })
            .await?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// Changes a character to what `change` holds; nothing when it is not this owner's.
    pub async fn update_character(
        &self,
        owner: UserId,
        id: CharacterId,
        change: &Value,
    ) -> Result<Option<Character>, StoreError> {
        let body = change.to_string();
        let rows: Vec<CharacterRow> = self
            .read("change a character", |rest| {
                rest.from("characters")
                    .update(body.as_str())
                    .select(CHARACTER_COLUMNS)
                    .eq("id", id.to_string())
                    .eq("owner_user_id", owner.to_string())
            })
            .await?;
        Ok(rows.into_iter().next().map(|row| row.0))
    }

    /// Removes a character; false when it is not this owner's.
    pub async fn delete_character(
        &self,
        owner: UserId,
        id: CharacterId,
    ) -> Result<bool, StoreError> {
        let rows: Vec<Value> = self
            .read("delete a character", |rest| {
                rest.from("characters")
                    .delete()
                    .select("id")
                    .eq("id", id.to_string())
                    .eq("owner_user_id", owner.to_string())
            })
            .await?;
        Ok(!rows.is_empty())
    }

    /// True when PostgREST and the database behind it answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let _: Vec<Value> = self
            .read("reach the database", |rest| {
                rest.from("tiers").select("code").limit(1)
            })
            .await?;
        Ok(())
    }
}
