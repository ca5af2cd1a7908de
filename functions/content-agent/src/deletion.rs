//! Deletes files: of stories and characters that are gone, and those of others that were never accepted or are not wanted any
//! more.
//!
//! Nobody else may touch the bucket. What is due stands in the database under leases; whatever dies or is refused here is
//! due again, and deleting twice does no harm.

use crate::{ContentAgentError, Deps, Invocation};
use futures::{StreamExt, stream};
use runtime::chain;
use serde::Serialize;
use std::time::Duration;
use store::{Deletion, DeletionKind, StoreError};

/// What an invocation deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletionReport {
    /// Stories and characters whose files are gone, or those that nobody wants.
    pub stories: u64,
    pub files: u64,
    /// What could not be deleted now and is due again in a moment.
    pub failed: u64,
    /// Snapshots that were written afterwards.
    pub snapshots: u64,
}

/// Claimed in one round trip.
const BATCH: usize = 50;
/// Stories whose files are being deleted at one moment.
const AT_ONCE: usize = 8;
/// A batch takes seconds; where S3 is slow it may take longer, and is then deleted twice.
const LEASE: Duration = Duration::from_secs(60);
/// Kept free at the end for what was begun.
const MARGIN: Duration = Duration::from_secs(60);
/// A deletion that fails as often is no passing trouble.
const ATTEMPTS_BEFORE_ALARM: u32 = 5;

/// Deletes until nothing is due any more, or no time is left. Claims nothing once asked to end.
pub(crate) async fn run(
    deps: &Deps,
    invocation: &Invocation,
) -> Result<DeletionReport, ContentAgentError> {
    let deadline = invocation.deadline.earlier_by(MARGIN);
    let mut report = DeletionReport::default();
    for claim in 0_u32.. {
        if invocation.shutdown.is_asked() || deadline.left().is_zero() {
            break;
        }
        let owner = format!("{}/{claim}", invocation.owner);
        let claimed = deps
            .store
            .claim_deletions(&owner, BATCH, LEASE)
            .await
            .map_err(ContentAgentError::ClaimDeletions)?;
        let is_idle = claimed.deletions.is_empty();
        carry_out(deps, claimed.deletions, &mut report).await;
        // Another invocation may hold what is due for the moment of its claim.
        if !claimed.more || (is_idle && claim > 0) {
            break;
        }
    }
    if report != DeletionReport::default() {
        tracing::info!(
            stories = report.stories,
            files = report.files,
            failed = report.failed,
            "Files deleted"
        );
    }
    Ok(report)
}

async fn carry_out(deps: &Deps, deletions: Vec<Deletion>, report: &mut DeletionReport) {
    let (in_cdn, in_bucket): (Vec<_>, Vec<_>) = deletions
        .into_iter()
        .partition(|deletion| matches!(deletion.kind, DeletionKind::Cdn { .. }));
    let mut deleting = stream::iter(in_bucket)
        .map(|deletion| delete_files(deps, deletion))
        .buffer_unordered(AT_ONCE);
    while let Some(deleted) = deleting.next().await {
        match deleted {
            Ok(files) => {
                report.stories += 1;
                report.files += files as u64;
            }
            Err(_) => report.failed += 1,
        }
    }
    let Some(first) = in_cdn.first() else {
        return;
    };
    let stories = in_cdn.iter().filter_map(|deletion| match &deletion.kind {
        DeletionKind::Cdn { story_id } => Some(*story_id),
        _ => None,
    });
    let stories: Vec<_> = stories.collect();
    // The claim's own token, so that the same claim makes one invalidation however often it is sent.
    let reference = first.lease_token.as_uuid();
    let invalidated = deps.cdn.invalidate(&stories, reference).await;
    if let Ok(false) = invalidated {
        tracing::warn!(
            stories = stories.len(),
            "ASSETS_DISTRIBUTION_ID is not set: what a CDN keeps of deleted files stays there until it runs out"
        );
    }
    for deletion in &in_cdn {
        tell(deps, deletion, invalidated.as_ref().err()).await;
    }
    report.failed += invalidated.err().map_or(0, |_| in_cdn.len() as u64);
}

async fn delete_files(deps: &Deps, deletion: Deletion) -> Result<usize, StoreError> {
    let files = &deps.files;
    let deleted = match &deletion.kind {
        DeletionKind::Files { story_id } => files.delete_story(*story_id).await,
        DeletionKind::Orphans {
            story_id,
            named,
            ended_attempts,
        } => files.delete_orphans(*story_id, named, ended_attempts).await,
        DeletionKind::Cdn { .. } => Ok(0),
        DeletionKind::References { character_id, kept } => {
            files
                .delete_references(*character_id, kept.as_deref())
                .await
        }
    };
    tell(deps, &deletion, deleted.as_ref().err()).await;
    deleted
}

/// Tells the database what became of a deletion. Where that fails, the lease ends and it is done again.
async fn tell(deps: &Deps, deletion: &Deletion, problem: Option<&StoreError>) {
    let problem = problem.map(|problem| chain(problem));
    let ((of, id), attempts) = (deletion.kind.owner(), deletion.attempts);
    match &problem {
        Some(problem) if attempts >= ATTEMPTS_BEFORE_ALARM => {
            tracing::error!(of, %id, attempts, error = problem, "Files cannot be deleted");
        }
        Some(problem) => {
            tracing::warn!(of, %id, attempts, error = problem, "Files could not be deleted, trying again");
        }
        None => {}
    }
    let told = deps.store.complete_deletion(deletion, problem.as_deref());
    if let Err(error) = told.await {
        tracing::warn!(of, %id, error = chain(&error), "A deletion could not be recorded, it will be repeated");
    }
}
