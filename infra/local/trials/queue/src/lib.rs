//! The queue alone: the SQL functions under many workers, long histories and random interleavings.

use local_trials::Trial;

/// All of them, in the order in which they are listed.
pub const FAULTS: &[Trial] = &[];

/// The benchmarks of the queue.
pub const BENCHES: &[Trial] = &[];
