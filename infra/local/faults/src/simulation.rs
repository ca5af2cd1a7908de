//! Random interleavings of every verb by several workers over a real Postgres, from a seed; and the guards that must be
//! missed when they are taken away.

mod checks;
mod interleavings;
mod lanes;
pub(crate) mod mutants;
pub(crate) mod play;
pub(crate) mod reorder;
pub(crate) mod steering;

/// Under the name of its trial.
pub(crate) use play as simulation;
