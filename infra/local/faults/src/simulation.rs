//! Random interleavings of every verb by several workers over a real Postgres, from a seed; and the guards that must be
//! missed when they are taken away.

mod checks;
pub mod database;
mod interleavings;
mod mutants;
mod payloads;
mod reorder;
mod simulation;
mod steering;

use crate::Trial;

/// All of them, in the order in which they are listed.
pub const FAULTS: &[Trial] = &[
    simulation::SIMULATION,
    reorder::REORDER,
    steering::STEERING,
    mutants::MUTANTS,
];
