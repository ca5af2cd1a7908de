//! Random interleavings of every verb by several workers over a real Postgres, from a seed; and the guards that must be
//! missed when they are taken away.

mod checks;
mod interleavings;
mod lanes;
mod mutants;
mod play;
mod reorder;
mod steering;

use crate::Trial;

/// All of them, in the order in which they are listed.
pub(crate) const FAULTS: &[Trial] = &[
    play::SIMULATION,
    reorder::REORDER,
    steering::STEERING,
    mutants::MUTANTS,
];
