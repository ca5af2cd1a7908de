//! F28: a new version starts while stories run: every process is told to end, and hands back what it holds.

use crate::crashes::stage::{Patience, Stage};
use crate::{Figures, Ground, Order, Running, Trial, TrialError, audit};
use futures::future::try_join_all;
use stack::stack::Stack;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use uuid::Uuid;

pub(crate) const DEPLOY: Trial = Trial {
    name: "deploy",
    settles: &["F28"],
    question: "all processes are replaced while stories run: no story fails, leases are back within two seconds, nothing is cut off",
    run,
};

const SETTLED_WITHIN: Duration = Duration::from_secs(300);

fn run(order: Order) -> Running {
    Box::pin(async move {
        let ground = Ground::new("deploy", order)?
            .with(|options| options.latency = Some("text=60,image=800,speech=300".to_owned()));
        let stack = ground.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

/// How the processes of the old version left.
#[derive(Clone, Copy, Debug, Default)]
struct Farewell {
    held: usize,
    last_claim: Duration,
    leases_back: Duration,
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let stage = Stage::set(stack).await?;
    let names = (0..order.size.pick(3, 30, 100)).map(|n| format!("Dunlin{n}x"));
    let heroes: Vec<String> = names.collect();
    let stories = try_join_all(heroes.iter().map(|hero| stage.reader.ask(hero))).await?;
    let mut farewells = Vec::new();
    for _ in 0..order.size.pick(1, 2, 4) {
        at_work(&stage, &stories).await?;
        farewells.push(replaced(&stage).await?);
    }
    stage.crowd.settled(&stories, SETTLED_WITHIN).await?;

    let ready: i64 = sqlx::query_scalar(
        "select count(*) from public.stories where id = any ($1) and asset_generation_status ->> 'overall' = 'ready'",
    )
    .bind(&stories)
    .fetch_one(stack.pool())
    .await
    .map_err(TrialError::while_trying("count the finished stories"))?;
    let crashes: u64 = ["content-agent", "asset-worker"]
        .iter()
        .filter_map(|name| {
            stack
                .emulator()
                .metrics()
                .functions
                .get(*name)
                .map(|of| of.crashes)
        })
        .sum();
    let slowest = |of: fn(&Farewell) -> Duration| {
        let seconds = farewells.iter().map(|one| of(one).as_secs_f64());
        seconds.fold(0.0, f64::max)
    };
    let held: usize = farewells.iter().map(|one| one.held).sum();
    let mut figures = Figures::default();
    figures
        .at_least("jobs the old version held", held as f64, "jobs", 1.0)
        .exactly(
            "stories that did not become ready",
            stories.len() as f64 - ready as f64,
            "stories",
            0.0,
        )
        .at_most(
            "last claim of the old version after SIGTERM",
            slowest(|one| one.last_claim),
            "s",
            1.0,
        )
        .at_most(
            "until its last lease was back",
            slowest(|one| one.leases_back),
            "s",
            2.0,
        )
        .exactly("invocations cut off", crashes as f64, "invocations", 0.0);
    figures.extend(audit(stack, &stories, &heroes).await?.figures());
    Ok(figures)
}

/// Waits until somebody works on a picture.
async fn at_work(stage: &Stage<'_>, stories: &[Uuid]) -> Result<(), TrialError> {
    let patience = Patience::until("a picture is drawn", SETTLED_WITHIN);
    loop {
        let drawn: i64 = sqlx::query_scalar(
            "select count(*) from public.asset_generation_jobs where story_id = any ($1)
             and status = 'generating' and lease_owner not like 'claim:%' and asset_type in ('cover', 'scene_1', 'scene_4')",
        )
        .bind(stories)
        .fetch_one(stage.stack.pool())
        .await
        .map_err(TrialError::while_trying("count the pictures being drawn"))?;
        if drawn > 0 {
            return Ok(());
        }
        patience.once_more().await?;
    }
}

async fn replaced(stage: &Stage<'_>) -> Result<Farewell, TrialError> {
    let emulator = stage.stack.emulator();
    let old: Vec<String> = emulator
        .instances()
        .into_iter()
        .filter_map(|instance| match instance.activity {
            stack::lambda::InstanceActivity::Busy { request_id, .. }
                if instance.function == "content-agent" =>
            {
                Some(request_id)
            }
            _ => None,
        })
        .collect();
    for function in ["content-agent", "asset-worker"] {
        emulator
            .replace_instances(function)
            .map_err(TrialError::while_trying("replace the processes"))?;
    }
    let told = Instant::now();
    let mut known: BTreeSet<Uuid> = leases_of(stage, &old).await?;
    let mut farewell = Farewell {
        held: known.len(),
        ..Farewell::default()
    };
    let patience = Patience::until("the old leases are back", SETTLED_WITHIN);
    loop {
        let now = leases_of(stage, &old).await?;
        if !now.is_subset(&known) {
            farewell.last_claim = told.elapsed();
            known.extend(&now);
        }
        if now.is_empty() {
            break;
        }
        patience.once_more().await?;
    }
    farewell.leases_back = told.elapsed();
    Ok(farewell)
}

/// The leases these invocations hold.
async fn leases_of(stage: &Stage<'_>, requests: &[String]) -> Result<BTreeSet<Uuid>, TrialError> {
    let tokens: Vec<Uuid> = sqlx::query_scalar(
        "select lease_token from public.asset_generation_jobs
         where status = 'generating' and split_part(lease_owner, '/', 1) = any ($1)",
    )
    .bind(requests)
    .fetch_all(stage.stack.pool())
    .await
    .map_err(TrialError::while_trying(
        "read the leases of the old version",
    ))?;
    Ok(tokens.into_iter().collect())
}
