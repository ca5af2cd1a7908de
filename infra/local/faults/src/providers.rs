//! What the two providers and the storage do to us: refusing, failing, hanging, and running out of money.

mod budget;
mod circuit;
mod files;
mod hang;
mod poison;
mod ratelimit;
mod refusal;

use crate::Trial;
use std::time::Duration;

/// All of them, in the order in which they are listed.
pub(crate) const FAULTS: &[Trial] = &[
    files::FILES,
    ratelimit::RATELIMIT,
    circuit::CIRCUIT,
    hang::HANG,
    poison::POISON,
    refusal::REFUSAL,
    budget::BUDGET,
];

/// Longest any wave of stories here may take.
const SETTLED_WITHIN: Duration = Duration::from_secs(900);
