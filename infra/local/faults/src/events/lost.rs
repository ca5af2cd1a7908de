//! F5: direct kicks and wakes that never arrive; the schedule finds what they were meant to start.

use crate::prelude::*;

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| setup.schedule(TICK)).audited();

/// The schedule of this trial; the template's is one minute.
const TICK: Duration = Duration::from_secs(2);

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let emulator = stack.emulator();
    let count: usize = options.size.pick(3, 20, 100);
    let begun = "asset_type = 'content' and attempt > 0";
    emulator.pause_schedules(true);
    stack.lose(1.0, 0.0);
    let stories = stack.ask_for(count, "Ashenwing").await?;
    let kicked = stack.count_jobs(&stories, begun).await?;
    stack.lose(0.0, 0.0);
    emulator.pause_schedules(false);
    let swept = until("the sweep starts every story", stack.patience, async || {
        Ok(stack.count_jobs(&stories, begun).await? == count as i64)
    })
    .await?;
    // From now on every second event is lost, wakes and handed-over jobs alike.
    stack.lose(0.5, 0.0);
    stack.settle(&stories, Duration::from_secs(150)).await?;
    stack.lose(0.0, 0.0);

    Ok(figures! {
        "stories a direct kick started" => kicked, "stories", is 0;
        "until the sweep had started the last one, schedule of 2 s" =>
            swept, "s", at_most TICK + GRACE,
            beside "with the template's minute instead: up to 60 s";
        "paid calls repeated" => bought_again(stack), "calls", is 0;
    })
}

/// What a direct kick is given before a sweep may take its story, and a claim round on a busy machine.
const GRACE: Duration = Duration::from_secs(10 + 3);
