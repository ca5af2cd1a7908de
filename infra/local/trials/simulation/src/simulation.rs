//! Many seeds, several at a time: each is a database, a few stories, and workers and users who do whatever they may.

use crate::{database::Database, interleavings};
use futures::{StreamExt, stream};
use local_trials::{Figures, Order, Running, Trial};
use std::time::Instant;

pub(crate) const SIMULATION: Trial = Trial {
    name: "simulation",
    settles: &["I1-I7", "row 27"],
    question: "every verb by several workers in random order, several at once, with zombies, silences and lost answers: the \
               invariants hold after every handful of calls, and every job comes to rest",
    run,
};

/// Databases in use at one moment.
const SEEDS_AT_ONCE: usize = 3;

fn run(order: Order) -> Running {
    Box::pin(async move {
        let count: u64 = order.size.pick(12, 1_000, 10_000);
        let began = Instant::now();
        let broken: Vec<u64> = stream::iter(order.seed..order.seed + count)
            .map(|seed| async move { (seed, holds(seed).await) })
            .buffer_unordered(SEEDS_AT_ONCE)
            .filter_map(|(seed, held)| async move { (!held).then_some(seed) })
            .collect()
            .await;
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

/// Whether everything holds under this seed; what does not is told on standard error.
pub(crate) async fn holds(seed: u64) -> bool {
    let database = Database::new().await;
    tokio::spawn(interleavings::play(database, seed))
        .await
        .is_ok()
}
