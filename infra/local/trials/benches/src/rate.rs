//! Sustained load before a ceiling: whether the slots that the ceiling allows are ever left empty while somebody waits.

use crate::{
    batch,
    pace::{ALONE_SECONDS, Pace},
    path::{self, LedgerRow},
};
use local_stack::{functions::Profile, stack::Stack};
use local_trials::{Figures, Ground, Order, Running, Trial, TrialError};
use std::collections::HashMap;
use uuid::Uuid;

pub(crate) const TRIAL: Trial = Trial {
    name: "rate",
    settles: &["row 10"],
    question: "With more asked for than the ceiling on jobs in flight allows, at least 95 % of what it allows is spent waiting for providers.",
    run,
};

const USED_MIN: f64 = 0.95;
/// The documents' poller hands out ten jobs every five minutes: 15 stories an hour.
const DOCUMENTED_STORIES_PER_HOUR: f64 = 15.0;

fn run(order: Order) -> Running {
    Box::pin(async move {
        // Few slots, so that the stories behind them keep this machine at a fraction of its strength.
        let slots = order.size.pick(6, 8, 12);
        let stack = Ground::new("rate", order)?
            .setting("JOB_LEASE_SECONDS", 60)
            .setting("MAX_JOBS_IN_FLIGHT", slots)
            .with(|options| options.profile = Profile::Release)
            .start()
            .await?;
        let measured = measure(&stack, order, slots).await;
        stack.stop().await;
        measured
    })
}

/// A job from its claim to its end, in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: f64,
    to: f64,
}

async fn measure(stack: &Stack, order: Order, slots: usize) -> Result<Figures, TrialError> {
    let count = order.size.pick(6, 20, 120);
    let askers = batch::askers(stack, count).await?;
    let pace = Pace::of_seconds(ALONE_SECONDS);
    stack
        .stand_ins()
        .set_latency(Pace::of_seconds(0.5).latency());
    batch::make(stack, &askers[..1], pace.patience()).await?;
    let wavering = pace.wavering(stack.stand_ins(), order.seed);
    let mut stories = Vec::new();
    for asker in &askers {
        stories.push(asker.ask().await?);
    }
    batch::settled(
        stack,
        &stories,
        pace.patience() * u32::try_from(count).unwrap_or(u32::MAX),
    )
    .await?;
    drop(wavering);
    batch::idle(stack, pace.patience()).await?;

    let jobs = jobs(stack, &stories).await?;
    let calls = calls(stack, &stories).await?;
    // Until the last job is begun there is always somebody who waits.
    let from = jobs
        .iter()
        .map(|job| job.from)
        .fold(f64::INFINITY, f64::min);
    let to = jobs.iter().map(|job| job.from).fold(0.0, f64::max);
    let window = Span { from, to };
    let room = slots as f64 * (to - from);
    let held = overlap(&jobs, window) / room;
    let waiting = overlap(&calls, window) / room;
    let seconds = (to - from) / 1000.0;
    let per_story = overlap(&calls, window) / 1000.0 / count as f64;
    let ceiling = slots as f64 / per_story * 3600.0;

    let mut figures = Figures::default();
    figures.at_least(
        "of the ceiling's slots, held by a job",
        held,
        "of 1",
        USED_MIN,
    );
    figures.at_least(
        "of the ceiling's slots, waiting for a provider",
        waiting,
        "of 1",
        USED_MIN,
    );
    figures.beside(format!(
        "{slots} jobs in flight allowed, {count} stories asked for at once"
    ));
    figures.told("made", count as f64 / seconds * 3600.0, "stories/h");
    figures.beside(format!(
        "the ceiling at these latencies: {ceiling:.0}; the documents' poller {DOCUMENTED_STORIES_PER_HOUR}"
    ));
    Ok(figures)
}

async fn jobs(stack: &Stack, stories: &[Uuid]) -> Result<Vec<Span>, TrialError> {
    let spans: Vec<(f64, f64)> = sqlx::query_as(
        "select (extract(epoch from started_at) * 1000)::float8, (extract(epoch from completed_at) * 1000)::float8
         from public.asset_generation_jobs where story_id = any ($1) and started_at is not null and completed_at is not null",
    )
    .bind(stories)
    .fetch_all(stack.pool())
    .await
    .map_err(TrialError::while_trying("read when the jobs ran"))?;
    Ok(spans
        .into_iter()
        .map(|(from, to)| Span { from, to })
        .collect())
}

/// The time in which each job had a provider call in flight; several of one job at once count once, as it has one slot.
async fn calls(stack: &Stack, stories: &[Uuid]) -> Result<Vec<Span>, TrialError> {
    let ledger: Vec<LedgerRow> = sqlx::query_as(
        "select call_key, story_id, asset_type, kind from public.usage_ledger where story_id = any ($1)",
    )
    .bind(stories)
    .fetch_all(stack.pool())
    .await
    .map_err(TrialError::while_trying("read the usage ledger"))?;
    let by_story = path::by_story(ledger, &stack.stand_ins().calls());
    let mut by_job: HashMap<(Uuid, String), Vec<Span>> = HashMap::new();
    for (story, calls) in by_story {
        for call in calls {
            let span = Span {
                from: call.started_ms as f64,
                to: call.ended_ms as f64,
            };
            by_job.entry((story, call.asset)).or_default().push(span);
        }
    }
    Ok(by_job.into_values().flat_map(merged).collect())
}

/// The same time without overlaps.
fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by(|a, b| a.from.total_cmp(&b.from));
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
            _ => merged.push(span),
        }
    }
    merged
}

/// Milliseconds of these spans inside the window, added up.
fn overlap(spans: &[Span], window: Span) -> f64 {
    spans
        .iter()
        .map(|span| (span.to.min(window.to) - span.from.max(window.from)).max(0.0))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_counts_once_per_job_and_only_inside_the_window() {
        let span = |from, to| Span { from, to };
        let merged = merged(vec![span(5.0, 9.0), span(0.0, 6.0), span(20.0, 30.0)]);
        assert_eq!(merged.len(), 2);
        assert_eq!(overlap(&merged, span(4.0, 25.0)), 5.0 + 5.0);
    }
}
