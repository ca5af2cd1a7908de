//! What an invocation is working on, and the heartbeat that extends all of its leases, and shows that they move, in one
//! round trip.

use crate::{Deps, attempt::Attempt};
use domain::JobId;
use runtime::chain;
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};
use store::Progress;
use tokio::{sync::Notify, task::AbortHandle};

/// A job whose lease this invocation holds.
pub(crate) struct RunningJob {
    pub(crate) attempt: Arc<Attempt>,
    pub(crate) abort: AbortHandle,
}

/// By job. From a lease's beginning until its result is recorded, it is extended.
pub(crate) type RunningJobs = Arc<Mutex<HashMap<JobId, RunningJob>>>;

/// Does `work`, and extends the leases of the running jobs meanwhile. Both are one future, so the heartbeat ends with the
/// work however that ends: a lease that outlived a panic would keep its job from everybody for as long as this process lives.
pub(crate) async fn extend_leases_during<T>(
    deps: Arc<Deps>,
    running: RunningJobs,
    news: Arc<Notify>,
    work: impl Future<Output = T>,
) -> T {
    tokio::select! {
        done = work => done,
        never = extend_leases(deps, running, news) => match never {},
    }
}

/// Whoever waits for a story sees it move at least every three seconds while a provider works: this, and once more
/// [`SHOWN_AGAIN_AFTER`] where the row was written a moment before.
pub(crate) const BEAT: Duration = Duration::from_secs(2);
/// So long the database lets a row rest that showed something else.
const SHOWN_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// At least three times a lease, and sooner where there are news; stops the jobs that are not ours any more.
async fn extend_leases(deps: Arc<Deps>, running: RunningJobs, news: Arc<Notify>) -> Infallible {
    let beat = BEAT.min(deps.config.lease / 3);
    // The leases have just begun.
    let mut pause = beat;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = news.notified() => {}
        }
        pause = beat;
        let beats: Vec<_> = {
            let running = running.lock().expect("no holder panics");
            running
                .values()
                .map(|job| job.attempt.heartbeat())
                .collect()
        };
        if beats.is_empty() {
            continue;
        }
        match deps.store.extend_leases(&beats, deps.config.lease).await {
            Ok(extended) => {
                if extended.is_deferred {
                    pause = beat.min(SHOWN_AGAIN_AFTER);
                }
                let running = running.lock().expect("no holder panics");
                forget_recorded(&running, &beats);
                abort_lost(&running, &beats, &extended.lost);
            }
            Err(error) => tracing::warn!(
                error = chain(&error),
                "Heartbeat failed; the leases hold until the next one"
            ),
        }
    }
}

/// The database has what was paid for until this report.
fn forget_recorded(running: &HashMap<JobId, RunningJob>, reported: &[Progress]) {
    for beat in reported {
        if let Some(job) = running.get(&beat.job_id) {
            job.attempt.forget_told(beat);
        }
    }
}

