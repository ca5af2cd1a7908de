//! Everybody asks at the same moment: how much longer the last story takes than one alone.

use crate::benches::pace::{Pace, REAL_PATH_SECONDS};
use crate::{benches::batch, prelude::*};

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| setup.deployed());

const LAST_MAX: f64 = 1.10;

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let count = options.size.pick(4, 20, 100);
    let askers = batch::askers(stack, count).await?;
    let one = &askers[..1];
    batch::warm_up(stack, one).await?;
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
    let wall_ms: fn(&batch::Made) -> f64 = |made| made.wall_ms;
    let alone_ms = percentile(&alone.each(wall_ms), 0.5);
    Ok(figures! {
        "one story alone" => alone_ms / 1000.0, "s",
            beside format!("1/{:.1} of the real latencies", REAL_PATH_SECONDS / pace.seconds());
        format!("the last of {count} at once") =>
            percentile(&all.each(wall_ms), 1.0) / alone_ms, "x one alone", at_most LAST_MAX,
            beside "the documents' poller: 6.7 h until the last of 100 is begun";
        format!("the median of {count} at once") => percentile(&all.each(wall_ms), 0.5) / alone_ms, "x one alone";
    })
}
