//! F6: a process is frozen past its lease, another finishes its work, and the frozen one goes on.

use crate::crashes::{
    points::POINTS,
    stage::{Patience, Stage},
};
use crate::{Figures, Ground, Order, Running, Trial, TrialError, audit, pause, resume};
use futures::future::try_join_all;
use stack::{breakpoints::Moment, environment, stack::Stack};
use std::{collections::BTreeSet, fs, time::Duration};
use uuid::Uuid;

pub(crate) const ZOMBIE: Trial = Trial {
    name: "zombie",
    settles: &["F6", "row 23"],
    question: "a process is stopped past its lease and goes on after another has finished: it changes nothing, and says so",
    run,
};

/// Where the frozen process stands: with a reply unread, with a file on its way, with its last word on its way.
const STANDS_AT: [usize; 3] = [7, 8, 10];
const PATIENCE: Duration = Duration::from_secs(90);
/// What the content agent logs when it learns that a job is no longer its own.
const LAST_WORDS: [&str; 2] = ["Late result dropped", "Job cancelled or taken over"];

fn run(order: Order) -> Running {
    Box::pin(async move {
        let tick = Duration::from_secs(1);
        let ground = Ground::new("zombie", order)?.with(|options| options.schedule = Some(tick));
        let stack = ground.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

/// What a zombie did after its awakening.
#[derive(Clone, Copy, Debug, Default)]
struct Traces {
    stale_writes: u64,
    late_objects: u64,
    reachable_objects: u64,
    silent: u64,
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let stage = Stage::set(stack).await?;
    let (mut stories, mut heroes, mut traces) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..order.size.pick(1, 5, 167) {
        let mut frozen = Vec::new();
        for point in STANDS_AT {
            let hero = format!("Wren{round}x{point}y");
            let story = stage.ask_quietly(&hero).await?;
            stories.push(story);
            frozen.push(rises(&stage, point, story, hero.clone()));
            heroes.push(hero);
        }
        traces.extend(try_join_all(frozen).await?);
    }
    let sum = |of: fn(&Traces) -> u64| traces.iter().map(of).sum::<u64>() as f64;
    let mut figures = Figures::default();
    figures
        .told("processes frozen and awoken", traces.len() as f64, "runs")
        .exactly(
            "stories that a zombie changed",
            sum(|one| one.stale_writes),
            "stories",
            0.0,
        )
        .at_least(
            "objects that zombies wrote after the end",
            sum(|one| one.late_objects),
            "objects",
            traces.len() as f64 / STANDS_AT.len() as f64,
        )
        .exactly(
            "of these, reachable by an address in the database",
            sum(|one| one.reachable_objects),
            "objects",
            0.0,
        )
        .exactly(
            "zombies that ended without a word",
            sum(|one| one.silent),
            "processes",
            0.0,
        );
    figures.extend(audit(stack, &stories, &heroes).await?.figures());
    Ok(figures)
}

async fn rises(
    stage: &Stage<'_>,
    point: usize,
    story: Uuid,
    hero: String,
) -> Result<Traces, TrialError> {
    let emulator = stage.stack.emulator();
    let point = POINTS[point];
    let job = stage.job(story, point.asset).await?.id;
    let arriving = stage.stack.breakpoints().arm(point.moment, move |seen| {
        point.is_at(seen, story, job, &hero)
    });
    stage.kick(story)?;
    let held = tokio::time::timeout(PATIENCE, arriving)
        .await
        .map_err(|_| TrialError::Stuck(format!("no story came to `{}`", point.name)))?;
    let owner = stage.job(story, point.asset).await?;
    let request = owner.request().unwrap_or_default().to_owned();
    let Some(pid) = emulator.pid_of_request(&request) else {
        return Err(TrialError::Stuck("nobody works on the cover".to_owned()));
    };
    pause(pid);
    // A reply waits unread in the socket; a request stays on its way.
    let on_its_way = (point.moment == Moment::Before).then_some(held);
    let finished = stage.crowd.settled(&[story], PATIENCE).await;
    let before = state(stage, story).await?;
    let files_before = files(stage.stack, story)?;

    drop(on_its_way);
    resume(pid);
    finished?;
    let patience = Patience::until("the zombie ends", PATIENCE);
    while emulator.pid_of_request(&request).is_some() {
        patience.once_more().await?;
    }
    let late: Vec<String> = files(stage.stack, story)?
        .difference(&files_before)
        .cloned()
        .collect();
    let after = state(stage, story).await?;
    Ok(Traces {
        stale_writes: u64::from(before != after),
        late_objects: late.len() as u64,
        reachable_objects: late.iter().filter(|file| after.contains(*file)).count() as u64,
        silent: u64::from(!said(stage.stack, story)?),
    })
}

/// Everything the database holds of a story, as text.
async fn state(stage: &Stage<'_>, story: Uuid) -> Result<String, TrialError> {
    sqlx::query_scalar(
        "select to_jsonb(s)::text || (select jsonb_agg(to_jsonb(j) order by j.asset_type)::text
           from public.asset_generation_jobs j where j.story_id = s.id)
         from public.stories s where s.id = $1",
    )
    .bind(story)
    .fetch_one(stage.stack.pool())
    .await
    .map_err(TrialError::while_trying("read everything of a story"))
}

/// Names of the story's objects in the bucket, drafts and published ones.
fn files(stack: &Stack, story: Uuid) -> Result<BTreeSet<String>, TrialError> {
    let bucket = stack.home().join("files").join(environment::BUCKET);
    let unreadable = || TrialError::while_trying("list the files of a story");
    let mut names = BTreeSet::new();
    for root in ["stories", "drafts/stories"] {
        let folder = bucket.join(root).join(story.to_string());
        for entry in fs::read_dir(folder).map_err(unreadable())? {
            let entry = entry.map_err(unreadable())?;
            names.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// Whether the content agent's log tells that work on this story was no longer its own.
fn said(stack: &Stack, story: Uuid) -> Result<bool, TrialError> {
    let log = fs::read_to_string(stack.home().join("logs/content-agent.log")).map_err(
        TrialError::while_trying("read the log of the content agent"),
    )?;
    let story = story.to_string();
    Ok(log
        .lines()
        .any(|line| line.contains(&story) && LAST_WORDS.iter().any(|words| line.contains(words))))
}