/// Stops the jobs that are lost, under the leases that were reported: a retry of one may run by now under another.
fn abort_lost(running: &HashMap<JobId, RunningJob>, reported: &[Progress], lost: &[JobId]) {
    for beat in reported.iter().filter(|beat| lost.contains(&beat.job_id)) {
        if let Some(job) = running.get(&beat.job_id)
            && job.attempt.job.lease_token == beat.lease_token
        {
            job.abort.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_services::{TestServices, job};
    use domain::AssetType;
    use serde_json::Value;
    use tokio::task::JoinSet;

    const CDN: &str = "https://assets.example.com";
    const FIRST: &str = "00000000-0000-0000-0000-00000000000a";
    const SECOND: &str = "00000000-0000-0000-0000-00000000000b";

    async fn attempt(services: &TestServices, lease: &str) -> Arc<Attempt> {
        let mut job = job(AssetType::Cover, 1, Value::Null, Value::Null);
        job.lease_token = lease.parse().unwrap();
        let story = services.story(CDN, None).await;
        Arc::new(Attempt::new(Arc::new(story), job))
    }

    /// Whether the job that runs under one lease is stopped when another was reported, and lost.
    async fn is_stopped(held: &str, reported: &str) -> bool {
        let services = TestServices::default();
        let mut making = JoinSet::new();
        let (finish, finished) = tokio::sync::oneshot::channel::<()>();
        let abort = making.spawn(async { drop(finished.await) });
        let beat = attempt(&services, reported).await.heartbeat();
        let attempt = attempt(&services, held).await;
        let lost = [attempt.job.job_id];
        let running = HashMap::from([(attempt.job.job_id, RunningJob { attempt, abort })]);
        abort_lost(&running, &[beat], &lost);
        // A task that was stopped is stopped whatever comes now; another ends with this.
        drop(finish);
        making.join_next().await.expect("one task").is_err()
    }

    #[tokio::test]
    async fn a_late_answer_to_a_heartbeat_stops_its_own_attempt_and_no_retry_that_follows() {
        assert!(is_stopped(FIRST, FIRST).await);
        assert!(!is_stopped(SECOND, FIRST).await);
    }

    #[tokio::test]
    async fn a_heartbeat_tells_what_was_paid_for_once() {
        let services = TestServices::default();
        let mut deps = Arc::into_inner(services.deps(CDN).await).expect("nobody else has it");
        deps.config.lease = Duration::from_millis(30);
        let attempt = attempt(&services, FIRST).await;
        let call = providers::CallUsage {
            provider: domain::price::OPENAI,
            request_id: "r1".to_owned(),
            ..providers::CallUsage::default()
        };
        let prices = &attempt.deps().config.prices;
        attempt.usage.add([crate::usage::picture(&call, prices)]);
        let abort = tokio::spawn(std::future::pending::<()>()).abort_handle();
        let job = RunningJob {
            attempt: Arc::clone(&attempt),
            abort,
        };
        let running = Arc::new(Mutex::new(HashMap::from([(job.attempt.job.job_id, job)])));
        let seen = services.clone();
        let work = async move {
            while seen.reports() < 2 {
                tokio::task::yield_now().await;
            }
        };
        extend_leases_during(Arc::new(deps), running, Arc::default(), work).await;
        assert_eq!(services.told_usage(), ["openai:r1"]);
        assert!(attempt.usage.unrecorded().is_empty());
    }

    #[tokio::test]
    async fn what_a_call_brought_is_kept_no_later_than_its_cost() {
        let services = TestServices::default();
        let story = Arc::new(services.story(CDN, None).await);
        let beat = |asset, paid: bool| {
            let attempt = Attempt::new(Arc::clone(&story), job(asset, 1, Value::Null, Value::Null));
            let call = providers::CallUsage::default();
            let prices = &attempt.deps().config.prices;
            let calls = paid.then(|| crate::usage::picture(&call, prices));
            attempt.usage.add(calls);
            let beat = attempt.heartbeat();
            (beat.usage.len(), beat.checkpoint)
        };
        let directions = Some(story.art.checkpoint());
        assert_eq!(beat(AssetType::Cover, false), (0, None));
        assert_eq!(beat(AssetType::Cover, true), (1, directions));
        assert_eq!(beat(AssetType::Audio, true), (1, None));
        assert_eq!(beat(AssetType::Activities, true), (0, None));
    }

    #[tokio::test]
    async fn a_panic_in_the_work_ends_the_extending_of_leases() {
        let services = TestServices::default();
        let mut deps = Arc::into_inner(services.deps(CDN).await).expect("nobody else has it");
        deps.config.lease = Duration::from_millis(30);
        let attempt = attempt(&services, FIRST).await;
        let abort = tokio::spawn(std::future::pending::<()>()).abort_handle();
        let job = RunningJob { attempt, abort };
        let running = Arc::new(Mutex::new(HashMap::from([(job.attempt.job.job_id, job)])));

        let extended = services.clone();
        let work = async move {
            while extended.reports() < 2 {
                tokio::task::yield_now().await;
            }
            panic!("on purpose");
        };
        let during =
            extend_leases_during::<()>(Arc::new(deps), Arc::clone(&running), Arc::default(), work);
        let ended = tokio::spawn(during).await;
        assert!(ended.is_err_and(|error| error.is_panic()));
        assert_eq!(
            Arc::strong_count(&running),
            1,
            "nobody is left to extend it"
        );
    }
}
