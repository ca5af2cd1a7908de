//! Snapshots of settled stories, written behind the deletions; and a story brought back from its own.

use crate::{ContentAgentError, Deps, Invocation};
use domain::StoryId;
use futures::future::join_all;
use runtime::chain;
use serde::Serialize;
use std::time::Duration;
use store::{RecoveryOutcome, Refusal, StoreError, StorySnapshot};

/// Claimed in one round trip, with all their rows: some hundred kilobytes each.
const BATCH: usize = 5;
const LEASE: Duration = Duration::from_secs(60);
/// Kept free at the end for what was begun.
const MARGIN: Duration = Duration::from_secs(60);

/// Writes until nothing is due any more, or no time is left; answers how many were written. Writing twice does no harm.
pub(crate) async fn write_due(
    deps: &Deps,
    invocation: &Invocation,
) -> Result<u64, ContentAgentError> {
    let deadline = invocation.deadline.earlier_by(MARGIN);
    let mut written = 0;
    while !invocation.shutdown.is_asked() && !deadline.left().is_zero() {
        let claimed = deps.store.claim_snapshots(BATCH, LEASE).await;
        let claimed = claimed.map_err(ContentAgentError::ClaimSnapshots)?;
        let writing = claimed
            .snapshots
            .iter()
            .map(|snapshot| write(deps, snapshot));
        let (done, failed): (Vec<_>, Vec<_>) =
            join_all(writing).await.into_iter().partition(Result::is_ok);
        let done: Vec<StoryId> = done.into_iter().filter_map(Result::ok).collect();
        let failed: Vec<_> = failed.into_iter().filter_map(Result::err).collect();
        if !claimed.snapshots.is_empty() {
            let noted = deps
                .store
                .complete_snapshots(claimed.lease_token, &done, &failed);
            noted.await.map_err(ContentAgentError::ClaimSnapshots)?;
        }
        written += done.len() as u64;
        if !claimed.more || !failed.is_empty() {
            break;
        }
    }
    if written > 0 {
        tracing::info!(snapshots = written, "Snapshots written");
    }
    Ok(written)
}

async fn write(deps: &Deps, snapshot: &StorySnapshot) -> Result<StoryId, (StoryId, String)> {
    let story = snapshot.story_id;
    deps.files.put_snapshot(snapshot).await.map_err(|error| {
        let error = chain(&error);
        tracing::warn!(storyId = %story, error, "A snapshot could not be written, trying again");
        (story, error)
    })?;
    Ok(story)
}

/// What became of a story that was to be brought back.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryReport {
    pub story_id: StoryId,
    /// `recovered`, `whole` or `refused`.
    pub outcome: &'static str,
    /// For whoever asked for it.
    pub message: String,
}

/// Brings a lost or damaged story back from its snapshot, where its files are there and its rows know nothing newer.
pub(crate) async fn recover(deps: &Deps, story: StoryId) -> Result<RecoveryReport, StoreError> {
    let report = |outcome, message: &str| RecoveryReport {
        story_id: story,
        outcome,
        message: message.to_owned(),
    };
    let refused = |why: &str| report("refused", &format!("Story not recoverable: {why}"));
    let Some(snapshot) = deps.files.newest_snapshot(story).await? else {
        return Ok(refused("there is no snapshot of it"));
    };
    let missing = deps.files.missing_files(&snapshot).await?;
    if missing > 0 {
        return Ok(refused(&format!("{missing} of its files are gone")));
    }
    let recovered = match deps.store.recover_story(&snapshot).await {
        Ok(RecoveryOutcome::Recovered) => report("recovered", "Story recovered"),
        Ok(RecoveryOutcome::Whole) => report("whole", "Story is whole; nothing was changed"),
        Err(StoreError::Refused { refusal, .. }) => match refusal {
            Refusal::StoryIsNewer => report(
                "refused",
                "Story is newer than its snapshot; nothing was changed",
            ),
            Refusal::UnknownSnapshot => refused("its snapshot is of another version of this code"),
            _ => refused("its user is gone"),
        },
        Err(error) => return Err(error),
    };
    tracing::warn!(storyId = %story, outcome = recovered.outcome, "A recovery was asked for");
    Ok(recovered)
}
