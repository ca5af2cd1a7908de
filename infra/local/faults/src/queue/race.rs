//! F7: many claimers, one queue, no events: every job is claimed exactly once, in as few calls as there are batches.

use crate::queue::yard::Yard;
use crate::{Figures, Order, Running, Trial, TrialError};
use std::{collections::HashMap, sync::Arc, time::Instant};
use tokio::task::JoinSet;

pub(crate) const RACE: Trial = Trial {
    name: "race",
    settles: &["F7", "row 7"],
    question: "sixteen workers empty one queue at once: no job is claimed twice, none is left",
    run,
};

const CLAIMERS: usize = 16;
const BATCH: i32 = 50;

fn run(order: Order) -> Running {
    Box::pin(async move {
        let yard = Arc::new(Yard::open().await?);
        let figures = measured(&yard, order).await;
        if let Some(yard) = Arc::into_inner(yard) {
            yard.close().await;
        }
        figures
    })
}

async fn measured(yard: &Arc<Yard>, order: Order) -> Result<Figures, TrialError> {
    let jobs: u32 = order.size.pick(2_000, 50_000, 1_000_000);
    yard.waiting(jobs, 50).await?;
    yard.vacuum().await?;
    let began = Instant::now();
    let mut claimers = JoinSet::new();
    for _ in 0..CLAIMERS {
        let yard = Arc::clone(yard);
        claimers.spawn(async move { claim_until_empty(&yard).await });
    }
    let mut times_claimed: HashMap<String, u32> = HashMap::new();
    let mut calls = 0_u64;
    while let Some(ended) = claimers.join_next().await {
        let (ids, made) = ended.map_err(TrialError::while_trying("run a claimer"))??;
        calls += made;
        for id in ids {
            *times_claimed.entry(id).or_default() += 1;
        }
    }
    let rate = f64::from(jobs) / began.elapsed().as_secs_f64();
    let twice = times_claimed.values().filter(|times| **times > 1).count();
    let lost = f64::from(jobs) - times_claimed.len() as f64;
    let handled: u32 = times_claimed.values().sum();
    let tokens = yard
        .count("select count(distinct lease_token) from public.asset_generation_jobs where status = 'generating'")
        .await?;

    let mut figures = Figures::default();
    figures
        .told("jobs", f64::from(jobs), "jobs")
        .told("claimed a second, sixteen claimers", rate, "jobs/s")
        .exactly("claimed twice", twice as f64, "jobs", 0.0)
        .exactly("left behind", lost, "jobs", 0.0)
        .exactly(
            "calls of the content agent a job",
            f64::from(handled) / f64::from(jobs),
            "calls",
            1.0,
        )
        .beside("the documents' loop at 8 workers: 5.84")
        .exactly(
            "jobs without a lease token of their own",
            f64::from(jobs) - tokens as f64,
            "jobs",
            0.0,
        )
        .told(
            "claims made a full batch",
            calls as f64 / (f64::from(jobs) / f64::from(BATCH)),
            "calls",
        );
    Ok(figures)
}

/// Claims until nothing is left: what it got, and the calls that took.
async fn claim_until_empty(yard: &Yard) -> Result<(Vec<String>, u64), TrialError> {
    let (mut ids, mut calls) = (Vec::new(), 0);
    loop {
        let jobs = yard.claim(BATCH).await?;
        calls += 1;
        if !jobs.is_empty() {
            ids.extend(
                jobs.iter()
                    .filter_map(|job| job["jobId"].as_str().map(str::to_owned)),
            );
            continue;
        }
        // Nothing, or nothing that was free at that moment.
        let left = yard
            .count("select count(*) from public.asset_generation_jobs where status = 'queued' and inputs_settled")
            .await?;
        if left == 0 {
            return Ok((ids, calls));
        }
    }
}
