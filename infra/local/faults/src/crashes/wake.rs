//! A wake that never arrives: a process dies between making jobs claimable and waking the worker.

use crate::crashes::stage::{Patience, Stage};
use crate::{Crowd, Figures, Ground, Order, Running, Trial, TrialError, audit, kill};
use stack::{breakpoints::Moment, stack::Stack};
use std::time::{Duration, Instant};
use uuid::Uuid;

pub(crate) const WAKE: Trial = Trial {
    name: "wake",
    settles: &["F1", "F5"],
    question: "a process makes jobs claimable and dies before its wake: they start at once when its death is told, else with the next tick",
    run,
};

/// The schedule of this trial; the template's is one minute.
const TICK: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(60);
/// A claim, an invocation and the start of a process, on a machine that has other things to do.
const ALLOWANCE_S: f64 = 3.0;

fn run(order: Order) -> Running {
    Box::pin(async move {
        let ground = Ground::new("wake", order)?.with(|options| options.schedule = Some(TICK));
        let stack = ground.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let stage = Stage::set(stack).await?;
    let (mut stories, mut heroes) = (Vec::new(), Vec::new());
    let (mut told, mut untold) = (0.0_f64, 0.0_f64);
    for round in 0..order.size.pick(1, 10, 100) {
        for (slowest, lost_records) in [(&mut told, 0.0), (&mut untold, 1.0)] {
            let heroes_here = [0, 1].map(|which| format!("Wagtail{round}{which}{lost_records}"));
            let stories_here = [
                stage.ask_quietly(&heroes_here[0]).await?,
                stage.ask_quietly(&heroes_here[1]).await?,
            ];
            let took = dies_before_its_wake(&stage, stories_here, lost_records).await?;
            *slowest = slowest.max(took.as_secs_f64());
            let settled = Crowd(stack).settled(&stories_here, PATIENCE).await;
            stage.set_faults(0.0, 0.0);
            settled?;
            stories.extend(stories_here);
            heroes.extend(heroes_here);
        }
    }
    let mut figures = Figures::default();
    figures
        .at_most(
            "death told: until the jobs start, slowest",
            told,
            "s",
            ALLOWANCE_S,
        )
        .at_most(
            "death untold: the same, schedule of 2 s",
            untold,
            "s",
            TICK.as_secs_f64() + ALLOWANCE_S,
        )
        .beside("with the template's minute instead: up to 60 s");
    figures.extend(audit(stack, &stories, &heroes).await?.figures());
    Ok(figures)
}

/// The first story's process saves the text while the second waits for a worker, so that what follows is not leased to it:
/// it owes the worker a wake, and dies. The time until the cover is started.
async fn dies_before_its_wake(
    stage: &Stage<'_>,
    [story, waiting]: [Uuid; 2],
    lost_records: f64,
) -> Result<Duration, TrialError> {
    let emulator = stage.stack.emulator();
    emulator.pause_schedules(true);
    stage.make_claimable(waiting).await?;
    stage.set_faults(0.0, lost_records);
    let text = stage.job(story, "content").await?.id.to_string();
    let saved = stage.stack.breakpoints().arm(Moment::After, move |seen| {
        seen.calls("save_story_content") && seen.mentions(&text)
    });
    stage.kick(story)?;
    let held = tokio::time::timeout(PATIENCE, saved)
        .await
        .map_err(|_| TrialError::Stuck("the text was never saved".to_owned()))?;
    let pid = stage.crowd.pid_working_for("content-agent", story);
    let pid = pid.ok_or_else(|| TrialError::Stuck("nobody saves the text".to_owned()))?;
    if stage.job(story, "cover").await?.status != "queued" {
        return Err(TrialError::Stuck(
            "the cover was leased although another story waits".to_owned(),
        ));
    }
    kill(pid);
    let killed = Instant::now();
    drop(held);
    emulator.pause_schedules(false);
    let patience = Patience::until("the cover starts", PATIENCE);
    loop {
        let cover = stage.job(story, "cover").await?;
        if cover.request().is_some() || cover.is_settled() {
            break;
        }
        patience.once_more().await?;
    }
    Ok(killed.elapsed())
}
