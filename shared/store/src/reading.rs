//! Readings: a user's stories and characters. Every one takes the owner, so no call can forget to ask for them.

mod rows;

use crate::{Store, StoreError};
use domain::{CharacterId, StoryId, UserId, character::Character};
use postgrest::Builder;
pub use rows::{
    AssetEntry, AssetGenerationStatus, JobRow, ListedStory, Place, StoryColumns, StoryFilter,
    StoryRow, StoryStatusRow,
};
use rows::{CharacterRow, ListedRow, STORY_COLUMNS};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::fmt::Display;

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

const STATUS_COLUMNS: &str = "asset_generation_status,version";
const CHARACTER_COLUMNS: &str = "id,name,species,age,traits,appearance,personality,reference_images,reference_states,sheet,pronunciation,voice_id";
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
mod tests;
