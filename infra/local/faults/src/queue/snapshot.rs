//! Row 6, F11: somebody holds a snapshot open, so that nothing dead can be cleaned away, while jobs come and go.

use crate::queue::{
    load::{Stretch, offer},
    shape::Shape,
    yard::Yard,
};
use crate::{Figures, Order, Running, Trial, TrialError};
use sqlx::{Connection, PgConnection};
use std::time::Duration;

pub(crate) const SNAPSHOT: Trial = Trial {
    name: "snapshot",
    settles: &["F11", "row 6"],
    question: "a snapshot is held open at a steady and at a high rate of jobs: claiming stays as quick as before",
    run,
};

/// Jobs a second in the steady part.
const STEADY: f64 = 50.0;
/// The share of what this machine can claim, and the most, that the high part offers: waits there must be the queue's.
const HIGH_SHARE: f64 = 0.5;
const HIGH: f64 = 1_500.0;
/// A missed goal is measured anew, so often: dead rows slow every round, other programs only some.
const ROUNDS: usize = 3;

fn run(order: Order) -> Running {
    Box::pin(async move {
        let yard = Yard::open().await?;
        let figures = measured(&yard, order).await;
        yard.close().await;
        figures
    })
}

/// A load before somebody takes a snapshot, and the end of the time under it.
struct Held {
    before: Stretch,
    under: Stretch,
    /// Since the queue was made: none of them could be cleaned away under the snapshot.
    row_versions: i64,
}

async fn measured(yard: &Yard, order: Order) -> Result<Figures, TrialError> {
    let size = order.size;
    let mut figures = Figures::default();
    for (what, rate, span) in [
        ("steady", STEADY, size.pick(0, 60, 600)),
        ("high", HIGH, size.pick(3, 30, 60)),
    ] {
        if span == 0 {
            continue;
        }
        let span = Duration::from_secs(span);
        let mut part = compared(yard, what, rate, span).await?;
        for _ in 1..ROUNDS {
            if part.all_met() {
                break;
            }
            part = compared(yard, what, rate, span).await?;
        }
        figures.extend(part);
    }
    Ok(figures)
}

/// One load with and without the snapshot, ours and the documents' side by side.
async fn compared(
    yard: &Yard,
    what: &str,
    rate: f64,
    span: Duration,
) -> Result<Figures, TrialError> {
    let (ours, rate) = held(yard, Shape::Ours, rate, span).await?;
    let (documents, _) = held(yard, Shape::Documents, rate, span).await?;
    let mut figures = Figures::default();
    figures
        .told(format!("{what}: jobs a second"), rate, "jobs/s")
        .told(
            format!("{what}: row versions left behind"),
            ours.row_versions as f64,
            "rows",
        )
        .told(
            format!("{what}: a claim before"),
            ours.before.claim_ms(),
            "ms",
        )
        .at_most(
            format!("{what}: a claim under the snapshot"),
            ours.under.claim_ms() / ours.before.claim_ms(),
            "x",
            2.0,
        )
        .beside(format!(
            "the documents' query: {:.1}x",
            documents.under.claim_ms() / documents.before.claim_ms()
        ))
        .at_most(
            format!("{what}: p95 of arrival to claim"),
            ours.under.wait_p95_ms() / ours.before.wait_p95_ms(),
            "x",
            2.0,
        )
        .beside(format!(
            "the documents' query: {:.1}x",
            documents.under.wait_p95_ms() / documents.before.wait_p95_ms()
        ))
        .at_least(
            format!("{what}: claimed of what arrived"),
            ours.under.kept_up(),
            "x",
            0.98 * ours.before.kept_up(),
        )
        .beside(format!(
            "the documents' query: {:.3}",
            documents.under.kept_up()
        ));
    Ok(figures)
}

/// The rate, or what this machine can bear of it, before and under a snapshot that is held for `span`; the last third is
/// what is looked at.
async fn held(
    yard: &Yard,
    shape: Shape,
    wanted: f64,
    span: Duration,
) -> Result<(Held, f64), TrialError> {
    shape.prepare(yard).await?;
    let capacity = shape
        .capacity(yard, span.min(Duration::from_secs(3)) / 3)
        .await?;
    let rate = wanted.min(capacity * HIGH_SHARE);
    let before = offer(yard, shape, rate, span / 3).await?;
    let mut reader = PgConnection::connect(yard.superuser_url())
        .await
        .map_err(TrialError::while_trying("open a reader's session"))?;
    sqlx::raw_sql("begin isolation level repeatable read; select count(*) from public.tiers")
        .execute(&mut reader)
        .await
        .map_err(TrialError::while_trying("take a snapshot"))?;
    offer(yard, shape, rate, span * 2 / 3).await?;
    let under = offer(yard, shape, rate, span / 3).await?;
    let table = match shape {
        Shape::Ours => "asset_generation_jobs",
        Shape::Documents => "plain_jobs",
    };
    let row_versions = yard
        .count(&format!(
            "select n_tup_upd from pg_stat_user_tables where relname = '{table}'"
        ))
        .await?;
    // Whoever looked does so no longer; the session ends with its snapshot.
    let _ = reader.close().await;
    Ok((
        Held {
            before,
            under,
            row_versions,
        },
        rate,
    ))
}
