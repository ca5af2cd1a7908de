//! Snapshots of settled stories: which are to be written, and a story brought back from one.

use crate::{Store, StoreError};
use domain::StoryId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// All rows of one story, as its file holds them. It has no Debug form: a family's words are in it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorySnapshot {
    /// How the rest is to be read.
    pub schema: u32,
    pub story_id: StoryId,
    /// Of the story's row.
    pub version: u64,
    #[serde(flatten)]
    rows: serde_json::Map<String, Value>,
}

impl StorySnapshot {
    /// The addresses of files that the rows name, in any version.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        let rows = ["jobs", "versions"]
            .into_iter()
            .filter_map(|rows| self.rows.get(rows)?.as_array());
        rows.flatten().filter_map(|row| row["url"].as_str())
    }
}

/// Snapshots leased to one writer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimedSnapshots {
    pub lease_token: Uuid,
    pub snapshots: Vec<StorySnapshot>,
    /// More are due; claim again.
    pub more: bool,
}

/// What became of a story that was to be brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryOutcome {
    /// Its rows are as the snapshot has them.
    Recovered,
    /// They were so already; nothing was changed.
    Whole,
}

#[derive(Deserialize)]
struct Answer {
    outcome: RecoveryOutcome,
}

impl Store {
    /// Leases up to `limit` settled stories whose snapshot is to be written.
    pub async fn claim_snapshots(
        &self,
        limit: usize,
        lease: Duration,
    ) -> Result<ClaimedSnapshots, StoreError> {
        let arguments = json!({"p_limit": limit, "p_lease_seconds": lease.as_secs()});
        self.call("claim_snapshots", &arguments).await
    }

    /// Says which are in the bucket, and of the others what kept them out.
    pub async fn complete_snapshots(
        &self,
        lease_token: Uuid,
        written: &[StoryId],
        failed: &[(StoryId, String)],
    ) -> Result<(), StoreError> {
        let failed = failed.iter();
        let failed: Vec<_> = failed
            .map(|(story, error)| json!({"storyId": story, "error": error}))
            .collect();
        let arguments =
            json!({"p_lease_token": lease_token, "p_written": written, "p_failed": failed});
        let _: Value = self.call("complete_snapshots", &arguments).await?;
        Ok(())
    }

    /// Brings a lost or damaged story back.
    ///
    /// Refused with `StoryIsNewer`, `StoryNotRecoverable` or `UnknownSnapshot`; nothing is changed then.
    pub async fn recover_story(
        &self,
        snapshot: &StorySnapshot,
    ) -> Result<RecoveryOutcome, StoreError> {
        let answer: Answer = self
            .call("recover_story", &json!({"p_snapshot": snapshot}))
            .await?;
        Ok(answer.outcome)
    }
}
