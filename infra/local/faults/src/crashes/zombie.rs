//! F6: a process is frozen past its lease, another finishes its work, and the frozen one goes on.

use crate::crashes::points::{POINTS, Point};
use crate::prelude::*;
use futures::future::try_join_all;
use stack::breakpoints::Moment;

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| setup.schedule(TICK)).audited();

/// Where the frozen process stands: with a reply unread, with a file on its way, with its last word on its way.
const STANDS_AT: [usize; 3] = [10, 11, 13];
const TICK: Duration = Duration::from_secs(1);
/// What the content agent logs when it learns that a job is no longer its own.
const LAST_WORDS: [&str; 2] = ["Late result dropped", "Job cancelled or taken over"];

/// What a zombie did after its awakening.
#[derive(Clone, Copy, Debug, Default)]
struct Traces {
    stale_writes: u64,
    late_objects: u64,
    reachable_objects: u64,
    silent: u64,
}

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let mut traces = Vec::new();
    for round in 0..options.size.pick(1, 5, 167) {
        let mut frozen = Vec::new();
        for point in STANDS_AT {
            let hero = format!("Wren{round}x{point}y");
            let story = stack.ask_without_event(&hero).await?;
            frozen.push(freeze_and_awake(stack, POINTS[point], story, hero));
        }
        traces.extend(try_join_all(frozen).await?);
    }
    let sum = |of: fn(&Traces) -> u64| traces.iter().map(of).sum::<u64>();
    Ok(figures! {
        "processes frozen and awoken" => traces.len(), "runs";
        "stories that a zombie changed" => sum(|one| one.stale_writes), "stories", is 0;
        "objects that zombies wrote after the end" =>
            sum(|one| one.late_objects), "objects", at_least traces.len() as f64 / STANDS_AT.len() as f64;
        "of these, reachable by an address in the database" => sum(|one| one.reachable_objects), "objects", is 0;
        "zombies that ended without a word" => sum(|one| one.silent), "processes", is 0;
    })
}

async fn freeze_and_awake(
    stack: &TestStack,
    point: Point,
    story: Uuid,
    hero: String,
) -> Result<Traces> {
    let emulator = stack.emulator();
    let job = stack.job(story, point.asset()).await?.id;
    let arriving = stack.breakpoints().arm(point.moment, move |seen| {
        point.is_at(seen, story, job, &hero)
    });
    stack.kick(story)?;
    let what = format!("a story came to `{}`", point.name);
    let held = in_time(what, stack.patience, arriving).await?;
    let owner = stack.job(story, point.asset()).await?;
    let request = owner.request().unwrap_or_default().to_owned();
    let Some(pid) = emulator.pid_of_request(&request) else {
        return stuck("nobody works on the cover");
    };
    pause(pid);
    // A reply waits unread in the socket; a request stays on its way.
    let on_its_way = (point.moment == Moment::Before).then_some(held);
    let finished = stack.settle(&[story], stack.patience).await;
    let before = state(stack, story).await?;
    let files_before = stack.keys_of(story);

    drop(on_its_way);
    resume(pid);
    finished?;
    until("the zombie ends", stack.patience, async || {
        Ok(emulator.pid_of_request(&request).is_none())
    })
    .await?;
    let after = state(stack, story).await?;
    let mut late = stack.keys_of(story);
    late.retain(|key| !files_before.contains(key));
    Ok(Traces {
        stale_writes: u64::from(before != after),
        late_objects: late.len() as u64,
        reachable_objects: late.iter().filter(|key| after.contains(*key)).count() as u64,
        silent: u64::from(!stack.has_logged(&story.to_string(), &LAST_WORDS)?),
    })
}

/// Everything the database holds of a story, as text.
async fn state(stack: &TestStack, story: Uuid) -> Result<String> {
    stack.query("all of a story").bind(story).value().await
}
