//! Row 5: what a claim costs behind a short and a long history, in pages of the database and in jobs a second.

use crate::prelude::*;

pub(crate) const RUN: Run = on_database!(measure);

const BATCH: u32 = 10;
/// Batches looked at page by page; the median is taken.
const SAMPLES: usize = 15;
const WAITING: u32 = 20_000;
/// The goal of the table.
const PAGES_A_JOB: f64 = 18.0;

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

async fn measure(database: &TestDatabase, options: TrialOptions) -> Result<Figures> {
    let long: u32 = options.size.pick(20_000, 500_000, 5_000_000);
    let span = Duration::from_secs(options.size.pick(1, 4, 10));
    database.waiting(WAITING, 50).await;
    database.history(1_000).await;
    let short_history = cost(database, span).await;
    database.history(long - 1_000).await;
    let long_history = cost(database, span).await;

    Ok(figures! {
        "pages a job to choose and lease, behind 1,000 finished" => short_history.leasing_pages_a_job, "pages",
            beside "the study's queue table, without stories: 17";
        format!("pages a job to choose and lease, behind {long}") =>
            long_history.leasing_pages_a_job, "pages", at_most PAGES_A_JOB, when options.size > Size::Short;
        "pages a job of the whole verb, with ten stories' status" => long_history.pages_a_job, "pages";
        "choosing and leasing, long history to short" =>
            long_history.leasing_pages_a_job / short_history.leasing_pages_a_job, "x", at_most 1.10;
        "pages, long history to short" => long_history.pages_a_job / short_history.pages_a_job, "x", at_most 1.10,
            beside format!("without an index for claiming: {:.0}x", long_history.plain_pages_a_job / short_history.plain_pages_a_job.max(1.0));
        "claimed a second behind 1,000" => short_history.jobs_a_second, "jobs/s";
        "rate, long history to short" => long_history.jobs_a_second / short_history.jobs_a_second, "x", at_least 0.7,
            when options.size > Size::Short;
    })
}

async fn cost(database: &TestDatabase, span: Duration) -> Cost {
    let (mut pages, mut leasing) = (Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        pages.push(pages_of(database, query("claim")).await / f64::from(BATCH));
        database.arrange("select trial.put_back()").await;
        leasing.push(pages_of(database, query("choose and lease")).await / f64::from(BATCH));
        database.arrange("select trial.put_back()").await;
    }
    let began = Instant::now();
    let mut claimed = 0;
    while began.elapsed() < span {
        claimed += database.claim_batch(BATCH).await.len();
    }
    let jobs_a_second = claimed as f64 / began.elapsed().as_secs_f64();
    database.arrange("select trial.put_back()").await;
    database.vacuum().await;
    Cost {
        pages_a_job: percentile(&pages, 0.5),
        leasing_pages_a_job: percentile(&leasing, 0.5),
        jobs_a_second,
        plain_pages_a_job: pages_of(database, query("plain")).await / f64::from(BATCH),
    }
}

/// Pages of shared buffers touched by a statement and everything it calls.
async fn pages_of(database: &TestDatabase, explained: &str) -> f64 {
    let plan: Value = database.value(explained).await;
    let node = &plan[0]["Plan"];
    let pages = |name: &str| node[name].as_f64().unwrap_or(0.0);
    pages("Shared Hit Blocks") + pages("Shared Read Blocks")
}
