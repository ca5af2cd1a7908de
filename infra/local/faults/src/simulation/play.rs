//! Many seeds, several at a time: each is a few stories, and workers and users who do whatever they may.

use crate::simulation::lanes::{Seeds, in_lanes, replay};
use crate::{prelude::*, simulation::interleavings};
use std::sync::Arc;

pub(crate) const RUN: Run = alone!(measure);

async fn measure(options: TrialOptions) -> Result<Figures> {
    let played = in_lanes(options, 24, 3, play_lane).await;
    let broken = played.lanes.concat();
    Ok(figures! {
        "seeds" => played.seeds, "seeds";
        "seeds a second" => played.seeds_a_second(), "seeds/s";
        "seeds that broke an invariant" => broken.len(), "seeds", is 0, beside replay("simulation", &broken);
    })
}

/// The seeds under which something does not hold; what that is is told on standard error.
async fn play_lane(database: TestDatabase, seeds: Seeds) -> Vec<u64> {
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
