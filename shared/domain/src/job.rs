//! The job state machine: one pure transition table, which the database guards with the same edges.

use serde::{Deserialize, Serialize};

/// Where a job stands. The four last ones are final until somebody asks for the asset again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// Waits for its inputs, for its moment (`available_at`), or for a worker.
    Queued,
    /// Held under a lease.
    Generating,
    /// Its asset is there.
    Ready,
    /// Given up: no retry is left or none would help.
    Failed,
    /// Stopped on request, or because the text it needs failed.
    Cancelled,
    /// Failed, and the user chose to go on without it.
    Skipped,
}

/// What can happen to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobEvent {
    /// A worker takes the lease.
    Claim,
    /// The holder of the lease delivers the asset.
    Complete,
    /// The attempt failed, the lease ran out, and a retry is left.
    RetryLater,
    /// The claim could not be used: no attempt is counted.
    Release,
    /// The attempt failed for good.
    GiveUp,
    /// The user stops it.
    Cancel,
    /// The user goes on without it.
    Skip,
    /// An earlier version is shown again: the try for a new one ended without it or was not needed, or the user asked.
    Restore,
    /// The new text that it was made for is given up, and the asset had failed before: it has failed again.
    Withdraw,
    /// The user asks for it again.
    Requeue,
}

/// The event cannot happen in that state.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {status:?} cannot take the event {event:?}")]
pub struct IllegalTransition {
    pub status: JobStatus,
    pub event: JobEvent,
}

impl JobStatus {
    /// Every one there is.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Generating,
        Self::Ready,
        Self::Failed,
        Self::Cancelled,
        Self::Skipped,
    ];

    /// The state after `event`. The same table as SQL `next_job_status`; a test compares them pair by pair.
    pub const fn after(self, event: JobEvent) -> Result<Self, IllegalTransition> {
        use JobEvent as E;
        use JobStatus as S;
        match (self, event) {
            (S::Queued, E::Claim) => Ok(S::Generating),
            (S::Generating, E::Complete) => Ok(S::Ready),
            (S::Generating, E::RetryLater | E::Release) => Ok(S::Queued),
            (S::Generating, E::GiveUp) => Ok(S::Failed),
            (S::Queued | S::Generating, E::Cancel) => Ok(S::Cancelled),
            (S::Failed, E::Skip) => Ok(S::Skipped),
            (S::Queued | S::Generating | S::Failed | S::Cancelled | S::Skipped, E::Restore) => {
                Ok(S::Ready)
            }
            (S::Queued | S::Ready | S::Cancelled | S::Skipped, E::Withdraw) => Ok(S::Failed),
            (S::Ready | S::Failed | S::Cancelled | S::Skipped, E::Requeue) => Ok(S::Queued),
            (status, event) => Err(IllegalTransition { status, event }),
        }
    }

    /// No worker will touch the job again by itself.
    pub const fn is_settled(self) -> bool {
        !matches!(self, Self::Queued | Self::Generating)
    }

    /// The word in the column and in SQL's verbs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Generating => "generating",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }
}

impl JobEvent {
    /// Every one there is.
    pub const ALL: [Self; 10] = [
        Self::Claim,
        Self::Complete,
        Self::RetryLater,
        Self::Release,
        Self::GiveUp,
        Self::Cancel,
        Self::Skip,
        Self::Restore,
        Self::Withdraw,
        Self::Requeue,
    ];

    /// The word in the column and in SQL's verbs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Complete => "complete",
            Self::RetryLater => "retry_later",
            Self::Release => "release",
            Self::GiveUp => "give_up",
            Self::Cancel => "cancel",
            Self::Skip => "skip",
            Self::Restore => "restore",
            Self::Withdraw => "withdraw",
            Self::Requeue => "requeue",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_worker_and_no_cancel_moves_a_settled_job(
            events in proptest::collection::vec(proptest::sample::select(JobEvent::ALL.to_vec()), 0..40)
        ) {
            let mut status = JobStatus::Queued;
            for event in events {
                if let Ok(next) = status.after(event) {
                    if status.is_settled() {
                        prop_assert!(!matches!(
                            event,
                            JobEvent::Claim | JobEvent::Complete | JobEvent::GiveUp | JobEvent::Cancel
                        ));
                    }
                    status = next;
                }
            }
        }
    }

    #[test]
    fn only_a_held_job_can_become_ready() {
        for status in JobStatus::ALL {
            assert_eq!(
                status.after(JobEvent::Complete).is_ok(),
                status == JobStatus::Generating
            );
        }
    }
}
