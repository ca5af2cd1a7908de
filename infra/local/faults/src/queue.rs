//! The queue alone: the SQL functions under many workers, long histories and held snapshots.

mod cap;
mod claim;
mod fairness;
mod hindrances;
mod latency;
mod load;
mod race;
mod rows;
mod shape;
mod snapshot;

use crate::Trial;

/// All of them, in the order in which they are listed.
pub(crate) const FAULTS: &[Trial] = &[race::RACE, fairness::FAIRNESS];

/// The benchmarks of the queue.
pub(crate) const BENCHES: &[Trial] = &[claim::CLAIM, snapshot::SNAPSHOT, latency::LATENCY];
