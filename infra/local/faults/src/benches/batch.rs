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
    pub(crate) fn ratios(&self) -> Vec<f64> {
        self.made
            .iter()
            .map(|made| made.wall_ms / made.ideal_ms)
            .collect()
    }

    /// Time over that of the documents.
    pub(crate) fn documented_ratios(&self) -> Vec<f64> {
        let made = self.made.iter();
        made.map(|made| made.wall_ms / made.documented_ms).collect()
    }

    pub(crate) fn overheads_ms(&self) -> Vec<f64> {
        self.made
            .iter()
            .map(|made| made.wall_ms - made.ideal_ms)
            .collect()
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
    let completed: Vec<(Uuid, String, f64)> = stack
        .sql("select id, asset_generation_status ->> 'overall', (extract(epoch from asset_generation_completed_at) * 1000)::float8
              from public.stories where id = any ($1)")
        .bind(&stories)
        .rows()
        .await?;
    let ledger = ledger(stack, &stories).await?;
    let calls = path::by_story(ledger, &stack.stand_ins().calls());
    let parts = parts_of_texts(stack, &stories).await?;
    completed
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
    let lengths: Vec<(Uuid, f64, Vec<f64>, f64)> = stack
        .sql("select story_id, length((checkpoint #> '{manuscript-1,outline}')::text)::float8,
                array(select length(beat::text)::float8
                  from jsonb_array_elements((v.result #> '{content,beats}')) with ordinality as b (beat, place) order by place),
                length(v.result #>> '{content,moral}')::float8
              from public.asset_generation_jobs join public.asset_versions v using (story_id, asset_type)
              where asset_type = 'content' and version = 1 and story_id = any ($1)")
        .bind(stories)
        .rows()
        .await?;
    let parts = lengths
        .into_iter()
        .filter_map(|(story, outline, beats, moral)| {
            let whole = outline + beats.iter().sum::<f64>() + moral;
            let mut stands = outline;
            let beats = beats.into_iter().map(|beat| {
                stands += beat;
                stands / whole
            });
            let beats = beats.collect::<Vec<_>>().try_into().ok()?;
            let outline = outline / whole;
            Some((story, path::Parts { outline, beats }))
        });
    Ok(parts.collect())
}
