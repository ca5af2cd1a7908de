//! Deleting files: all of a story, or those that no attempt was ever thanked for.

use super::{
    AssetFiles, exchanges,
    keys::{key_of, published_by, stem_of},
    snapshots,
};
use crate::StoreError;
use domain::{AssetType, StoryId};
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeSet;

/// Deletions under way at one moment.
const AT_ONCE: usize = 8;
/// Looks at the bucket until it must be empty: an answer of S3 may be a success that was none.
const ROUNDS: usize = 3;

/// S3 said of every file that it was deleted, and lists some of them all the same.
#[derive(Debug, thiserror::Error)]
#[error("{0} files are still there")]
struct StillThere(usize);

impl AssetFiles {
    /// Deletes everything of a story, published or not, its snapshot and exchanges among it, and looks that nothing is left.
    /// Answers how many files there were.
    ///
    /// # Errors
    /// When S3 refuses, or goes on listing what was deleted. What is gone is gone; the rest is there for the next call.
    pub async fn delete_story(&self, story: StoryId) -> Result<usize, StoreError> {
        let mut deleted = 0;
        for prefix in [
            format!("stories/{story}/"),
            format!("drafts/stories/{story}/"),
            snapshots::prefix(story),
            exchanges::prefix(story),
        ] {
            deleted += self.delete_where(&prefix, |_| true).await?;
        }
        Ok(deleted)
    }

    /// Deletes what these attempts at assets of a story published, but for the files under the addresses that are `named` and
    /// what lies beside them. Answers how many there were.
    ///
    /// # Errors
    /// As [`Self::delete_story`].
    pub async fn delete_orphans(
        &self,
        story: StoryId,
        named: &[String],
        attempts: &BTreeSet<(AssetType, u32)>,
    ) -> Result<usize, StoreError> {
        let named: BTreeSet<String> = named
            .iter()
            .filter_map(|address| key_of(story, address))
            .map(|key| stem_of(&key).to_owned())
            .collect();
        let is_orphan = |key: &str| {
            let is_meant = published_by(key).is_some_and(|attempt| attempts.contains(&attempt));
            is_meant && !named.contains(stem_of(key))
        };
        self.delete_where(&format!("stories/{story}/"), is_orphan)
            .await
    }

    pub(super) async fn delete_where(
        &self,
        prefix: &str,
        is_meant: impl Fn(&str) -> bool,
    ) -> Result<usize, StoreError> {
        let mut deleted = BTreeSet::new();
        for _ in 0..ROUNDS {
            let mut keys = self.list(prefix).await?;
            keys.retain(|key| is_meant(key));
            if keys.is_empty() {
                return Ok(deleted.len());
            }
            stream::iter(&keys)
                .map(Ok)
                .try_for_each_concurrent(AT_ONCE, |key| self.delete(key))
                .await?;
            deleted.extend(keys);
        }
        Err(StoreError::Files {
            attempted: format!("delete what is below {prefix}"),
            source: Box::new(StillThere(deleted.len())),
        })
    }
}

#[cfg(test)]
mod tests;
