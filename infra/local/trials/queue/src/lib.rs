//! The queue alone: the SQL functions under many workers, long histories and held snapshots.

mod claim;
mod race;
mod yard;

use local_trials::Trial;

/// All of them, in the order in which they are listed.
pub const FAULTS: &[Trial] = &[race::RACE];

/// The benchmarks of the queue.
pub const BENCHES: &[Trial] = &[claim::CLAIM];
