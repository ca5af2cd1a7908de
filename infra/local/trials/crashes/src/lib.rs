//! Processes that die, freeze and are replaced, at known moments.

use local_trials::Trial;

/// All of them, in the order in which they are listed.
pub const FAULTS: &[Trial] = &[];
