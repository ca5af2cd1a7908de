//! F17: a job that takes its process down each time, and one whose answers are useless each time.

use crate::{prelude::*, providers::SETTLED_WITHIN};
use stack::breakpoints::{Moment, Server};
use stand_ins::{CallKind, Outcome};

pub(crate) const RUN: Run = on_stack!(measure).audited();

/// A first attempt and three retries.
const ATTEMPTS: f64 = 4.0;
/// Picture models in the chain: each attempt asks one after the other.
const MODELS: f64 = 2.0;
const LEASE: Duration = Duration::from_secs(5);

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let mut deadly = Vec::new();
    let (mut deaths, mut after_the_end) = (0, 0);
    let rounds: usize = options.size.pick(1, 3, 20);
    let a_story = |count: f64| count / rounds as f64;
    for _ in 0..rounds {
        let story = stack.ask_for(1, "Nightshade").await?[0];
        deaths += kill_every_attempt(stack, story).await?;
        after_the_end += restarts(stack).await;
        deadly.push(story);
    }
    let figures = figures! {
        "deaths of one job" => a_story(f64::from(deaths)), "processes", is ATTEMPTS;
        "attempts after it failed for good" => after_the_end, "attempts", is 0;
        "dead letters with the cause" => dead_letters(stack, &deadly, "JOB_TIMEOUT").await?, "jobs", is rounds;
        "assets made beside it, a story" =>
            a_story(stack.count_jobs(&deadly, "status = 'ready'").await? as f64), "assets", is 8;
    };

    let before = stack.last_call();
    let scene = prompt_of_scene(3);
    stack.script(CallKind::Image, Outcome::Truncated, Some(&scene));
    let useless = stack.ask_for(rounds, "Nightshade").await?;
    stack.settle(&useless, SETTLED_WITHIN).await?;
    stack.stand_ins().clear_script();
    let bought = calls_since(stack, before, |call| call.fault.is_some()).len();
    Ok(figures.and(figures! {
        "useless answers bought, a job" => a_story(bought as f64), "calls", at_most ATTEMPTS * MODELS,
            beside "as many as the money of one picture reaches for";
        "dead letters with that cause" => dead_letters(stack, &useless, "UNUSABLE_PICTURE").await?, "jobs", is rounds;
        "assets made beside it, a story" =>
            a_story(stack.count_jobs(&useless, "status = 'ready'").await? as f64), "assets", is 8;
        "placeholders drawn" => placeholders(stack, &useless), "files", is rounds;
    }))
}

/// Kills whoever asks for the picture of scene 3, until the story is settled; how many died.
async fn kill_every_attempt(stack: &TestStack, story: Uuid) -> Result<u32> {
    let stories = [story];
    let settled = stack.settle(&stories, SETTLED_WITHIN);
    tokio::pin!(settled);
    let mut deaths = 0;
    loop {
        let reached = stack.breakpoints().arm(Moment::Before, |seen| {
            seen.server == Server::OpenAi
                && seen.path.contains("/images/")
                && seen.mentions(&prompt_of_scene(3))
        });
        tokio::select! {
            done = &mut settled => return done.map(|_| deaths),
            held = reached => {
                let job = stack.job(story, "scene_3").await?;
                // The event names the job, or else the story whose jobs its process went on with.
                let worker = job.request().and_then(|request| stack.emulator().pid_of_request(request));
                let Some(pid) = worker.or_else(|| stack.pid_working_for("content-agent", story)) else {
                    return stuck("nobody works for the picture that was asked for");
                };
                kill(pid);
                deaths += 1;
                drop(held);
            }
        }
    }
}

/// Attempts at the picture of scene 3 within two leases.
async fn restarts(stack: &TestStack) -> u32 {
    let again = stack.breakpoints().arm(Moment::Before, |seen| {
        seen.server == Server::OpenAi && seen.mentions(&prompt_of_scene(3))
    });
    u32::from(tokio::time::timeout(LEASE / 2, again).await.is_ok())
}

async fn dead_letters(stack: &TestStack, stories: &[Uuid], code: &str) -> Result<i64> {
    let dead = stack.query("dead letters of scene 3");
    dead.bind(stories).bind(code).value().await
}

/// Published files of the picture that was given up: its placeholder, and none of an attempt that was tried again.
fn placeholders(stack: &TestStack, stories: &[Uuid]) -> usize {
    let names = stories
        .iter()
        .flat_map(|story| stack.files_of("stories", *story));
    names.filter(|name| name.starts_with("scene_3-")).count()
}
