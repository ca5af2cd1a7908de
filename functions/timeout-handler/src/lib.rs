//! The rescuer: settles jobs whose worker is gone, in bounded batches, one verdict per job.
//!
//! It is told of every invocation of the worker and the content agent that died or never ran (they name it as their
//! on-failure destination), and ends what that one held at once. What nobody told it of, its schedule finds by the end
//! of the lease; a claim does the same in passing.

use runtime::{
    Aws, BadEvent, BadRecord, Deadline, Fallen, Invoke, LambdaInvoker, Payload, Tick, Variables,
    chain, env, http_client,
};
use serde::Serialize;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use store::{Expired, RestConfig, Store, StoreError};

/// What the handler may touch.
pub struct Deps {
    pub store: Store,
    pub invoker: Arc<dyn Invoke>,
    /// `ASSET_WORKER_FUNCTION`: who takes up what was put back into the queue.
    pub asset_worker: String,
}

impl Deps {
    /// Builds every client once; none of them connects before it is used.
    pub fn from_variables(
        variables: &Variables,
        aws: Arc<Aws>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let rest = RestConfig {
            supabase_url: variables.parsed(env::SUPABASE_URL)?,
            service_role_key: variables
                .required(env::SUPABASE_SERVICE_ROLE_KEY)?
                .to_owned(),
        };
        Ok(Self {
            store: Store::new(&rest, http_client())?,
            invoker: Arc::new(LambdaInvoker::new(aws)),
            asset_worker: variables.required(env::ASSET_WORKER_FUNCTION)?.to_owned(),
        })
    }
}

/// Why it was invoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Time to look for leases that ran out.
    Sweep,
    /// An invocation was given up on.
    Death(Fallen),
}

/// The event is none the rescuer knows.
#[derive(Debug, thiserror::Error)]
pub enum BadCall {
    #[error(transparent)]
    Tick(#[from] BadEvent),
    #[error(transparent)]
    Record(#[from] BadRecord),
}

impl TryFrom<Value> for Call {
    type Error = BadCall;

    fn try_from(event: Value) -> Result<Self, BadCall> {
        if event.get("requestContext").is_some() {
            return Ok(Self::Death(Fallen::try_from(event)?));
        }
        Tick::try_from(event)?;
        Ok(Self::Sweep)
    }
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
/// Stories that a sweep moves to the history: some 48,000 a day at a sweep every quarter of an hour.
const STORIES_PUT_AWAY: usize = 500;
const MARGIN: Duration = Duration::from_secs(5);

/// Settles batch after batch until none is stuck, or no time is left; then wakes the worker for what is claimable.
pub async fn handle(deps: &Deps, call: &Call, deadline: Deadline) -> Result<Summary, RescueError> {
    if let Call::Death(fallen) = call {
        tracing::error!(
            requestId = fallen.request_id,
            deadFunction = fallen.function,
            condition = fallen.condition,
            errorType = fallen.error_type,
            "An invocation died or never ran; ending its leases"
        );
    }
    let deadline = deadline.earlier_by(MARGIN);
    let mut summary = Summary::default();
    let (claimable, tidy) = loop {
        let batch = batch(deps, call).await.map_err(RescueError::Expire)?;
        summary.expired += batch.expired;
        summary.requeued += batch.requeued;
        let moved = batch.expired + batch.requeued > 0;
        if !batch.more || !moved || deadline.left().is_zero() {
            break (batch.claimable, batch.tidy);
        }
    };
    if summary != Summary::default() {
        tracing::warn!(
            expired = summary.expired,
            requeued = summary.requeued,
            "Stuck jobs settled"
        );
    }
    if let Some(wake) = wake_after(deps, call, summary, claimable)
        && let Err(error) = deps.invoker.invoke(&deps.asset_worker, &wake).await
    {
        tracing::error!(
            error = chain(&error),
            "Could not wake the asset worker; its schedule will find the jobs"
        );
    }
    if tidy && *call == Call::Sweep && !deadline.left().is_zero() {
        put_away(deps).await;
    }
    Ok(summary)
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

async fn batch(deps: &Deps, call: &Call) -> Result<Expired, StoreError> {
    match call {
        Call::Sweep => deps.store.expire_stuck_jobs(BATCH).await,
        Call::Death(fallen) => {
            let (request, tokens) = (&fallen.request_id, &fallen.lease_tokens);
            deps.store
                .settle_dead_invocation(BATCH, request, tokens, fallen.new_story)
                .await
        }
    }
}

/// A death wakes the worker whatever was settled: the wake the dead one still owed, or its claims, are due in a moment,
/// and the worker waits for them. Only a worker that dies of being woken is not woken again by its own death.
fn wake_after(deps: &Deps, call: &Call, settled: Summary, claimable: bool) -> Option<Payload> {
    match call {
        Call::Sweep => claimable.then(Payload::wake),
        Call::Death(fallen) => {
            let woken_to_die = fallen.was_rescue && fallen.function == deps.asset_worker;
            (!woken_to_die || settled != Summary::default()).then(Payload::rescue)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ticks_and_records_of_failed_invocations_are_told_apart() {
        assert_eq!(Call::try_from(json!({})).unwrap(), Call::Sweep);
        let record = json!({"requestContext": {"requestId": "r", "condition": "EventAgeExceeded",
            "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:storytailor-asset-worker-production:$LATEST"}});
        let Call::Death(fallen) = Call::try_from(record).unwrap() else {
            panic!("a record is no tick")
        };
        assert_eq!(fallen.function, "storytailor-asset-worker-production");
        assert!(Call::try_from(json!({"requestContext": 7})).is_err());
        assert!(Call::try_from(json!({"action": "x"})).is_err());
    }
}
