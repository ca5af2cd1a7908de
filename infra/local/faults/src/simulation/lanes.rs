//! Seeds in lanes: several databases in use at one moment; within one, a seed follows the other.

use crate::prelude::*;
use futures::future::join_all;
use std::{iter::StepBy, ops::Range};

/// The seeds of one lane.
pub(crate) type Seeds = StepBy<Range<u64>>;

/// What was played: what each lane saw, and how many seeds that were in how many seconds.
pub(crate) struct Played<T> {
    pub(crate) lanes: Vec<T>,
    pub(crate) seeds: u64,
    pub(crate) seconds: f64,
}

impl<T> Played<T> {
    pub(crate) fn seeds_a_second(&self) -> f64 {
        self.seeds as f64 / self.seconds
    }
}

/// Plays `short` seeds, or a thousand, or ten thousand, in so many lanes at once, each with a database of its own.
pub(crate) async fn in_lanes<T>(
    options: TrialOptions,
    short: u64,
    lanes: u64,
    play: impl AsyncFn(TestDatabase, Seeds) -> T,
) -> Played<T> {
    let seeds = options.size.pick(short, 1_000, 10_000);
    let (began, play) = (Instant::now(), &play);
    let playing = (0..lanes).map(|lane| async move {
        let own = (options.seed + lane..options.seed + seeds).step_by(lanes as usize);
        play(TestDatabase::new().await, own).await
    });
    Played {
        lanes: join_all(playing).await,
        seeds,
        seconds: began.elapsed().as_secs_f64(),
    }
}

/// How the first of the broken seeds is played again; nothing when none is.
pub(crate) fn replay(trial: &str, broken: &[u64]) -> String {
    broken.iter().min().map_or_else(String::new, |seed| {
        format!("replay: cargo local fault {trial} --short --seed {seed}")
    })
}
