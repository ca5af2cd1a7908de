//! Random interleavings of every verb by several workers over a real Postgres, from a seed; and the guards that must catch them.

use local_trials::Trial;

/// All of them, in the order in which they are listed.
pub const FAULTS: &[Trial] = &[];
