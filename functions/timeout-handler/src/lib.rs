//! The rescuer: settles jobs whose worker is gone, in bounded batches, one verdict per job.
//!
//! It is told of every invocation of the worker and the content agent that died or never ran (they name it as their
//! on-failure destination), and ends what that one held at once. What nobody told it of, its schedule finds by the end
//! of the lease; a claim does the same in passing.

mod config;
mod trigger;

pub use config::Config;
pub use trigger::{BadTrigger, Trigger};

use events::Tick;
use runtime::{Aws, Deadline, Invoke, LambdaInvoker, Variables, chain, http_client};
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use store::{Expired, RestConfig, Store, StoreError};

/// What the handler may touch. Built once per process.
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

/// Jobs failed for good, and jobs that got another attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub expired: u64,
    pub requeued: u64,
}

/// Why an invocation ended before its work was done.
#[derive(Debug, thiserror::Error)]
pub enum TimeoutHandlerError {
    #[error("could not settle stuck jobs")]
    Expire(#[source] StoreError),
}

/// One invocation: why, and when it has to end.
#[derive(Clone, Debug)]
pub struct Invocation {
    pub trigger: Trigger,
    pub deadline: Deadline,
}

/// Jobs settled in one round trip.
const BATCH: usize = 100;
/// Stories that a sweep moves to the history: some 48,000 a day at a sweep every quarter of an hour.
const STORIES_PUT_AWAY: usize = 500;
/// Kept free at the end, to wake the worker.
const MARGIN: Duration = Duration::from_secs(5);

/// Settles batch after batch until none is stuck, or no time is left; then wakes the worker for what is claimable.
pub async fn handle(deps: &Deps, invocation: Invocation) -> Result<Report, TimeoutHandlerError> {
    let Invocation { trigger, deadline } = invocation;
    if let Trigger::InvocationFailed(failed) = &trigger {
        tracing::error!(
            failedRequestId = failed.request_id,
            failedFunction = failed.function,
            condition = failed.condition,
            errorType = failed.error_type,
            "An invocation died or never ran; ending its leases"
        );
    }
    let deadline = deadline.earlier_by(MARGIN);
    let mut report = Report::default();
    let last = loop {
        let batch = settle_batch(deps, &trigger)
            .await
            .map_err(TimeoutHandlerError::Expire)?;
        report.expired += batch.expired;
        report.requeued += batch.requeued;
        let moved = batch.expired + batch.requeued > 0;
        if !batch.more || !moved || deadline.left().is_zero() {
            break batch;
        }
    };
    if trigger == Trigger::Sweep {
        tracing::info!(spentTodayUsd = last.spent_today_usd, "Swept");
    }
    if report != Report::default() {
        tracing::warn!(
            expired = report.expired,
            requeued = report.requeued,
            "Stuck jobs settled"
        );
    }
    if let Some(wake) = wake_after(deps, &trigger, report, last.claimable)
        && let Err(error) = deps
            .invoker
            .invoke(&deps.config.asset_worker, wake.into())
            .await
    {
        tracing::error!(
            error = chain(&error),
            "Could not wake the asset worker; its schedule will find the jobs"
        );
    }
    if last.tidy && trigger == Trigger::Sweep && !deadline.left().is_zero() {
        put_away(deps).await;
    }
    Ok(report)
}

/// Housekeeping comes last and fails nothing: what is left is found by the next sweep.
async fn put_away(deps: &Deps) {
    match deps.store.tidy_history(STORIES_PUT_AWAY).await {
        Ok(tidied) => tracing::info!(
            stories = tidied.stories,
            jobs = tidied.jobs,
            notices = tidied.notices,
            idempotencyKeys = tidied.keys,
            "Old work put away"
        ),
        Err(error) => tracing::warn!(error = chain(&error), "Could not put old work away"),
    }
}

async fn settle_batch(deps: &Deps, trigger: &Trigger) -> Result<Expired, StoreError> {
    match trigger {
        Trigger::Sweep => deps.store.expire_stuck_jobs(BATCH).await,
        Trigger::InvocationFailed(failed) => {
            let (request, tokens) = (&failed.request_id, &failed.lease_tokens);
            deps.store
                .settle_dead_invocation(BATCH, request, tokens, failed.new_story)
                .await
        }
    }
}

/// A failed invocation wakes the worker whatever was settled: the wake it still owed, or its claims, are due in a moment,
/// and the worker waits for them. Only a worker that fails of being woken is not woken again by its own failure.
fn wake_after(deps: &Deps, trigger: &Trigger, settled: Report, claimable: bool) -> Option<Tick> {
    match trigger {
        Trigger::Sweep => claimable.then_some(Tick::WAKE),
        Trigger::InvocationFailed(failed) => {
            let failed_on_rescue_wake =
                failed.is_rescue_wake && failed.function == deps.config.asset_worker;
            (!failed_on_rescue_wake || settled != Report::default()).then_some(Tick::RESCUE_WAKE)
        }
    }
}
