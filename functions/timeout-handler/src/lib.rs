//! The last resort: settles jobs whose worker is gone, in bounded batches, one verdict per job.
//!
//! A claim does the same in passing, so in a healthy system there is nothing to do here.

use runtime::{Deadline, Invoke, Payload, chain};
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use store::{Store, StoreError};

/// What the handler may touch.
pub struct Deps {
    pub store: Store,
    pub invoker: Arc<dyn Invoke>,
    /// `ASSET_WORKER_FUNCTION`: who takes up what was put back into the queue.
    pub asset_worker: String,
}

/// Jobs failed for good, and jobs that got another attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub expired: u64,
    pub requeued: u64,
}

/// Why a run ended before its work was done.
#[derive(Debug, thiserror::Error)]
pub enum RescueError {
    #[error("could not settle stuck jobs")]
    Expire(#[source] StoreError),
}

const BATCH: usize = 100;
const MARGIN: Duration = Duration::from_secs(5);

/// Settles batch after batch until none is stuck, or no time is left; then wakes the worker for what is claimable.
pub async fn handle(deps: &Deps, deadline: Deadline) -> Result<Summary, RescueError> {
    let deadline = deadline.earlier_by(MARGIN);
    let mut summary = Summary::default();
    let claimable = loop {
        let batch = deps
            .store
            .expire_stuck_jobs(BATCH)
            .await
            .map_err(RescueError::Expire)?;
        summary.expired += batch.expired;
        summary.requeued += batch.requeued;
        let moved = batch.expired + batch.requeued > 0;
        if !batch.more || !moved || deadline.left().is_zero() {
            break batch.claimable;
        }
    };
    if summary != Summary::default() {
        tracing::warn!(
            expired = summary.expired,
            requeued = summary.requeued,
            "Stuck jobs settled"
        );
    }
    if claimable
        && let Err(error) = deps
            .invoker
            .invoke(&deps.asset_worker, &Payload::wake())
            .await
    {
        tracing::error!(
            error = chain(&error),
            "Could not wake the asset worker; its schedule will find the jobs"
        );
    }
    Ok(summary)
}
