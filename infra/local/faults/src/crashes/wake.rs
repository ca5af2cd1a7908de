//! A wake that never arrives: a process dies between making jobs claimable and waking the worker.

use crate::prelude::*;
use stack::breakpoints::Moment;

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| setup.schedule(TICK)).audited();

/// The schedule of this trial; the template's is one minute.
const TICK: Duration = Duration::from_secs(2);

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let (mut told, mut untold) = (Duration::ZERO, Duration::ZERO);
    for round in 0..options.size.pick(1, 10, 100) {
        for (slowest, lost_records) in [(&mut told, 0.0), (&mut untold, 1.0)] {
            let hero = format!("Wagtail{round}{lost_records}");
            let story = stack.ask_without_event(&format!("{hero}a")).await?;
            let waiting = stack.ask_without_event(&format!("{hero}b")).await?;
            let took = die_before_its_wake(stack, story, waiting, lost_records).await?;
            *slowest = took.max(*slowest);
            let settled = stack.settle(&[story, waiting], stack.patience).await;
            stack.lose(0.0, 0.0);
            settled?;
        }
    }
    // A claim, an invocation and the start of a process; in the short form beside other trials.
    let allowance = Duration::from_secs(options.size.pick(10, 3, 3));
    Ok(figures! {
        "death told: until the jobs start, slowest" => told, "s", at_most allowance;
        "death untold: the same, schedule of 2 s" => untold, "s", at_most TICK + allowance,
            beside "with the template's minute instead: up to 60 s";
    }
    .and(stack.not_ready().await?))
}

/// The first story's process saves the outline while the second waits for a worker, so that the cover is not leased to it:
/// it owes the worker a wake, and dies. The time until the cover is started.
async fn die_before_its_wake(
    stack: &TestStack,
    story: Uuid,
    waiting: Uuid,
    lost_records: f64,
) -> Result<Duration> {
    let emulator = stack.emulator();
    emulator.pause_schedules(true);
    stack.make_claimable(waiting).await?;
    stack.lose(0.0, lost_records);
    let text = stack.job(story, "content").await?.id.to_string();
    let saved = stack.breakpoints().arm(Moment::After, move |seen| {
        seen.calls("save_manuscript") && seen.mentions(&text)
    });
    stack.kick(story)?;
    let held = in_time("the outline was saved", stack.patience, saved).await?;
    let Some(pid) = stack.pid_working_for("content-agent", story) else {
        return stuck("nobody saves the outline");
    };
    if stack.job(story, "cover").await?.status != "queued" {
        return stuck("the cover was leased although another story waits");
    }
    kill(pid);
    let killed = Instant::now();
    drop(held);
    emulator.pause_schedules(false);
    until("the cover starts", stack.patience, async || {
        let cover = stack.job(story, "cover").await?;
        Ok(cover.request().is_some() || cover.is_settled())
    })
    .await?;
    Ok(killed.elapsed())
}
