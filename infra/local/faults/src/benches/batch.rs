//! Stories asked for at once, and what they took: time, the shortest possible time, round trips, invocations, processor.

use crate::benches::{pace::Pace, path, processor::Spent};
use crate::prelude::*;
use std::{
    collections::{BTreeMap, HashMap},
    time::SystemTime,
};

/// One story, in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// From before the request to the commit that settled the last asset.
    pub(crate) wall_ms: f64,
    /// The critical path of its provider calls.
    pub(crate) ideal_ms: f64,
    /// The same calls in the order of the documents.
    pub(crate) documented_ms: f64,
    /// What lies between them.
    pub(crate) between_ms: Vec<(&'static str, f64)>,
    /// Who waited for whom.
    pub(crate) timeline: String,
}

/// Time over that of the critical path.
pub(crate) const RATIO: fn(&Made) -> f64 = |made| made.wall_ms / made.ideal_ms;
/// Time over that of the documents.
pub(crate) const DOCUMENTED_RATIO: fn(&Made) -> f64 = |made| made.wall_ms / made.documented_ms;
pub(crate) const OVERHEAD_MS: fn(&Made) -> f64 = |made| made.wall_ms - made.ideal_ms;

/// Stories that were made at once.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) made: Vec<Made>,
    /// Calls to PostgREST by method and target, without heartbeats.
    pub(crate) round_trips: BTreeMap<String, u64>,
    /// Calls that only told that work goes on: as many as time passed, whatever was made in it.
    pub(crate) heartbeats: u64,
    pub(crate) invocations: u64,
    pub(crate) spent: Spent,
    /// From before the first request until no function was at work any more.
    pub(crate) took: Duration,
}

impl Batch {
    /// A measure of each story.
    pub(crate) fn each(&self, measure: fn(&Made) -> f64) -> Vec<f64> {
        self.made.iter().map(measure).collect()
    }

    pub(crate) fn heartbeats_each(&self) -> f64 {
        self.heartbeats as f64 / self.made.len() as f64
    }

    pub(crate) fn round_trips_each(&self) -> f64 {
        self.round_trips.values().sum::<u64>() as f64 / self.made.len() as f64
    }
}

/// Somebody who may ask, with a character that exists.
pub(crate) struct Asker {
    user: TestUser,
    character: Value,
}

impl Asker {
    /// Asks for a story.
    pub(crate) async fn ask(&self) -> Result<Uuid> {
        self.user.ask_about(&self.character).await
    }
}

/// As many people with a hero each.
pub(crate) async fn askers(stack: &TestStack, count: usize) -> Result<Vec<Asker>> {
    let mut askers = Vec::new();
    for number in 0..count {
        let user = stack.new_user(None).await?;
        let character = user.make_character(&format!("Benchling{number}")).await?;
        askers.push(Asker { user, character });
    }
    Ok(askers)
}

/// Makes a story of each at once, as quick as may be: connections, pages of the programs and the stand-ins' pictures are
/// warm from here on.
pub(crate) async fn warm_up(stack: &TestStack, askers: &[Asker]) -> Result<Batch> {
    stack
        .stand_ins()
        .set_latency(Pace::of_seconds(0.5).latency());
    make(stack, askers, Pace::ALONE.patience()).await
}

/// One story of each, all asked for at once, and waited for.
pub(crate) async fn make(stack: &TestStack, askers: &[Asker], within: Duration) -> Result<Batch> {
    stack.gateway().metrics.clear();
    let invocations_before = invocations(stack);
    let spent_before = Spent::so_far();
    let began = Instant::now();
    let asked = futures::future::try_join_all(askers.iter().map(|asker| async move {
        let began_ms = unix_ms(SystemTime::now());
        let story = asker.ask().await?;
        Ok::<_, TrialError>((story, began_ms))
    }))
    .await?;
    let stories: Vec<Uuid> = asked.iter().map(|(story, _)| *story).collect();
    settle(stack, &stories, within).await?;
    // So that every invocation is billed.
    stack.become_idle(Duration::from_secs(20)).await?;
    let took = began.elapsed();
    let spent = Spent::so_far().since(&spent_before);
    let calls = stack.gateway().metrics.counts().calls.into_iter();
    let (heartbeats, round_trips): (BTreeMap<_, _>, BTreeMap<_, _>) =
        calls.partition(|(call, _)| call.ends_with("/extend_leases"));
    Ok(Batch {
        made: made(stack, &asked).await?,
        round_trips,
        heartbeats: heartbeats.values().sum(),
        invocations: invocations(stack) - invocations_before,
        spent,
        took,
    })
}

/// Waits until these stories are settled, asking seldom: what is measured stands in the database.
pub(crate) async fn settle(stack: &TestStack, stories: &[Uuid], within: Duration) -> Result<()> {
    let seldom = Duration::from_millis(200);
    let settled = stack.settle_unhurried(stories, within, seldom).await;
    settled.map(drop)
}

fn invocations(stack: &TestStack) -> u64 {
    let functions = stack.emulator().metrics().functions;
    functions.values().map(|of| of.invocations).sum()
}

async fn made(stack: &TestStack, asked: &[(Uuid, f64)]) -> Result<Vec<Made>> {
    let stories: Vec<Uuid> = asked.iter().map(|(story, _)| *story).collect();
    let ended = stack.query("when stories ended").bind(&stories);
    let ended: Vec<(Uuid, String, f64)> = ended.rows().await?;
    let ledger = ledger(stack, &stories).await?;
    let calls = path::by_story(ledger, &stack.stand_ins().calls());
    let parts = parts_of_texts(stack, &stories).await?;
    ended
        .into_iter()
        .map(|(story, overall, completed_ms)| {
            let asked = asked.iter().find(|(asked, _)| *asked == story);
            let calls = calls.get(&story).map(Vec::as_slice).unwrap_or_default();
            match (asked, parts.get(&story)) {
                (Some(&(_, began_ms)), Some(parts)) if overall == "ready" && !calls.is_empty() => Ok(Made {
                    wall_ms: completed_ms - began_ms,
                    ideal_ms: path::critical_path_ms(calls, parts) as f64,
                    documented_ms: path::documented_path_ms(calls) as f64,
                    between_ms: path::between_calls(began_ms, calls, parts, completed_ms),
                    timeline: path::timeline(began_ms, calls, completed_ms),
                }),
                _ => stuck(format!(
                    "story {story} became {overall}; a benchmark needs it ready, with its calls in the usage ledger"
                )),
            }
        })
        .collect()
}

/// At which share of each text its parts stood, by their lengths.
async fn parts_of_texts(stack: &TestStack, stories: &[Uuid]) -> Result<HashMap<Uuid, path::Parts>> {
    let texts = stack.query("parts of texts").bind(stories);
    let texts: Vec<(Uuid, f64, Vec<f64>)> = texts.rows().await?;
    let parts = |(story, outline, beats): (Uuid, f64, Vec<f64>)| {
        let beats = beats.try_into().ok()?;
        Some((story, path::Parts { outline, beats }))
    };
    Ok(texts.into_iter().filter_map(parts).collect())
}
