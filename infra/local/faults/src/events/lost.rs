//! F5: direct kicks and wakes that never arrive; the schedule finds what they were meant to start.

use crate::{Crowd, Figures, Ground, Order, Running, Trial, TrialError, audit};
use futures::future::try_join_all;
use stack::lambda::Faults;
use stack::stack::Stack;
use std::time::{Duration, Instant};

pub(crate) const LOST: Trial = Trial {
    name: "lost",
    settles: &["F5"],
    question: "every direct kick is lost, and later half of all events: the sweep starts each story in time, and all settle",
    run,
};

/// The schedule of this trial; the template's is one minute.
const TICK: Duration = Duration::from_secs(2);
/// Waiting longer than this for the sweep is pointless.
const PATIENCE: Duration = Duration::from_secs(60);

fn run(order: Order) -> Running {
    Box::pin(async move {
        let ground = Ground::new("lost", order)?.with(|options| options.schedule = Some(TICK));
        let stack = ground.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let crowd = Crowd(stack);
    let emulator = stack.emulator();
    let reader = crowd.newcomer(None).await?;
    let count: usize = order.size.pick(3, 20, 100);
    let heroes: Vec<String> = (0..count).map(|n| format!("Ashenwing{n}x")).collect();

    emulator.pause_schedules(true);
    emulator.set_faults(Faults {
        drop_rate: 1.0,
        ..Faults::default()
    });
    let stories = try_join_all(heroes.iter().map(|hero| reader.ask(hero))).await?;
    let kicked = started(stack, &stories).await?;
    let lost_at = Instant::now();
    emulator.set_faults(Faults::default());
    emulator.pause_schedules(false);
    while started(stack, &stories).await? < count as i64 {
        if lost_at.elapsed() > PATIENCE {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let swept = lost_at.elapsed().as_secs_f64();
    // From now on every second event is lost, wakes and handed-over jobs alike.
    emulator.set_faults(Faults {
        drop_rate: 0.5,
        ..Faults::default()
    });
    crowd.settled(&stories, Duration::from_secs(150)).await?;
    emulator.set_faults(Faults::default());

    let mut figures = Figures::default();
    figures
        .exactly(
            "stories a direct kick started",
            kicked as f64,
            "stories",
            0.0,
        )
        .at_most(
            "until the sweep had started the last one, schedule of 2 s",
            swept,
            "s",
            TICK.as_secs_f64() + GRACE_S,
        )
        .beside("with the template's minute instead: up to 60 s");
    figures.extend(audit(stack, &stories, &heroes).await?.figures());
    Ok(figures)
}

/// What a direct kick is given before a sweep may take its story, and a claim round on a busy machine.
const GRACE_S: f64 = 10.0 + 3.0;

async fn started(stack: &Stack, stories: &[uuid::Uuid]) -> Result<i64, TrialError> {
    sqlx::query_scalar(
        "select count(*) from public.asset_generation_jobs
         where story_id = any ($1) and asset_type = 'content' and attempt > 0",
    )
    .bind(stories)
    .fetch_one(stack.pool())
    .await
    .map_err(TrialError::while_trying("count the stories begun"))
}
