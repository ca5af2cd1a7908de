//! The queue alone: the SQL functions under many workers, long histories and held snapshots.

mod cap;
pub(crate) mod claim;
pub(crate) mod fairness;
mod hindrances;
pub(crate) mod latency;
mod load;
pub(crate) mod race;
mod rows;
mod shape;
pub(crate) mod snapshot;
