//! Random interleavings of all verbs by several workers at once, zombies and dying workers among them: after every
//! handful of calls the invariants hold, and in the end every job is settled.

mod audit;
mod moves;

use crate::prelude::*;
use audit::Audit;
use moves::{Move, World};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::sync::Arc;
use tokio::task::JoinSet;

const HANDFULS: usize = 40;
/// Calls at the same moment, each on a connection of its own.
const CALLS_AT_ONCE: usize = 4;
/// Far more than any schedule of the last phase needs.
const ROUNDS_TO_SETTLE: usize = 60;

/// One run, decided by its seed. Panics where an invariant does not hold, as a test does.
pub(crate) async fn play(database: Arc<TestDatabase>, seed: u64) {
    let audit = Audit::install(&database).await;
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = World::new(&database, random.random_range(2..6)).await;
    for _ in 0..HANDFULS {
        handful(&database, &mut world, &mut random).await;
        audit.check_states(&database).await;
    }
    settle(&database, &world).await;
    audit.check_states(&database).await;
    audit.check_history(&database, &world).await;
}

/// Draws some calls, makes them at once, and lets the workers learn from the answers.
async fn handful(database: &Arc<TestDatabase>, world: &mut World, random: &mut StdRng) {
    let moves: Vec<Move> = (0..random.random_range(1..=CALLS_AT_ONCE))
        .map(|_| world.draw(random))
        .collect();
    let mut calls = JoinSet::new();
    for next in moves {
        let database = Arc::clone(database);
        calls.spawn(async move {
            let answer = next.make(&database).await;
            (next, answer)
        });
    }
    for (made, answer) in calls.join_all().await {
        world.learn(made, answer);
    }
}

/// From now on workers only work, and time passes: every job must come to rest.
async fn settle(database: &TestDatabase, world: &World) {
    for _ in 0..ROUNDS_TO_SETTLE {
        for story in &world.stories {
            database.let_time_pass(story).await;
            database.let_leases_run_out(story).await;
        }
        database.call("expire_stuck_jobs", json!({})).await;
        for lease in database.claim(100).await {
            database.complete(&lease).await;
        }
        if database
            .count("public.asset_generation_jobs where status in ('queued', 'generating')")
            .await
            == 0
        {
            return;
        }
    }
    let stuck: Option<serde_json::Value> =
        database.value("select jsonb_agg(to_jsonb(j)) from public.asset_generation_jobs j where status in ('queued', 'generating')").await;
    panic!("jobs that no worker ever settles: {stuck:?}");
}

/// A story somebody asks for in the middle of it all.
async fn story_with_some_assets(database: &TestDatabase, chosen: u8) -> Story {
    let assets: Vec<_> = EVERYTHING
        .into_iter()
        .enumerate()
        .filter(|(index, _)| chosen & (1 << index) != 0)
        .map(|(_, asset)| asset)
        .collect();
    database.story(&assets).await
}
