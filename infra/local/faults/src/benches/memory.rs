//! Many stories in one environment: what the content agent holds at most, whether it grows, and what that would cost.

mod environment;

use crate::{
    Figures, Result, TestStack, Trial, TrialOptions,
    benches::{
        batch::{self, Asker},
        binaries,
        pace::{Pace, REAL_PATH_SECONDS},
        processor::Spent,
    },
    figures, on_stack,
};
use environment::Environment;
use serde_json::json;
use uuid::Uuid;

pub(crate) const TRIAL: Trial = Trial {
    name: "memory",
    covers: &["row 18", "row 12"],
    question: "A content agent with 25 stories in flight holds at most 384 MB and does not grow, and a story then costs at most 6.3 GB-s.",
    run: on_stack!(measure, |setup, _| setup.deployed()),
};

const PEAK_MAX_MB: f64 = 384.0;
/// What such an environment would be given.
const ENVIRONMENT_GB: f64 = 0.5;
const GB_SECONDS_MAX: f64 = 6.3;
/// More at rest after a further round; an allocator keeps a page here and there.
const GROWTH_MAX_MB: f64 = 8.0;

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let program = binaries::release(options).await?.join("content-agent");
    let at_once = options.size.pick(8, 25, 25);
    let rounds = options.size.pick(4, 3, 10);
    // Every event is lost, so that the environment of this benchmark gets all the work.
    stack.lose(1.0, 0.0);
    let askers = batch::askers(stack, at_once).await?;
    let environment = Environment::start(stack, &program, at_once).await?;
    let spent_before = Spent::so_far();
    // All the pictures of a kind arrive within a few seconds of each other, as those of 25 stories asked for at once do.
    let pace = Pace::of_seconds(REAL_PATH_SECONDS * at_once as f64 / 100.0);
    let _wavering = pace.wavering(stack.stand_ins(), options.seed);
    let mut at_rest_mb = Vec::new();
    let mut walls = Vec::new();
    for _ in 0..rounds {
        walls.push(round(stack, &environment, &askers, pace).await?);
        at_rest_mb.push(environment.memory().now_mb);
    }
    let peak = environment.memory().peak_mb;
    let stories = (rounds * at_once) as f64;
    let processor = Spent::so_far().since(&spent_before);
    environment.stop().await;

    let count = format!("{at_once} stories in one environment");
    let last = at_rest_mb.len() - 1;
    let shown: Vec<String> = at_rest_mb.iter().map(|mb| format!("{mb:.0}")).collect();
    let billed_real =
        walls.iter().sum::<f64>() / walls.len() as f64 + REAL_PATH_SECONDS - pace.seconds();
    let of_agent = processor
        .parts()
        .filter(|(part, _)| *part == "content-agent");
    let of_agent: f64 = of_agent.map(|(_, seconds)| seconds).sum();
    Ok(figures! {
        format!("{count}, resident at most") => peak, "MB", at_most PEAK_MAX_MB,
            beside "of 512 MB; Node about 100 MB idle, 93 to 123 MB for the colours of one picture";
        "more at rest after the last round than after the one before" =>
            at_rest_mb[last] - at_rest_mb[last - 1], "MB", at_most GROWTH_MAX_MB,
            beside format!("at rest: {} MB", shown.join(", "));
        // The goal is one of 25 stories; fewer share an environment at a higher price each.
        format!("{count}: billed a story, at the real latencies") =>
            ENVIRONMENT_GB * billed_real / at_once as f64, "GB-s", at_most GB_SECONDS_MAX, when at_once >= 25,
            beside "one story in one environment 31.1; the documents 347";
        "processor time a story, content agent" => of_agent * 1000.0 / stories, "ms";
    })
}

/// One story of each asker, made by the environment; the seconds until its last invocation ended.
async fn round(
    stack: &TestStack,
    environment: &Environment,
    askers: &[Asker],
    pace: Pace,
) -> Result<f64> {
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
    let settled = batch::settle(stack, &stories, pace.patience()).await;
    settled.map(|()| seconds)
}
