//! How much longer a story takes than its provider calls must, alone and among others, and its round trips.

use crate::benches::batch::{self, DOCUMENTED_RATIO, OVERHEAD_MS, RATIO};
use crate::benches::pace::{DOCUMENTED_PATH_SECONDS, Pace, REAL_PATH_SECONDS};
use crate::{benches::virtual_time, prelude::*};

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| setup.deployed());

const RATIO_P50_MAX: f64 = 1.02;
const RATIO_P99_MAX: f64 = 1.05;
const OVERHEAD_MAX_MS: f64 = 100.0;
/// Of the documented way.
const DOCUMENTED_P50_MAX: f64 = 0.72;
const DOCUMENTED_P99_MAX: f64 = 0.76;
const VIRTUAL_STORIES: usize = 10_000;
const ROUND_TRIPS_MAX: f64 = 18.0;
/// Heartbeats of one invocation come so often, that whoever waits sees its work move.
const HEARTBEAT_SECONDS: f64 = 2.0;

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let (mut figures, processor_seconds) = alone(stack, options).await?;
    let crowds: &[usize] = options.size.pick(&[4], &[20], &[20, 100]);
    for &count in crowds {
        figures.extend(among_others(stack, options, count, processor_seconds).await?);
    }
    Ok(figures)
}

/// One after the other; and the processor time a story needs.
async fn alone(stack: &TestStack, options: TrialOptions) -> Result<(Figures, f64)> {
    let askers = batch::askers(stack, 1).await?;
    batch::warm_up(stack, &askers).await?;
    stack.stand_ins().set_latency(Pace::ALONE.latency());
    let (mut ratios, mut overheads, mut last) = (Vec::new(), Vec::new(), None);
    let mut documented = Vec::new();
    for _ in 0..options.size.pick(1, 5, 15) {
        let batch = batch::make(stack, &askers, Pace::ALONE.patience()).await?;
        ratios.extend(batch.each(RATIO));
        overheads.extend(batch.each(OVERHEAD_MS));
        documented.extend(batch.each(DOCUMENTED_RATIO));
        last = Some(batch);
    }
    let Some((last, made)) =
        last.and_then(|last| last.made.first().cloned().map(|made| (last, made)))
    else {
        return stuck("no story was made");
    };
    let (spent, trips) = (&last.spent, &last.round_trips);
    let short = |call: &str| {
        call.rsplit(['/', ' '])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let trips = listed(
        trips
            .iter()
            .map(|(call, times)| format!("{times} {}", short(call))),
    );
    let ours_seconds = percentile(&overheads, 0.5) / 1000.0;
    let virtual_ratios =
        virtual_time::documented_ratios(VIRTUAL_STORIES, options.seed, ours_seconds);
    let timeline = format!("who waited for whom:\n{}", made.timeline);
    let figures = figures! {
        "alone: time / documented way, median" => percentile(&documented, 0.5), "x", at_most DOCUMENTED_P50_MAX,
            beside format!("at the real latencies {:.2}, of {DOCUMENTED_PATH_SECONDS} s",
                (REAL_PATH_SECONDS + percentile(&overheads, 0.5) / 1000.0) / DOCUMENTED_PATH_SECONDS);
        "alone: time / critical path of its calls, median" => percentile(&ratios, 0.5), "x", at_most RATIO_P50_MAX,
            beside format!(
                "{:.2} s of calls, 1/20 of the real ones; a poller every 5 min 6.6 x",
                Pace::ALONE.seconds()
            );
        "alone: beyond its critical path, median" => percentile(&overheads, 0.5), "ms", at_most OVERHEAD_MAX_MS,
            beside format!("at the real latencies {:.2} %", percentile(&overheads, 0.5) / REAL_PATH_SECONDS / 10.0);
        "alone: between its calls, the last of them" => made.wall_ms - made.ideal_ms, "ms",
            beside listed(made.between_ms.iter().map(|(what, ms)| format!("{what} {ms:.0}")));
        "round trips to PostgREST a story, heartbeats apart" => last.round_trips_each(), "calls", at_most ROUND_TRIPS_MAX,
            beside format!("{trips}; the documents about 50");
        "heartbeats besides, at the real latencies" => (REAL_PATH_SECONDS / HEARTBEAT_SECONDS).floor(), "calls",
            beside format!("here {}", last.heartbeats_each());
        "alone: processor time" => spent.seconds() * 1000.0, "ms",
            beside listed(spent.parts().map(|(part, seconds)| format!("{part} {:.0}", seconds * 1000.0)));
        "in virtual time, real latencies: time / documented way, median" =>
            percentile(&virtual_ratios, 0.5), "x", at_most DOCUMENTED_P50_MAX, beside format!("{VIRTUAL_STORIES} stories");
        "in virtual time, real latencies: time / documented way, 99th of 100" =>
            percentile(&virtual_ratios, 0.99), "x", at_most DOCUMENTED_P99_MAX;
        "alone: calls to providers" => made.timeline.lines().count(), "calls", beside timeline;
    };
    Ok((figures, spent.seconds()))
}

fn listed(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

async fn among_others(
    stack: &TestStack,
    options: TrialOptions,
    count: usize,
    processor_seconds: f64,
) -> Result<Figures> {
    let askers = batch::askers(stack, count).await?;
    let pace = Pace::for_stories(count, processor_seconds);
    // As many environments as stories, before anything is measured: a cold start is `init`'s affair.
    stack
        .stand_ins()
        .set_latency(Pace::of_seconds(2.0).latency());
    batch::make(stack, &askers, pace.patience()).await?;
    stack.stand_ins().clear_calls();

    let wavering = pace.wavering(stack.stand_ins(), options.seed);
    let batch = batch::make(stack, &askers, pace.patience()).await?;
    drop(wavering);
    let ratios = batch.each(RATIO);
    let documented = batch.each(DOCUMENTED_RATIO);
    Ok(figures! {
        format!("{count} at once: time / documented way, median") =>
            percentile(&documented, 0.5), "x", at_most DOCUMENTED_P50_MAX;
        format!("{count} at once: time / documented way, 99th of 100") =>
            percentile(&documented, 0.99), "x", at_most DOCUMENTED_P99_MAX;
        format!("{count} at once: time / critical path, median") =>
            percentile(&ratios, 0.5), "x", at_most RATIO_P50_MAX,
            beside format!("{:.1} s of calls each, 1/{:.1} of the real ones", pace.seconds(), REAL_PATH_SECONDS / pace.seconds());
        format!("{count} at once: time / critical path, 99th of 100") =>
            percentile(&ratios, 0.99), "x", at_most RATIO_P99_MAX;
        format!("{count} at once: beyond the critical path, median") => percentile(&batch.each(OVERHEAD_MS), 0.5), "ms";
        format!("{count} at once: round trips a story, heartbeats apart") => batch.round_trips_each(),
            "calls", at_most ROUND_TRIPS_MAX, beside format!("and {:.1} heartbeats", batch.heartbeats_each());
    })
}
