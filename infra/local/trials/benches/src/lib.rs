//! Benchmarks: what the pipeline costs and how close it comes to what is possible.

use local_trials::Trial;

/// All of them, in the order in which they are listed.
pub const BENCHES: &[Trial] = &[];
