//! Many seeds, several at a time: each is a few stories, and workers and users who do whatever they may.

use crate::simulation::{database::Database, interleavings};
use crate::{Figures, Order, Running, Trial};
use futures::future::join_all;
use std::{sync::Arc, time::Instant};

pub(crate) const SIMULATION: Trial = Trial {
    name: "simulation",
    settles: &["I1-I7", "row 27"],
    question: "every verb by several workers in random order, several at once, with zombies, silences and lost answers: the \
               invariants hold after every handful of calls, and every job comes to rest",
    run,
};

/// Databases in use at one moment; within one, a seed follows the other.
const LANES: u64 = 3;

fn run(order: Order) -> Running {
    Box::pin(async move {
        let count: u64 = order.size.pick(24, 1_000, 10_000);
        let seeds = order.seed..order.seed + count;
        let began = Instant::now();
        let lanes = (0..LANES)
            .map(|lane| broken_in_lane(seeds.clone().filter(move |seed| seed % LANES == lane)));
        let mut broken = join_all(lanes).await.concat();
        broken.sort_unstable();
        let mut figures = Figures::default();
        figures
            .told("seeds", count as f64, "seeds")
            .told(
                "seeds a second",
                count as f64 / began.elapsed().as_secs_f64(),
                "seeds/s",
            )
            .exactly(
                "seeds that broke an invariant",
                broken.len() as f64,
                "seeds",
                0.0,
            );
        if let Some(first) = broken.first() {
            figures.beside(format!(
                "replay: cargo local fault simulation --short --seed {first}"
            ));
        }
        Ok(figures)
    })
}

/// The seeds under which something does not hold; what that is is told on standard error.
async fn broken_in_lane(seeds: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut broken = Vec::new();
    let mut database = Arc::new(Database::new().await);
    for seed in seeds {
        let play = interleavings::play(Arc::clone(&database), seed);
        if tokio::spawn(play).await.is_err() {
            broken.push(seed);
            // Calls of the broken seed may still be at work in the old one.
            database = Arc::new(Database::new().await);
        }
    }
    broken
}
