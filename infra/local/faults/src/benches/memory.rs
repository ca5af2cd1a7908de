//! Many stories in one environment: what the content agent holds at most, whether it grows, and what that would cost.

mod environment;

use crate::benches::{
    batch::{self, Asker},
    binaries,
    first_poll::{peak_mb, resident_mb},
    pace::{Pace, REAL_PATH_SECONDS},
    processor::Spent,
};
use crate::{Figures, Order, Running, Trial, TrialError};
use environment::Environment;
use serde_json::json;
use stack::lambda::Faults;
use stack::stack::Stack;
use std::path::Path;
use uuid::Uuid;

pub(crate) const TRIAL: Trial = Trial {
    name: "memory",
    settles: &["row 18", "row 12"],
    question: "A content agent with 25 stories in flight holds at most 384 MB and does not grow, and a story then costs at most 6.3 GB-s.",
    run,
};

const PEAK_MAX_MB: f64 = 384.0;
/// What such an environment would be given.
const ENVIRONMENT_GB: f64 = 0.5;
const GB_SECONDS_MAX: f64 = 6.3;
/// More at rest after a further round; an allocator keeps a page here and there.
const GROWTH_MAX_MB: f64 = 8.0;

fn run(order: Order) -> Running {
    Box::pin(async move {
        let program = binaries::release(order).await?.join("content-agent");
        let stack = batch::deployed_stack("memory", order).await?;
        let measured = measure(&stack, &program, order).await;
        stack.stop().await;
        measured
    })
}

async fn measure(stack: &Stack, program: &Path, order: Order) -> Result<Figures, TrialError> {
    let at_once = order.size.pick(8, 25, 25);
    let rounds = order.size.pick(4, 3, 10);
    // Every event is lost, so that the environment of this benchmark gets all the work.
    stack.emulator().set_faults(Faults {
        drop_rate: 1.0,
        ..Faults::default()
    });
    let askers = batch::askers(stack, at_once).await?;
    let environment = Environment::start(stack, program, at_once).await?;
    let spent_before = Spent::so_far();
    // All the pictures of a kind arrive within a few seconds of each other, as those of 25 stories asked for at once do.
    let pace = Pace::of_seconds(REAL_PATH_SECONDS * at_once as f64 / 100.0);
    let _wavering = pace.wavering(stack.stand_ins(), order.seed);
    let mut at_rest_mb = Vec::new();
    let mut walls = Vec::new();
    for _ in 0..rounds {
        walls.push(round(stack, &environment, &askers, pace).await?);
        at_rest_mb.push(resident_mb(environment.pid()).unwrap_or(0.0));
    }
    let peak = peak_mb(environment.pid()).unwrap_or(0.0);
    let stories = (rounds * at_once) as f64;
    let processor = Spent::so_far().since(&spent_before);
    environment.stop().await;

    let mut figures = Figures::default();
    let count = format!("{at_once} stories in one environment");
    figures.at_most(
        format!("{count}, resident at most"),
        peak,
        "MB",
        PEAK_MAX_MB,
    );
    figures
        .beside("of 512 MB; Node about 100 MB idle, 93 to 123 MB for the colours of one picture");
    let last = at_rest_mb.len() - 1;
    figures.at_most(
        "more at rest after the last round than after the one before",
        at_rest_mb[last] - at_rest_mb[last - 1],
        "MB",
        GROWTH_MAX_MB,
    );
    let shown: Vec<String> = at_rest_mb.iter().map(|mb| format!("{mb:.0}")).collect();
    figures.beside(format!("at rest: {} MB", shown.join(", ")));
    let billed_real =
        walls.iter().sum::<f64>() / walls.len() as f64 + REAL_PATH_SECONDS - pace.seconds();
    let billed = (
        format!("{count}: billed a story, at the real latencies"),
        ENVIRONMENT_GB * billed_real / at_once as f64,
    );
    // The goal is one of 25 stories; fewer share an environment at a higher price each.
    if at_once < 25 {
        figures.told(billed.0, billed.1, "GB-s");
    } else {
        figures.at_most(billed.0, billed.1, "GB-s", GB_SECONDS_MAX);
    }
    figures.beside("one story in one environment 31.1; the documents 347");
    figures.told(
        "processor time a story, content agent",
        processor
            .parts()
            .filter(|(part, _)| *part == "content-agent")
            .map(|(_, seconds)| seconds * 1000.0 / stories)
            .sum::<f64>(),
        "ms",
    );
    Ok(figures)
}

/// One story of each asker, made by the environment; the seconds until its last invocation ended.
async fn round(
    stack: &Stack,
    environment: &Environment,
    askers: &[Asker],
    pace: Pace,
) -> Result<f64, TrialError> {
    let mut stories: Vec<Uuid> = Vec::new();
    for asker in askers {
        stories.push(asker.ask().await?);
    }
    let began = std::time::Instant::now();
    let events = stories
        .iter()
        .map(|story| json!({"action": "generate_story", "storyId": story}).to_string());
    environment.work_on(events, pace.patience()).await?;
    let seconds = began.elapsed().as_secs_f64();
    let settled = batch::settled(stack, &stories, pace.patience()).await;
    settled.map(|()| seconds)
}
