//! Everybody asks at the same moment: how much longer the last story takes than one alone.

use crate::benches::{
    batch,
    pace::{Pace, REAL_PATH_SECONDS},
};
use crate::{Figures, Order, Running, Trial, TrialError, percentile};
use stack::stack::Stack;

pub(crate) const TRIAL: Trial = Trial {
    name: "burst",
    settles: &["row 11"],
    question: "Of a hundred stories asked for at once, the last is ready at most 1.10 times as late as one alone; the providers are unlimited.",
    run,
};

const LAST_MAX: f64 = 1.10;

fn run(order: Order) -> Running {
    Box::pin(async move {
        let stack = batch::deployed_stack("burst", order).await?;
        let measured = measure(&stack, order).await;
        stack.stop().await;
        measured
    })
}

async fn measure(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let count = order.size.pick(4, 20, 100);
    let askers = batch::askers(stack, count).await?;
    let one = &askers[..1];
    stack
        .stand_ins()
        .set_latency(Pace::of_seconds(0.5).latency());
    batch::make(stack, one, Pace::ALONE.patience()).await?;
    let cost = batch::make(stack, one, Pace::ALONE.patience()).await?;
    let pace = Pace::for_stories(count, cost.spent.seconds());
    // As many environments as stories: a cold start is `init`'s affair.
    stack
        .stand_ins()
        .set_latency(Pace::of_seconds(2.0).latency());
    batch::make(stack, &askers, pace.patience()).await?;

    stack.stand_ins().set_latency(pace.latency());
    let alone = batch::make(stack, one, pace.patience()).await?;
    let all = batch::make(stack, &askers, pace.patience()).await?;
    let alone_ms = percentile(&walls(&alone), 0.5);
    let mut figures = Figures::default();
    figures.told("one story alone", alone_ms / 1000.0, "s");
    figures.beside(format!(
        "1/{:.1} of the real latencies",
        REAL_PATH_SECONDS / pace.seconds()
    ));
    figures.at_most(
        format!("the last of {count} at once"),
        percentile(&walls(&all), 1.0) / alone_ms,
        "x one alone",
        LAST_MAX,
    );
    figures.beside("the documents' poller: 6.7 h until the last of 100 is begun");
    figures.told(
        format!("the median of {count} at once"),
        percentile(&walls(&all), 0.5) / alone_ms,
        "x one alone",
    );
    Ok(figures)
}

fn walls(batch: &batch::Batch) -> Vec<f64> {
    batch.made.iter().map(|made| made.wall_ms).collect()
}
