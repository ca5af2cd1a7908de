//! Claims jobs that can be made now and hands them to the content agent, one invocation per story.
//!
//! Woken by whoever makes a job claimable; the schedule sweeps what a lost wake left behind. Holds no state: whatever dies
//! here, the leases run out and the next sweep claims again.

mod config;
mod dispatch;

pub use config::Config;

use runtime::{Aws, Deadline, Invoke, LambdaInvoker, Shutdown, Variables, http_client};
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use store::{RestConfig, Store, StoreError};

/// What the worker may touch. Built once per process.
pub struct Deps {
    pub store: Store,
    pub invoker: Arc<dyn Invoke>,
    pub config: Config,
}

impl Deps {
    /// Builds every client once; none of them connects before it is used.
    pub fn from_variables(
        variables: &Variables,
        aws: Arc<Aws>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let (supabase_url, service_role_key) = variables.supabase()?;
        let rest = RestConfig {
            supabase_url,
            service_role_key,
        };
        Ok(Self {
            store: Store::new(&rest, http_client())?,
            invoker: Arc::new(LambdaInvoker::new(aws)),
            config: Config::from_variables(variables)?,
        })
    }
}

/// What one invocation did: jobs handed over, and jobs that could not be and were released.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub processed: u64,
    pub failed: u64,
}

/// Why an invocation ended before its work was done.
#[derive(Debug, thiserror::Error)]
pub enum AssetWorkerError {
    #[error("could not claim jobs")]
    Claim(#[source] StoreError),
}

/// Claimed in one round trip.
const CLAIM_BATCH: usize = 50;
/// What becomes claimable within this time (a job in backoff, the lease of a dead worker, a call within the provider's
/// limit) is waited for, as long as the invocation lasts: none of it waits for the schedule.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Kept free at the end, to release what could not be handed over.
const MARGIN: Duration = Duration::from_secs(5);

/// One invocation: who it is, and when it has to end.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Lambda's id of the invocation; what it claims bears it until it is handed over.
    pub request_id: String,
    pub deadline: Deadline,
    pub shutdown: Shutdown,
}

/// Claims and dispatches until nothing claimable is left, or no time. Claims nothing once asked to end.
pub async fn handle(deps: &Deps, invocation: Invocation) -> Result<Report, AssetWorkerError> {
    let Invocation {
        request_id,
        deadline,
        shutdown,
    } = invocation;
    let deadline = deadline.earlier_by(MARGIN);
    let mut report = Report::default();
    let mut deletions_handed_on = false;
    let mut left_behind = None;
    while !shutdown.is_asked() {
        let claimed = deps
            .store
            .claim_asset_jobs(
                CLAIM_BATCH,
                deps.config.lease,
                deps.config.max_jobs_in_flight,
                &request_id,
                deadline.left().min(WAIT_MAX),
            )
            .await
            .map_err(AssetWorkerError::Claim)?;
        if claimed.has_ended_stories() || claimed.deliveries {
            dispatch::wake_notice_sender(deps).await;
        }
        let nothing_moved = claimed.jobs.is_empty();
        left_behind = claimed.oldest_claimable_seconds;
        let dispatched = dispatch::hand_over(deps, claimed.jobs).await;
        report.processed += dispatched.processed;
        report.failed += dispatched.failed;
        if claimed.deletions && !deletions_handed_on {
            deletions_handed_on = true;
            dispatch::hand_on_deletions(deps).await;
        }

        let wait = match (claimed.more, claimed.next_in_seconds) {
            // Passed over because another transaction held the row for a moment.
            (true, _) if nothing_moved => Duration::from_millis(20),
            (true, _) => Duration::ZERO,
            (false, Some(seconds)) if seconds <= WAIT_MAX.as_secs_f64() => {
                Duration::from_secs_f64(seconds.max(0.0)) + Duration::from_millis(5)
            }
            (false, _) => break,
        };
        // A claim that cannot be handed over would only come back to be claimed again at once.
        if dispatched.failed > 0 || wait >= deadline.left() {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => (),
            () = shutdown.asked() => break,
        }
    }
    if let Some(seconds) = left_behind {
        tracing::info!(oldestClaimableSeconds = seconds, "Claimable jobs wait");
    }
    if report != Report::default() {
        tracing::info!(
            processed = report.processed,
            failed = report.failed,
            "Asset jobs dispatched"
        );
    }
    Ok(report)
}
