//! F7: many claimers, one queue, no events: every job is claimed exactly once, in as few calls as there are batches.

use crate::prelude::*;
use std::{collections::HashMap, sync::Arc};
use tokio::task::JoinSet;

pub(crate) const RUN: Run = on_database!(measure);

const CLAIMERS: usize = 16;
const BATCH: u32 = 50;

async fn measure(database: &Arc<TestDatabase>, options: TrialOptions) -> Result<Figures> {
    let jobs: u32 = options.size.pick(2_000, 50_000, 1_000_000);
    database.waiting(jobs, 50).await;
    database.vacuum().await;
    let began = Instant::now();
    let mut claimers = JoinSet::new();
    for _ in 0..CLAIMERS {
        let database = Arc::clone(database);
        claimers.spawn(async move { claim_until_empty(&database).await });
    }
    let ended = claimers.join_all().await;
    let rate = f64::from(jobs) / began.elapsed().as_secs_f64();
    let calls: u64 = ended.iter().map(|(_, calls)| calls).sum();
    let mut times_claimed: HashMap<&str, u32> = HashMap::new();
    for id in ended.iter().flat_map(|(ids, _)| ids) {
        *times_claimed.entry(id).or_default() += 1;
    }
    let twice = times_claimed.values().filter(|times| **times > 1).count();
    let lost = f64::from(jobs) - times_claimed.len() as f64;
    let handled: u32 = times_claimed.values().sum();
    let tokens: i64 = database
        .value("select count(distinct lease_token) from public.asset_generation_jobs where status = 'generating'")
        .await;

    Ok(figures! {
        "jobs" => jobs, "jobs";
        "claimed a second, sixteen claimers" => rate, "jobs/s";
        "claimed twice" => twice, "jobs", is 0;
        "left behind" => lost, "jobs", is 0;
        "calls of the content agent a job" => f64::from(handled) / f64::from(jobs), "calls", is 1,
            beside "the documents' loop at 8 workers: 5.84";
        "jobs without a lease token of their own" => f64::from(jobs) - tokens as f64, "jobs", is 0;
        "claims made a full batch" => calls as f64 / (f64::from(jobs) / f64::from(BATCH)), "calls";
    })
}

/// Claims until nothing is left: what it got, and the calls that took.
async fn claim_until_empty(database: &TestDatabase) -> (Vec<String>, u64) {
    let (mut ids, mut calls) = (Vec::new(), 0);
    loop {
        let jobs = database.claim_batch(BATCH).await;
        calls += 1;
        // Nothing, or nothing that was free at that moment.
        let waiting = "public.asset_generation_jobs where status = 'queued' and inputs_settled";
        if jobs.is_empty() && database.count(waiting).await == 0 {
            return (ids, calls);
        }
        ids.extend(jobs.into_iter().map(|job| job.job));
    }
}
