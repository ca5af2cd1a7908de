//! Many stories in one environment, as Lambda Managed Instances take them: what the content agent holds at most, whether it
//! grows, and what that would cost.

use crate::benches::pace::{Pace, REAL_PATH_SECONDS};
use crate::benches::{batch, processor::Spent};
use crate::prelude::*;
use stack::lambda::Memory;

pub(crate) const RUN: Run = on_stack!(measure, |setup, options| {
    let setup = setup
        .deployed()
        .with(|stack| stack.at_once = at_once(options.size));
    ALLOCATOR
        .into_iter()
        .fold(setup, |setup, (name, value)| setup.setting(name, value))
});

/// What the template tells glibc: pictures that were freed go back to the system instead of staying in arenas.
const ALLOCATOR: [(&str, u32); 3] = [
    ("MALLOC_ARENA_MAX", 2),
    ("MALLOC_MMAP_THRESHOLD_", 131_072),
    ("MALLOC_TRIM_THRESHOLD_", 131_072),
];
const PEAK_MAX_MB: f64 = 384.0;
/// What such an environment would be given.
const ENVIRONMENT_GB: f64 = 0.5;
const GB_SECONDS_MAX: f64 = 6.3;
/// More at rest after a further round; an allocator keeps a page here and there.
const GROWTH_MAX_MB: f64 = 8.0;

fn at_once(size: Size) -> usize {
    size.pick(8, 25, 25)
}

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let at_once = at_once(options.size);
    let rounds = options.size.pick(4, 3, 10);
    let askers = batch::askers(stack, at_once).await?;
    let spent_before = Spent::so_far();
    // All the pictures of a kind arrive within a few seconds of each other, as those of 25 stories asked for at once do.
    let pace = Pace::of_seconds(REAL_PATH_SECONDS * at_once as f64 / 100.0);
    let _wavering = pace.wavering(stack.stand_ins(), options.seed);
    let (mut at_rest_mb, mut walls, mut peak) = (Vec::new(), Vec::new(), 0.0);
    for _ in 0..rounds {
        let batch = batch::make(stack, &askers, pace.patience()).await?;
        walls.push(batch.took.as_secs_f64());
        let memory = memory(stack)?;
        at_rest_mb.push(memory.now_mb);
        peak = memory.peak_mb;
    }
    let stories = (rounds * at_once) as f64;
    let processor = Spent::so_far().since(&spent_before);

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

/// What the one environment holds, and held at most.
fn memory(stack: &TestStack) -> Result<Memory> {
    let mut environments = stack.emulator().instances();
    environments.retain(|instance| instance.function == "content-agent");
    let [environment] = &environments[..] else {
        return stuck(format!("{} environments, not one", environments.len()));
    };
    let memory = environment.pid.and_then(Memory::of_process);
    Ok(memory.unwrap_or_default())
}
