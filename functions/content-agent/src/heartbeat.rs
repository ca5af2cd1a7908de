//! What an invocation holds, and the heartbeat that extends all of it in one round trip.

use crate::{Deps, studio::Studio};
use domain::JobId;
use runtime::chain;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use store::{LeasedJob, Progress};
use tokio::task::AbortHandle;

/// A job this invocation holds the lease of.
pub(crate) struct Held {
    pub(crate) job: LeasedJob,
    pub(crate) abort: AbortHandle,
}

pub(crate) type Holding = Arc<Mutex<HashMap<JobId, Held>>>;

/// Extends the leases of everything held, three times a lease, and stops what is not ours any more.
pub(crate) async fn heartbeat(deps: Arc<Deps>, studio: Arc<Studio>, holding: Holding) {
    let mut ticks = tokio::time::interval(deps.config.lease / 3);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let beats: Vec<_> = {
            let holding = holding.lock().expect("no holder panics");
            holding
                .values()
                .map(|held| beat(&studio, &held.job))
                .collect()
        };
        if beats.is_empty() {
            continue;
        }
        match deps.store.report_progress(&beats, deps.config.lease).await {
            Ok(lost) => stop(&holding.lock().expect("no holder panics"), &beats, &lost),
            Err(error) => tracing::warn!(
                error = chain(&error),
                "Heartbeat failed; the leases hold until the next one"
            ),
        }
    }
}

fn beat(studio: &Studio, job: &LeasedJob) -> Progress {
    Progress {
        job_id: job.job_id,
        lease_token: job.lease_token,
        progress: studio.noted_progress(job.job_id),
        metadata: None,
        checkpoint: None,
        usage: Vec::new(),
    }
}

/// Stops the jobs that are lost, under the leases that were reported: a retry of one may be held by now under another.
fn stop(holding: &HashMap<JobId, Held>, reported: &[Progress], lost: &[JobId]) {
    for beat in reported.iter().filter(|beat| lost.contains(&beat.job_id)) {
        if let Some(held) = holding.get(&beat.job_id)
            && held.job.lease_token == beat.lease_token
        {
            held.abort.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::AssetType;
    use serde_json::Value;
    use tokio::task::JoinSet;

    const FIRST: &str = "00000000-0000-0000-0000-00000000000a";
    const SECOND: &str = "00000000-0000-0000-0000-00000000000b";

    fn job(lease: &str) -> LeasedJob {
        LeasedJob {
            job_id: "00000000-0000-0000-0000-000000000001".parse().unwrap(),
            story_id: "00000000-0000-0000-0000-000000000002".parse().unwrap(),
            asset_type: AssetType::Cover,
            lease_token: lease.parse().unwrap(),
            attempt: 1,
            retry_count: 0,
            asset_version: 0,
            checkpoint: Value::Null,
            options: Value::Null,
        }
    }

    /// Whether the job held under one lease is stopped when another was reported, and lost.
    async fn is_stopped(held: &str, reported: &str) -> bool {
        let mut making = JoinSet::new();
        let abort = making.spawn(tokio::time::sleep(std::time::Duration::from_millis(50)));
        let (job, reported) = (job(held), job(reported));
        let lost = [job.job_id];
        let holding = HashMap::from([(job.job_id, Held { job, abort })]);
        let beat = Progress {
            job_id: reported.job_id,
            lease_token: reported.lease_token,
            progress: None,
            metadata: None,
            checkpoint: None,
            usage: Vec::new(),
        };
        stop(&holding, &[beat], &lost);
        making.join_next().await.expect("one task").is_err()
    }

    #[tokio::test]
    async fn a_late_answer_to_a_heartbeat_stops_its_own_attempt_and_no_retry_that_follows() {
        assert!(is_stopped(FIRST, FIRST).await);
        assert!(!is_stopped(SECOND, FIRST).await);
    }
}
