//! Taking away: a story, a user, and the queue of what is then deleted outside the database.

use crate::{Idempotency, Store, StoreError};
use domain::{AssetType, CharacterId, LeaseToken, StoryId, UserId, reference::ReferenceSource};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Something to be deleted, under a lease.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deletion {
    pub deletion_id: i64,
    pub lease_token: LeaseToken,
    /// Claims since it succeeded last, this one included.
    pub attempts: u32,
    #[serde(flatten)]
    pub kind: DeletionKind,
}

/// What is to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
pub enum DeletionKind {
    /// Every file of a story that is gone.
    Files { story_id: StoryId },
    /// Published files of a story that no row names.
    Orphans {
        story_id: StoryId,
        /// Addresses that some row names.
        named: Vec<String>,
        /// The attempts that ended without a version.
        ended_attempts: BTreeSet<(AssetType, u32)>,
    },
    /// What the CDN keeps of such files.
    Cdn { story_id: StoryId },
    /// References of a character that its row does not name.
    References {
        character_id: CharacterId,
        /// What it names; nothing where the character is gone.
        kept: Option<Vec<ReferenceSource>>,
    },
}

impl DeletionKind {
    /// Whose files they are, for a log: `story` or `character`, and its id.
    pub fn owner(&self) -> (&'static str, Uuid) {
        match self {
            Self::Files { story_id } | Self::Orphans { story_id, .. } | Self::Cdn { story_id } => {
                ("story", story_id.as_uuid())
            }
            Self::References { character_id, .. } => ("character", character_id.as_uuid()),
        }
    }
}

/// The answer to a claim of deletions.
#[derive(Clone, Debug, Deserialize)]
pub struct ClaimedDeletions {
    pub deletions: Vec<Deletion>,
    /// More is due; claim again.
    pub more: bool,
}

/// A story is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct DeletedStory {
    /// Webhooks are to say so.
    #[serde(default)]
    pub told: bool,
    /// It was still being made.
    #[serde(default)]
    pub unfinished: bool,
    /// It was gone before, under the same key.
    pub replayed: bool,
}

#[derive(Deserialize)]
struct Progress {
    done: bool,
}

impl Store {
    /// Takes a story of this user away, with all its rows.
    ///
    /// Refused with `StoryNotFound`, `TokenInvalid` or `IdempotencyKeyReused`; nothing is changed then.
    pub async fn delete_story(
        &self,
        user: UserId,
        story: StoryId,
        idempotency: &Idempotency,
    ) -> Result<DeletedStory, StoreError> {
        let arguments = json!({"p_user_id": user, "p_story_id": story, "p_idempotency_key": idempotency.key,
            "p_request_hash": idempotency.request_hash});
        self.call("delete_story", &arguments).await
    }

    /// Takes a user away, with everything that is theirs. False when `patience` was over before all of it was gone: the
    /// queue goes on with it.
    pub async fn delete_user(&self, user: UserId, patience: Duration) -> Result<bool, StoreError> {
        let began = Instant::now();
        loop {
            let arguments = json!({"p_user_id": user});
            let Progress { done } = self.call("delete_user", &arguments).await?;
            if done || began.elapsed() >= patience {
                return Ok(done);
            }
        }
    }

    /// Leases up to `limit` deletions that are due. `owner` names this very call, and begins with the id of the invocation.
    pub async fn claim_deletions(
        &self,
        owner: &str,
        limit: usize,
        lease: Duration,
    ) -> Result<ClaimedDeletions, StoreError> {
        let arguments =
            json!({"p_owner": owner, "p_limit": limit, "p_lease_seconds": lease.as_secs()});
        self.call("claim_deletions", &arguments).await
    }

    /// Says that it is done, or what kept it from being done: it is due again after a pause then.
    pub async fn complete_deletion(
        &self,
        deletion: &Deletion,
        problem: Option<&str>,
    ) -> Result<(), StoreError> {
        let arguments = json!({"p_deletion_id": deletion.deletion_id, "p_lease_token": deletion.lease_token,
            "p_error": problem});
        // Whether the lease was still in force changes nothing for whoever deleted.
        let _: Value = self.call("complete_deletion", &arguments).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_deletion_is_read_as_the_database_writes_it() {
        let id = "00000000-0000-4000-8000-000000000001";
        let written = |kind: &str| {
            json!({"deletionId": 7, "storyId": id, "characterId": id, "leaseToken": id, "attempts": 1, "kind": kind,
                "named": ["https://a.example/b"], "endedAttempts": [["cover", 2]]})
        };
        let read = |kind: &str| {
            serde_json::from_value::<Deletion>(written(kind))
                .unwrap()
                .kind
        };
        let story_id = id.parse().unwrap();
        assert_eq!(read("files"), DeletionKind::Files { story_id });
        assert_eq!(read("cdn"), DeletionKind::Cdn { story_id });
        let references = DeletionKind::References {
            character_id: id.parse().unwrap(),
            kept: None,
        };
        assert_eq!(read("references"), references);
        let orphans = DeletionKind::Orphans {
            story_id,
            named: vec!["https://a.example/b".to_owned()],
            ended_attempts: BTreeSet::from([(AssetType::Cover, 2)]),
        };
        assert_eq!(read("orphans"), orphans);
    }
}
