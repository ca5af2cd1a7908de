//! Many seeds, several at a time: each is a few stories, and workers and users who do whatever they may.

use crate::simulation::lanes::{in_lanes, replay, seeds_of};
use crate::{prelude::*, simulation::interleavings};
use std::sync::Arc;

pub(crate) const RUN: Run = alone!(measure);

/// Databases in use at one moment; within one, a seed follows the other.
const LANES: u64 = 3;

async fn measure(options: TrialOptions) -> Result<Figures> {
    let count: u64 = options.size.pick(24, 1_000, 10_000);
    let seeds = options.seed..options.seed + count;
    let began = Instant::now();
    let broken = in_lanes(LANES, async |database, lane| {
        play_lane(database, seeds_of(seeds.clone(), lane, LANES)).await
    });
    let broken = broken.await.concat();
    let replay = replay("simulation", broken.iter().min());
    Ok(figures! {
        "seeds" => count, "seeds";
        "seeds a second" => count as f64 / began.elapsed().as_secs_f64(), "seeds/s";
        "seeds that broke an invariant" => broken.len(), "seeds", is 0, beside replay;
    })
}

/// The seeds under which something does not hold; what that is is told on standard error.
async fn play_lane(database: TestDatabase, seeds: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut broken = Vec::new();
    let mut database = Arc::new(database);
    for seed in seeds {
        let play = interleavings::play(Arc::clone(&database), seed);
        if tokio::spawn(play).await.is_err() {
            broken.push(seed);
            // Calls of the broken seed may still be at work in the old one.
            database = Arc::new(TestDatabase::new().await);
        }
    }
    broken
}
