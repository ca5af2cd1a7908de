//! F2: every process at work is killed at one moment, with all the stories they hold.

use crate::crashes::{
    kill::{GRACE, LEASE},
    purchases::again_by_story,
    stage::{Patience, Stage},
};
use crate::{Figures, Ground, Order, Running, Trial, TrialError, audit, kill, percentile};
use futures::future::try_join_all;
use stack::stack::Stack;
use std::time::{Duration, Instant};
use uuid::Uuid;

pub(crate) const OUTAGE: Trial = Trial {
    name: "outage",
    settles: &["F2", "row 20"],
    question: "all processes are killed at once while they hold 25 stories: every story ends well and starts again in time",
    run,
};

const SETTLED_WITHIN: Duration = Duration::from_secs(300);
const STARTED_WITHIN: Duration = Duration::from_secs(120);

fn run(order: Order) -> Running {
    Box::pin(async move {
        let ground = Ground::new("outage", order)?
            .with(|options| options.latency = Some("text=60,image=800,speech=300".to_owned()));
        let stack = ground.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let stage = Stage::set(stack).await?;
    let (mut stories, mut heroes, mut delays) = (Vec::new(), Vec::new(), Vec::new());
    let mut killed = 0;
    for round in 0..order.size.pick(1, 2, 50) {
        let names = (0..order.size.pick(3, 25, 25)).map(|n| format!("Curlew{round}x{n}y"));
        let names: Vec<String> = names.collect();
        let asked = try_join_all(names.iter().map(|hero| stage.reader.ask(hero))).await?;
        drawing(&stage, &asked).await?;
        let victims = stage.busy("content-agent");
        killed += victims.len();
        let mut waiting = Vec::new();
        for story in &asked {
            let held = held_now(&stage, *story).await?;
            waiting.extend((!held.is_empty()).then_some((*story, held)));
        }
        victims.into_iter().for_each(kill);
        let died = Instant::now();
        let going_on = waiting
            .iter()
            .map(|(story, held)| goes_on_after(&stage, *story, held, died));
        delays.extend(try_join_all(going_on).await?);
        stage.crowd.settled(&asked, SETTLED_WITHIN).await?;
        stories.extend(asked);
        heroes.extend(names);
    }
    let again = again_by_story(stack).await?;
    let mut figures = Figures::default();
    figures
        .at_least(
            "processes killed at work",
            killed as f64,
            "processes",
            delays.len() as f64,
        )
        .told("stories they held", delays.len() as f64, "stories")
        .at_most(
            "until a story goes on, p95, lease of 5 s",
            percentile(&delays, 0.95),
            "s",
            (LEASE + GRACE * 2).as_secs_f64(),
        )
        .beside("lease + 10 s")
        .told(
            "paid calls repeated: in flight, or answered and not stored",
            again.values().map(|again| again.kept).sum::<u64>() as f64,
            "calls",
        );
    figures.extend(audit(stack, &stories, &heroes).await?.figures());
    Ok(figures)
}

/// Waits until every one of the stories has its text, so that its process works on something paid.
async fn drawing(stage: &Stage<'_>, stories: &[Uuid]) -> Result<(), TrialError> {
    let patience = Patience::until("every story has its text", SETTLED_WITHIN);
    loop {
        let texts: i64 = sqlx::query_scalar(
            "select count(*) from public.asset_generation_jobs
             where story_id = any ($1) and asset_type = 'content' and status = 'ready'",
        )
        .bind(stories)
        .fetch_one(stage.stack.pool())
        .await
        .map_err(TrialError::while_trying("count the texts"))?;
        if texts == stories.len() as i64 {
            return Ok(());
        }
        patience.once_more().await?;
    }
}

/// Seconds from the death until another invocation works on one of the jobs the dead one held.
async fn goes_on_after(
    stage: &Stage<'_>,
    story: Uuid,
    held: &[(String, i32)],
    died: Instant,
) -> Result<f64, TrialError> {
    let patience = Patience::until("a story goes on", STARTED_WITHIN);
    loop {
        let jobs = stage.jobs(story).await?;
        let again = jobs.iter().any(|(asset, job)| {
            let is_new = |(was, attempt): &(String, i32)| was == asset && job.attempt > *attempt;
            held.iter().any(is_new) && (job.request().is_some() || job.is_settled())
        });
        if again || jobs.iter().all(|(_, job)| job.is_settled()) {
            return Ok(died.elapsed().as_secs_f64());
        }
        patience.once_more().await?;
    }
}

/// The jobs of a story that are at work, with their attempts.
async fn held_now(stage: &Stage<'_>, story: Uuid) -> Result<Vec<(String, i32)>, TrialError> {
    let jobs = stage.jobs(story).await?.into_iter();
    Ok(jobs
        .filter(|(_, job)| job.request().is_some() && job.status == "generating")
        .map(|(asset, job)| (asset, job.attempt))
        .collect())
}
