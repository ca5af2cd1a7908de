//! Sustained load before a ceiling: whether the slots that the ceiling allows are ever left empty while somebody waits.

use crate::benches::pace::{ALONE_SECONDS, Pace, REAL_PATH_SECONDS};
use crate::benches::{batch, path};
use crate::prelude::*;
use std::collections::HashMap;

pub(crate) const RUN: Run = on_stack!(measure, |setup, options| {
    setup
        .deployed()
        .setting("MAX_JOBS_IN_FLIGHT", slots(options.size))
});

const USED_MIN: f64 = 0.95;
/// The documents' poller hands out ten jobs every five minutes: 15 stories an hour.
const DOCUMENTED_STORIES_PER_HOUR: f64 = 15.0;

/// In milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: f64,
    to: f64,
}

/// Few slots, so that the stories behind them keep this machine at a fraction of its strength.
fn slots(size: Size) -> usize {
    size.pick(6, 8, 12)
}

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let slots = slots(options.size);
    let count = options.size.pick(6, 20, 120);
    let askers = batch::askers(stack, count).await?;
    // What is ours of a job takes as long at any pace: nearer to the real one its share is nearer to what it will be.
    let slower: f64 = options.size.pick(1.0, 2.0, 2.0);
    let pace = Pace::of_seconds(slower * ALONE_SECONDS);
    batch::warm_up(stack, &askers[..1]).await?;
    let wavering = pace.wavering(stack.stand_ins(), options.seed);
    let mut stories = Vec::new();
    for asker in &askers {
        stories.push(asker.ask().await?);
    }
    batch::settle(
        stack,
        &stories,
        pace.patience() * u32::try_from(count).unwrap_or(u32::MAX),
    )
    .await?;
    drop(wavering);
    stack.become_idle(pace.patience()).await?;

    let jobs = jobs(stack, &stories).await?;
    let calls = calls(stack, &stories).await?;
    let held: Vec<Span> = jobs.iter().map(|(_, held)| *held).collect();
    // Only while somebody waits can a slot be left empty in vain.
    let contended = merged(jobs.iter().map(|(waited, _)| *waited).collect());
    let milliseconds: f64 = contended.iter().map(|span| span.to - span.from).sum();
    let room = slots as f64 * milliseconds;
    let within =
        |spans: &[Span]| -> f64 { contended.iter().map(|span| overlap(spans, *span)).sum() };
    let (held, waiting) = (within(&held) / room, within(&calls) / room);
    let in_all: f64 = calls.iter().map(|span| span.to - span.from).sum();
    let ceiling = slots as f64 / (in_all / 1000.0 / count as f64) * 3600.0;
    let ended = jobs.iter().map(|(_, held)| held.to).fold(0.0, f64::max);
    let began = jobs.iter().map(|(_, held)| held.from);
    let began = began.fold(f64::INFINITY, f64::min);
    let seconds = (ended - began) / 1000.0;

    Ok(figures! {
        "of the ceiling's slots, held by a job" => held, "of 1", at_least USED_MIN;
        "of the ceiling's slots, waiting for a provider" => waiting, "of 1", at_least USED_MIN,
            beside format!("{slots} jobs in flight allowed, {count} stories asked for at once, 1/{:.0} of the real latencies", REAL_PATH_SECONDS / pace.seconds());
        "made" => count as f64 / seconds * 3600.0, "stories/h",
            beside format!("the ceiling at these latencies: {ceiling:.0}; the documents' poller {DOCUMENTED_STORIES_PER_HOUR}");
    })
}

/// Of each job the time from when it could have been begun until it was, and from its claim to its end.
async fn jobs(stack: &TestStack, stories: &[Uuid]) -> Result<Vec<(Span, Span)>> {
    let times = stack.query("when jobs were held").bind(stories);
    let times: Vec<(f64, f64, f64)> = times.rows().await?;
    let span = |from, to| Span { from, to };
    let spans = |(since, from, to): (f64, f64, f64)| (span(since, from), span(from, to));
    Ok(times.into_iter().map(spans).collect())
}

/// The time in which each job had a provider call in flight; several of one job at once count once, as it has one slot.
async fn calls(stack: &TestStack, stories: &[Uuid]) -> Result<Vec<Span>> {
    let ledger = ledger(stack, stories).await?;
    let by_story = path::by_story(ledger, &stack.stand_ins().calls());
    let mut by_job: HashMap<(Uuid, String), Vec<Span>> = HashMap::new();
    for (story, calls) in by_story {
        for call in calls {
            let (from, to) = (call.started_ms as f64, call.ended_ms as f64);
            let spans = by_job.entry((story, call.asset)).or_default();
            spans.push(Span { from, to });
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
