//! Snapshots in the bucket: `snapshots/stories/{story}/v{version}.json`, which no CDN serves; one is kept of each story.

use super::{AssetFiles, FileKind, keys::key_of};
use crate::{StoreError, StorySnapshot};
use bytes::Bytes;
use domain::StoryId;
use std::collections::BTreeSet;

/// What the keys of a story's snapshots begin with.
pub(super) fn prefix(story: StoryId) -> String {
    format!("snapshots/stories/{story}/")
}

/// A snapshot in the bucket cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("it is no snapshot")]
struct NoSnapshot(#[source] serde_json::Error);

fn version_of(key: &str) -> Option<u64> {
    let file = key.rsplit('/').next()?;
    file.strip_prefix('v')?.strip_suffix(".json")?.parse().ok()
}

impl AssetFiles {
    /// Stores a snapshot, and forgets those of earlier versions.
    pub async fn put_snapshot(&self, snapshot: &StorySnapshot) -> Result<(), StoreError> {
        let (story, version) = (snapshot.story_id, snapshot.version);
        let key = format!("{}v{version}.json", prefix(story));
        let json = serde_json::to_vec(snapshot).map_err(|source| unreadable(&key, source))?;
        self.put(key, FileKind::Json, Bytes::from(json)).await?;
        for key in self.list(&prefix(story)).await? {
            if version_of(&key).is_some_and(|known| known < version) {
                self.delete(&key).await?;
            }
        }
        Ok(())
    }

    /// The newest snapshot of a story, if there is one.
    pub async fn newest_snapshot(
        &self,
        story: StoryId,
    ) -> Result<Option<StorySnapshot>, StoreError> {
        let keys = self.list(&prefix(story)).await?;
        let Some(key) = keys.into_iter().max_by_key(|key| version_of(key)) else {
            return Ok(None);
        };
        let json = self.get(&key).await?;
        let snapshot = serde_json::from_slice(&json).map_err(|source| unreadable(&key, source))?;
        Ok(Some(snapshot))
    }

    /// How many of the published files that a snapshot names are not in the bucket any more.
    pub async fn missing_files(&self, snapshot: &StorySnapshot) -> Result<usize, StoreError> {
        let story = snapshot.story_id;
        let there = self.list(&format!("stories/{story}/")).await?;
        let there: BTreeSet<String> = there.into_iter().collect();
        let named = snapshot.addresses();
        let named: BTreeSet<String> = named.filter_map(|address| key_of(story, address)).collect();
        Ok(named.difference(&there).count())
    }
}

fn unreadable(key: &str, source: serde_json::Error) -> StoreError {
    StoreError::Files {
        attempted: format!("read {key}"),
        source: Box::new(NoSnapshot(source)),
    }
}
