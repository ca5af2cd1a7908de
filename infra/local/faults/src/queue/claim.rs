//! Row 5: what a claim costs behind a short and a long history, in pages of the database and in jobs a second.

use crate::queue::yard::{ALOUD, QUIETLY, Yard};
use crate::{Figures, Order, Running, Size, Trial, TrialError};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use std::time::{Duration, Instant};

pub(crate) const CLAIM: Trial = Trial {
    name: "claim",
    settles: &["row 5"],
    question: "a batch of ten is claimed behind a thousand finished jobs and behind very many: the cost stays flat",
    run,
};

const BATCH: i32 = 10;
/// Batches looked at page by page; the median is taken.
const SAMPLES: usize = 15;
const WAITING: u32 = 20_000;
/// The goal of the table.
const PAGES_A_JOB: f64 = 18.0;

fn run(order: Order) -> Running {
    Box::pin(async move {
        let yard = Yard::open().await?;
        let figures = measured(&yard, order).await;
        yard.close().await;
        figures
    })
}

/// What claiming costs in one state of the tables.
struct Cost {
    /// Of the whole verb, with the status of ten stories and the answer.
    pages_a_job: f64,
    /// Of what a queue alone would do: choose ten jobs and lease them.
    leasing_pages_a_job: f64,
    jobs_a_second: f64,
    /// The documents' query on the same rows without an index made for it.
    plain_pages_a_job: f64,
}

async fn measured(yard: &Yard, order: Order) -> Result<Figures, TrialError> {
    let long: u32 = order.size.pick(20_000, 500_000, 5_000_000);
    let span = Duration::from_secs(order.size.pick(1, 4, 10));
    yard.waiting(WAITING, 50).await?;
    yard.history(1_000).await?;
    let short_history = cost(yard, span).await?;
    yard.history(long - 1_000).await?;
    let long_history = cost(yard, span).await?;

    let mut figures = Figures::default();
    figures
        .told(
            "pages a job to choose and lease, behind 1,000 finished",
            short_history.leasing_pages_a_job,
            "pages",
        )
        .beside("the study's queue table, without stories: 17")
        .told(
            format!("pages a job to choose and lease, behind {long}"),
            long_history.leasing_pages_a_job,
            "pages",
        )
        .told(
            "pages a job of the whole verb, with ten stories' status",
            long_history.pages_a_job,
            "pages",
        )
        .at_most(
            "choosing and leasing, long history to short",
            long_history.leasing_pages_a_job / short_history.leasing_pages_a_job,
            "x",
            1.10,
        )
        .at_most(
            "pages, long history to short",
            long_history.pages_a_job / short_history.pages_a_job,
            "x",
            1.10,
        )
        .beside(format!(
            "without an index for claiming: {:.0}x",
            long_history.plain_pages_a_job / short_history.plain_pages_a_job.max(1.0)
        ))
        .told(
            "claimed a second behind 1,000",
            short_history.jobs_a_second,
            "jobs/s",
        )
        .at_least(
            "rate, long history to short",
            long_history.jobs_a_second / short_history.jobs_a_second,
            "x",
            0.7,
        );
    if order.size > Size::Short {
        figures.at_most(
            "pages a job to choose and lease",
            long_history.leasing_pages_a_job,
            "pages",
            PAGES_A_JOB,
        );
    }
    Ok(figures)
}

async fn cost(yard: &Yard, span: Duration) -> Result<Cost, TrialError> {
    let (mut pages, mut leasing) = (Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        pages.push(pages_of(yard, CLAIM_TEN).await? / f64::from(BATCH));
        put_back(yard).await?;
        leasing.push(pages_of(yard, LEASE_TEN).await? / f64::from(BATCH));
        put_back(yard).await?;
    }
    let began = Instant::now();
    let mut claimed = 0;
    while began.elapsed() < span {
        claimed += yard.claim(BATCH).await?.len();
    }
    let jobs_a_second = claimed as f64 / began.elapsed().as_secs_f64();
    put_back(yard).await?;
    yard.vacuum().await?;
    Ok(Cost {
        pages_a_job: crate::percentile(&pages, 0.5),
        leasing_pages_a_job: crate::percentile(&leasing, 0.5),
        jobs_a_second,
        plain_pages_a_job: pages_of(yard, PLAIN_TEN).await? / f64::from(BATCH),
    })
}

const CLAIM_TEN: &str = "explain (analyze, buffers, format json)
    select public.claim_asset_jobs(p_limit => 10, p_lease_seconds => 60, p_max_in_flight => 2000000)";
const LEASE_TEN: &str = "explain (analyze, buffers, format json)
    select * from private.lease_jobs(private.choose_jobs(10), 'trial', 60)";
/// Sorted by an expression, so that no index serves it.
const PLAIN_TEN: &str = "explain (analyze, buffers, format json)
    select * from public.asset_generation_jobs where status || '' = 'queued' order by created_at limit 10";

/// Pages of shared buffers touched by a statement and everything it calls.
async fn pages_of(yard: &Yard, explained: &'static str) -> Result<f64, TrialError> {
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(explained))
        .fetch_one(&yard.superuser)
        .await
        .map_err(TrialError::while_trying("explain a claim"))?;
    let node = &plan[0]["Plan"];
    let pages = |name: &str| node[name].as_f64().unwrap_or(0.0);
    Ok(pages("Shared Hit Blocks") + pages("Shared Read Blocks"))
}

/// The claimed jobs are waiting again, as others would be in their place.
async fn put_back(yard: &Yard) -> Result<(), TrialError> {
    yard.arrange(&format!(
        "{QUIETLY} update public.asset_generation_jobs set status = 'queued', lease_token = null, lease_owner = null,
           lease_expires_at = null, attempt = 0,
           state_changed_xid = pg_current_xact_id()::text::bigint where status = 'generating'; {ALOUD}"
    ))
    .await
}
