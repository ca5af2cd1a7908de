//! F17: a job that takes its process down each time, and one whose answers are useless each time.

use crate::providers::company::{Company, calls, last_call, prompt_of_scene, whenever};
use crate::{Figures, Ground, Order, Running, Trial, TrialError, kill};
use stack::{
    breakpoints::{Moment, Server},
    stack::Stack,
};
use stand_ins::{CallKind, Outcome};
use std::time::Duration;
use uuid::Uuid;

pub(crate) const POISON: Trial = Trial {
    name: "poison",
    settles: &["F17"],
    question: "scene 3 kills its process on every attempt: it fails for good with its cause, and everything beside it is made",
    run,
};

/// A first attempt and three retries.
const ATTEMPTS: f64 = 4.0;
/// Picture models in the chain: each attempt asks one after the other.
const MODELS: f64 = 2.0;
const LEASE: Duration = Duration::from_secs(5);

fn run(order: Order) -> Running {
    Box::pin(async move {
        let stack = Ground::new("poison", order)?.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let mut company = Company::on(stack).await?;
    let mut figures = Figures::default();
    let mut deadly = Vec::new();
    let (mut deaths, mut after_the_end) = (0_u32, 0_u32);
    let rounds = order.size.pick(1, 3, 20);
    for _ in 0..rounds {
        let story = company.ask(1, "Nightshade").await?[0];
        deaths += kill_every_attempt(stack, &company, story).await?;
        after_the_end += restarts(stack).await;
        deadly.push(story);
    }
    let kept_cause = dead_letters(stack, &deadly, "JOB_TIMEOUT").await?;
    figures
        .exactly(
            "deaths of one job",
            f64::from(deaths) / f64::from(rounds),
            "processes",
            ATTEMPTS,
        )
        .exactly(
            "attempts after it failed for good",
            f64::from(after_the_end),
            "attempts",
            0.0,
        )
        .exactly(
            "dead letters with the cause",
            kept_cause,
            "jobs",
            f64::from(rounds),
        )
        .exactly(
            "assets made beside it, a story",
            company.jobs(&deadly, "ready", None).await? / f64::from(rounds),
            "assets",
            8.0,
        );

    let before = last_call(stack);
    let scene = prompt_of_scene(3);
    stack
        .stand_ins()
        .script([whenever(CallKind::Image, Outcome::Truncated, Some(&scene))]);
    let useless = company.ask(rounds as usize, "Nightshade").await?;
    company.settled(&useless).await?;
    stack.stand_ins().clear_script();
    let bought = calls(stack, before, |call| call.fault.is_some()).len();
    figures
        .exactly(
            "useless answers bought, a job",
            bought as f64 / f64::from(rounds),
            "calls",
            ATTEMPTS * MODELS,
        )
        .exactly(
            "dead letters with that cause",
            dead_letters(stack, &useless, "UNUSABLE_ANSWER").await?,
            "jobs",
            f64::from(rounds),
        )
        .exactly(
            "assets made beside it, a story",
            company.jobs(&useless, "ready", None).await? / f64::from(rounds),
            "assets",
            8.0,
        )
        .exactly(
            "placeholders drawn",
            placeholders(stack, &useless),
            "files",
            f64::from(rounds),
        );
    figures.extend(company.audited().await?);
    Ok(figures)
}

/// Kills whoever asks for the picture of scene 3, until the story is settled; how many died.
async fn kill_every_attempt(
    stack: &Stack,
    company: &Company<'_>,
    story: Uuid,
) -> Result<u32, TrialError> {
    let stories = [story];
    let settled = company.settled(&stories);
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
                let job = company.crowd.job(story, "scene_3").await?;
                let pid = worker_of(stack, story, &job).ok_or_else(|| {
                    TrialError::Stuck("nobody works for the picture that was asked for".to_owned())
                })?;
                kill(pid);
                deaths += 1;
                drop(held);
            }
        }
    }
}

/// The process that makes a job: the event names the job, or else the story whose jobs it went on with.
fn worker_of(stack: &Stack, story: Uuid, job: &serde_json::Value) -> Option<u32> {
    let owner = job["lease_owner"].as_str().unwrap_or_default();
    let request = owner.split('/').next().unwrap_or_default();
    stack.emulator().pid_of_request(request).or_else(|| {
        stack
            .emulator()
            .pid_working_on("content-agent", &story.to_string())
    })
}

/// Attempts at the picture of scene 3 within two leases.
async fn restarts(stack: &Stack) -> u32 {
    let again = stack.breakpoints().arm(Moment::Before, |seen| {
        seen.server == Server::OpenAi && seen.mentions(&prompt_of_scene(3))
    });
    u32::from(tokio::time::timeout(LEASE / 2, again).await.is_ok())
}

async fn dead_letters(stack: &Stack, stories: &[Uuid], code: &str) -> Result<f64, TrialError> {
    sqlx::query_scalar::<_, i64>(
        "select count(*) from public.dead_letters
         where story_id = any ($1) and asset_type = 'scene_3' and error_code = $2 and error_message <> ''",
    )
    .bind(stories)
    .bind(code)
    .fetch_one(stack.pool())
    .await
    .map(|count| count as f64)
    .map_err(TrialError::while_trying("read the dead letters"))
}

/// Published files of the picture that was given up: its placeholder, and none of an attempt that was tried again.
fn placeholders(stack: &Stack, stories: &[Uuid]) -> f64 {
    let bucket = stack.home().join("files").join(stack::environment::BUCKET);
    let names = stories.iter().flat_map(|story| {
        let folder = bucket.join("stories").join(story.to_string());
        std::fs::read_dir(folder).into_iter().flatten().flatten()
    });
    names
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("scene_3-"))
        .count() as f64
}
