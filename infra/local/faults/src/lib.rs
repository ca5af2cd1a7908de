//! Fault tests and benchmarks (`cargo local fault`, `cargo local bench`), by what goes wrong.

mod benches;
pub mod command;
mod crashes;
mod events;
pub mod fixture;
mod list;
mod providers;
mod queue;
mod simulation;
mod supabase;
mod trial;

pub use fixture::Figures;
pub(crate) use fixture::*;
pub use list::Kind;
pub(crate) use trial::{Context, Result, Run, alone, on_database, on_stack, stuck};
pub use trial::{Size, Trial, TrialError, TrialOptions};
