//! Claims and completions a second, by a plain loop of verbs: what a disturbance of the database is measured against.

use crate::prelude::*;
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use store::{Completion, Store};

/// Loops that claim a job and settle it.
const LOOPS: usize = 6;
/// A claim whose answer was lost is claimed again after this.
const LEASE: Duration = Duration::from_secs(2);
/// The window that a rate is taken over.
pub(crate) const WINDOW: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(50);

/// When each job was settled, as its loop heard it.
#[derive(Default)]
pub(crate) struct Settled {
    at: Mutex<Vec<Instant>>,
    stop: AtomicBool,
}

impl Settled {
    pub(crate) fn count(&self) -> usize {
        self.times().len()
    }

    /// Settled a second between two moments.
    pub(crate) fn rate(&self, from: Instant, to: Instant) -> f64 {
        let times = self.times();
        let within = times.iter().filter(|at| **at >= from && **at < to).count();
        within as f64 / to.duration_since(from).as_secs_f64()
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Waits until a window has this rate again, at most `patience`; how long after `since` the first one began.
    pub(crate) async fn back_at(
        &self,
        rate: f64,
        since: Instant,
        patience: Duration,
    ) -> Option<Duration> {
        loop {
            let back = self.first_window(rate, since, patience);
            if back.is_some() || since.elapsed() > patience + WINDOW {
                return back;
            }
            tokio::time::sleep(STEP).await;
        }
    }

    /// How long after `since` the first window with this rate began, of those that are over.
    pub(crate) fn first_window(
        &self,
        rate: f64,
        since: Instant,
        patience: Duration,
    ) -> Option<Duration> {
        let steps = (0..).map(|step| STEP * step);
        steps
            .take_while(|after| *after <= patience && since.elapsed() >= *after + WINDOW)
            .find(|after| self.rate(since + *after, since + *after + WINDOW) >= rate)
    }

    fn times(&self) -> std::sync::MutexGuard<'_, Vec<Instant>> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts jobs into the queue, past the verbs, in one statement.
pub(crate) async fn queue(stack: &TestStack, user: Uuid, jobs: usize) -> Result<()> {
    let hero = stack.hero_of(user).await?;
    let queue = stack.query("jobs for the loop").bind(user).bind(hero);
    queue.bind(jobs as i32).run().await
}

/// Claims and settles until told to stop; what fails is left to its lease.
pub(crate) async fn work(store: &Store, settled: &Settled) {
    futures::future::join_all((0..LOOPS).map(|_| one_loop(store, settled))).await;
}

async fn one_loop(store: &Store, settled: &Settled) {
    while !settled.stop.load(Ordering::SeqCst) {
        let request = Uuid::new_v4().to_string();
        let Ok(claimed) = store
            .claim_asset_jobs(1, LEASE, 1000, &request, Duration::ZERO)
            .await
        else {
            continue;
        };
        if claimed.jobs.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for job in &claimed.jobs {
            let done = store
                .complete_job(job, &Completion::default(), &[], None)
                .await;
            if done.is_ok_and(|done| done.accepted) {
                settled.times().push(Instant::now());
            }
        }
    }
}

/// Stories that are neither waiting nor ready, and stories with a second effect, after every lease has run out.
pub(crate) async fn left_wrong(stack: &TestStack) -> Result<(i64, i64)> {
    tokio::time::sleep(LEASE).await;
    stack
        .arrange("select public.expire_stuck_jobs(1000)")
        .await?;
    let lost = stack
        .query("jobs of the loop that were lost")
        .value()
        .await?;
    let twice = stack.query("jobs of the loop that were settled twice");
    Ok((lost, twice.value().await?))
}
