//! Seeds in lanes: several databases in use at one moment; within one, a seed follows the other.

use crate::TestDatabase;
use futures::future::join_all;
use std::ops::Range;

/// Every seed of one lane.
pub(crate) fn seeds_of(seeds: Range<u64>, lane: u64, lanes: u64) -> impl Iterator<Item = u64> {
    seeds.filter(move |seed| seed % lanes == lane)
}

/// Plays `lanes` lanes at once, each with a database of its own; what each of them saw.
pub(crate) async fn in_lanes<T>(lanes: u64, play: impl AsyncFn(TestDatabase, u64) -> T) -> Vec<T> {
    let play = &play;
    join_all((0..lanes).map(|lane| async move { play(TestDatabase::new().await, lane).await }))
        .await
}

/// How a broken seed is played again; nothing when none is.
pub(crate) fn replay(trial: &str, broken: Option<&u64>) -> String {
    broken.map_or_else(String::new, |seed| {
        format!("replay: cargo local fault {trial} --short --seed {seed}")
    })
}
