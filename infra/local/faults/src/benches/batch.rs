//! Stories asked for at once, and what they took: time, the shortest possible time, round trips, invocations, processor.

use crate::benches::{
    path::{self, LedgerRow},
    processor::Spent,
};
use crate::{Crowd, Ground, Order, Reader, TrialError};
use serde_json::{Value, json};
use stack::lambda::{InstanceActivity, Metrics};
use stack::{functions::Profile, stack::Stack};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use uuid::Uuid;

/// One story, in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// From before the request to the commit that settled the last asset.
    pub(crate) wall_ms: f64,
    /// The critical path of its provider calls.
    pub(crate) ideal_ms: f64,
    /// What lies between them.
    pub(crate) between_ms: Vec<(&'static str, f64)>,
}

/// Stories that were made at once.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) made: Vec<Made>,
    /// Calls to PostgREST by method and target.
    pub(crate) round_trips: BTreeMap<String, u64>,
    pub(crate) invocations: BTreeMap<String, u64>,
    pub(crate) spent: Spent,
}

impl Batch {
    pub(crate) fn ratios(&self) -> Vec<f64> {
        self.made
            .iter()
            .map(|made| made.wall_ms / made.ideal_ms)
            .collect()
    }

    pub(crate) fn overheads_ms(&self) -> Vec<f64> {
        self.made
            .iter()
            .map(|made| made.wall_ms - made.ideal_ms)
            .collect()
    }

    pub(crate) fn round_trips_each(&self) -> f64 {
        self.round_trips.values().sum::<u64>() as f64 / self.made.len() as f64
    }
}

/// Somebody who may ask, with a character that exists.
pub(crate) struct Asker {
    reader: Reader,
    character: Value,
}

impl Asker {
    /// Asks for a story.
    pub(crate) async fn ask(&self) -> Result<Uuid, TrialError> {
        self.reader.ask_about(&self.character).await
    }
}

/// A stack with the functions as they are deployed: release builds, leases of the default length.
pub(crate) async fn deployed_stack(name: &str, order: Order) -> Result<Stack, TrialError> {
    Ground::new(name, order)?
        .setting("JOB_LEASE_SECONDS", 60)
        .with(|options| options.profile = Profile::Release)
        .start()
        .await
}

/// As many people with a hero each.
pub(crate) async fn askers(stack: &Stack, count: usize) -> Result<Vec<Asker>, TrialError> {
    let mut askers = Vec::new();
    for number in 0..count {
        let reader = Crowd(stack).newcomer(None).await?;
        let hero = json!({"name": format!("Benchling{number}"), "species": "dragon", "appearance": {"skin": "soft green scales"}});
        let character = reader
            .api
            .create_character(&hero)
            .await
            .map_err(TrialError::while_trying("make a character"))?;
        askers.push(Asker {
            reader,
            character: character["id"].clone(),
        });
    }
    Ok(askers)
}

/// One story of each, all asked for at once, and waited for.
pub(crate) async fn make(
    stack: &Stack,
    askers: &[Asker],
    within: Duration,
) -> Result<Batch, TrialError> {
    stack.gateway().metrics.clear();
    let before = stack.emulator().metrics();
    let spent_before = Spent::so_far();
    let asked = futures::future::try_join_all(askers.iter().map(|asker| async move {
        let began_ms = unix_ms();
        let story = asker.ask().await?;
        Ok::<_, TrialError>((story, began_ms))
    }))
    .await?;
    let stories: Vec<Uuid> = asked.iter().map(|(story, _)| *story).collect();
    settled(stack, &stories, within).await?;
    idle(stack, Duration::from_secs(20)).await?;
    let spent = Spent::so_far().since(&spent_before);
    let after = stack.emulator().metrics();
    let made = made(stack, &asked).await?;
    let count =
        |field: fn(&stack::lambda::FunctionMetrics) -> u64| difference(&before, &after, field);
    Ok(Batch {
        made,
        round_trips: stack.gateway().metrics.counts().calls,
        invocations: count(|function| function.invocations),
        spent,
    })
}

/// Waits until these stories are settled, asking seldom: what is measured stands in the database, and asking costs too.
pub(crate) async fn settled(
    stack: &Stack,
    stories: &[Uuid],
    within: Duration,
) -> Result<(), TrialError> {
    let began = Instant::now();
    loop {
        let open: i64 = sqlx::query_scalar(
            "select count(*) from public.stories where id = any ($1) and asset_generation_completed_at is null",
        )
        .bind(stories)
        .fetch_one(stack.pool())
        .await
        .map_err(TrialError::while_trying("see which stories are settled"))?;
        if open == 0 {
            return Ok(());
        }
        if began.elapsed() > within {
            // Says what is stuck.
            Crowd(stack).settled(stories, Duration::ZERO).await?;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Waits until no function works, so that every invocation is billed.
pub(crate) async fn idle(stack: &Stack, within: Duration) -> Result<(), TrialError> {
    let began = Instant::now();
    let busy = || {
        stack
            .emulator()
            .instances()
            .iter()
            .any(|instance| matches!(instance.activity, InstanceActivity::Busy { .. }))
    };
    while busy() {
        if began.elapsed() > within {
            return Err(TrialError::Stuck(
                "a function still works although every story is settled".to_owned(),
            ));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

fn difference(
    before: &Metrics,
    after: &Metrics,
    field: fn(&stack::lambda::FunctionMetrics) -> u64,
) -> BTreeMap<String, u64> {
    let then = |name: &String| before.functions.get(name).map_or(0, field);
    after
        .functions
        .iter()
        .map(|(name, now)| (name.clone(), field(now) - then(name)))
        .collect()
}

async fn made(stack: &Stack, asked: &[(Uuid, f64)]) -> Result<Vec<Made>, TrialError> {
    let stories: Vec<Uuid> = asked.iter().map(|(story, _)| *story).collect();
    let completed: Vec<(Uuid, String, f64)> = sqlx::query_as(
        "select id, asset_generation_status ->> 'overall', (extract(epoch from asset_generation_completed_at) * 1000)::float8
         from public.stories where id = any ($1)",
    )
    .bind(&stories)
    .fetch_all(stack.pool())
    .await
    .map_err(TrialError::while_trying("read when the stories were settled"))?;
    let ledger: Vec<LedgerRow> = sqlx::query_as(
        "select call_key, story_id, asset_type, kind from public.usage_ledger where story_id = any ($1)",
    )
    .bind(&stories)
    .fetch_all(stack.pool())
    .await
    .map_err(TrialError::while_trying("read the usage ledger"))?;
    let calls = path::by_story(ledger, &stack.stand_ins().calls());
    completed
        .into_iter()
        .map(|(story, overall, completed_ms)| {
            let began_ms = asked
                .iter()
                .find(|(asked, _)| *asked == story)
                .map(|(_, began_ms)| *began_ms);
            let calls = calls.get(&story).map(Vec::as_slice).unwrap_or_default();
            let ideal = path::critical_path_ms(calls);
            match began_ms {
                Some(began_ms) if overall == "ready" && ideal > 0 => Ok(Made {
                    wall_ms: completed_ms - began_ms,
                    ideal_ms: ideal as f64,
                    between_ms: path::between_calls(began_ms, calls, completed_ms),
                }),
                _ => Err(TrialError::Stuck(format!(
                    "story {story} became {overall}; a benchmark needs it ready, with its calls in the usage ledger"
                ))),
            }
        })
        .collect()
}

fn unix_ms() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |now| now.as_secs_f64() * 1000.0)
}
