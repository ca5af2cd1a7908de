//! How much longer a story takes than its provider calls must, alone and among others, and its round trips.

use crate::benches::{
    batch::{self, Batch},
    pace::{Pace, REAL_PATH_SECONDS},
};
use crate::{Figures, Order, Running, Trial, TrialError, percentile};
use stack::stack::Stack;

pub(crate) const TRIAL: Trial = Trial {
    name: "story",
    settles: &["row 9", "row 13"],
    question: "A story takes at most 1.02 times its critical path of provider calls (1.05 in the worst hundredth), alone or among many, and 14 round trips.",
    run,
};

const RATIO_P50_MAX: f64 = 1.02;
const RATIO_P99_MAX: f64 = 1.05;
const OVERHEAD_MAX_MS: f64 = 100.0;
const ROUND_TRIPS_MAX: f64 = 14.0;
/// Heartbeats of one invocation come three times a lease, of 60 s by default.
const HEARTBEAT_SECONDS: f64 = 20.0;

fn run(order: Order) -> Running {
    Box::pin(async move {
        let stack = batch::deployed_stack("story", order).await?;
        let measured = measure(&stack, order).await;
        stack.stop().await;
        measured
    })
}

async fn measure(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let mut figures = Figures::default();
    let processor_seconds = alone(stack, order, &mut figures).await?;
    let crowds: &[usize] = order.size.pick(&[4], &[20], &[20, 100]);
    for &count in crowds {
        among_others(stack, order, count, processor_seconds, &mut figures).await?;
    }
    Ok(figures)
}

/// One after the other; answers the processor time a story needs.
async fn alone(stack: &Stack, order: Order, figures: &mut Figures) -> Result<f64, TrialError> {
    let askers = batch::askers(stack, 1).await?;
    // Connections, pages of the programs, the stand-ins' pictures: all warm from here on.
    stack
        .stand_ins()
        .set_latency(Pace::of_seconds(0.5).latency());
    batch::make(stack, &askers, Pace::ALONE.patience()).await?;
    stack.stand_ins().set_latency(Pace::ALONE.latency());
    let (mut ratios, mut overheads, mut last) = (Vec::new(), Vec::new(), None);
    for _ in 0..order.size.pick(1, 5, 15) {
        let batch = batch::make(stack, &askers, Pace::ALONE.patience()).await?;
        ratios.extend(batch.ratios());
        overheads.extend(batch.overheads_ms());
        last = Some(batch);
    }
    let Some(last) = last else { return Ok(0.0) };
    figures.at_most(
        "alone: time / critical path of its calls, median",
        percentile(&ratios, 0.5),
        "x",
        RATIO_P50_MAX,
    );
    figures.beside(format!(
        "{:.2} s of calls, 1/20 of the real ones; the documents' order 2.69 x, a poller every 5 min 6.6 x",
        Pace::ALONE.seconds()
    ));
    figures.at_most(
        "alone: beyond its critical path, median",
        percentile(&overheads, 0.5),
        "ms",
        OVERHEAD_MAX_MS,
    );
    figures.beside(format!(
        "at the real latencies {:.2} %",
        percentile(&overheads, 0.5) / REAL_PATH_SECONDS / 10.0
    ));
    if let Some(made) = last.made.first() {
        let gaps: Vec<String> = made
            .between_ms
            .iter()
            .map(|(what, ms)| format!("{what} {ms:.0}"))
            .collect();
        figures.told(
            "alone: between its calls, the last of them",
            made.wall_ms - made.ideal_ms,
            "ms",
        );
        figures.beside(gaps.join(", "));
    }
    tell_round_trips(&last, figures);
    let parts: Vec<String> = last
        .spent
        .parts()
        .map(|(part, seconds)| format!("{part} {:.0}", seconds * 1000.0))
        .collect();
    figures.told("alone: processor time", last.spent.seconds() * 1000.0, "ms");
    figures.beside(parts.join(", "));
    Ok(last.spent.seconds())
}

fn tell_round_trips(batch: &Batch, figures: &mut Figures) {
    figures.at_most(
        "round trips to PostgREST a story",
        batch.round_trips_each(),
        "calls",
        ROUND_TRIPS_MAX,
    );
    let calls: Vec<String> = batch
        .round_trips
        .iter()
        .map(|(call, times)| {
            let name = call.rsplit(['/', ' ']).next().unwrap_or(call);
            format!("{times} {name}")
        })
        .collect();
    figures.beside(format!("{}; the documents about 50", calls.join(", ")));
    figures.told(
        "heartbeats besides, at the real latencies",
        (REAL_PATH_SECONDS / HEARTBEAT_SECONDS).floor(),
        "calls",
    );
}

async fn among_others(
    stack: &Stack,
    order: Order,
    count: usize,
    processor_seconds: f64,
    figures: &mut Figures,
) -> Result<(), TrialError> {
    let askers = batch::askers(stack, count).await?;
    // As many environments as stories, before anything is measured: a cold start is `init`'s affair.
    let warm = Pace::of_seconds(2.0);
    stack.stand_ins().set_latency(warm.latency());
    batch::make(
        stack,
        &askers,
        Pace::for_stories(count, processor_seconds).patience(),
    )
    .await?;
    stack.stand_ins().clear_calls();

    let pace = Pace::for_stories(count, processor_seconds);
    let wavering = pace.wavering(stack.stand_ins(), order.seed);
    let batch = batch::make(stack, &askers, pace.patience()).await?;
    drop(wavering);
    let ratios = batch.ratios();
    figures.at_most(
        format!("{count} at once: time / critical path, median"),
        percentile(&ratios, 0.5),
        "x",
        RATIO_P50_MAX,
    );
    figures.beside(format!(
        "{:.1} s of calls each, 1/{:.1} of the real ones",
        pace.seconds(),
        REAL_PATH_SECONDS / pace.seconds()
    ));
    figures.at_most(
        format!("{count} at once: time / critical path, 99th of 100"),
        percentile(&ratios, 0.99),
        "x",
        RATIO_P99_MAX,
    );
    figures.told(
        format!("{count} at once: beyond the critical path, median"),
        percentile(&batch.overheads_ms(), 0.5),
        "ms",
    );
    figures.at_most(
        format!("{count} at once: round trips a story"),
        batch.round_trips_each(),
        "calls",
        ROUND_TRIPS_MAX,
    );
    Ok(())
}
