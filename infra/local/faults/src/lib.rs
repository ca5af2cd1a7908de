//! Fault tests and benchmarks (`cargo local fault`, `cargo local bench`), by what goes wrong.

mod benches;
pub mod command;
mod crashes;
mod events;
pub mod fixture;
mod list;
mod prelude;
mod providers;
mod queue;
mod simulation;
mod supabase;
mod trial;

pub use fixture::Figures;
pub use list::Kind;
pub(crate) use prelude::*;
pub use trial::{Size, Trial, TrialError, TrialOptions};
