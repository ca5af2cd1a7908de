//! What the two providers and the storage do to us: refusing, limiting, hanging, and running out of money.

use local_trials::Trial;

/// All of them, in the order in which they are listed.
pub const FAULTS: &[Trial] = &[];
