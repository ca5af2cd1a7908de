//! Fault tests and benchmarks (`cargo local fault`, `cargo local bench`), by what goes wrong; and what they stand on: a
//! stack of their own, users, the audit of the invariants, and figures that know whether they were met.

pub mod audit;
mod benches;
pub mod command;
mod crashes;
pub mod crowd;
mod events;
pub mod figures;
pub mod ground;
mod list;
mod providers;
mod queue;
pub mod simulation;
mod supabase;
mod trial;

pub use audit::{Audit, audit};
pub use crowd::{Crowd, Reader};
pub use figures::{Figures, percentile};
pub use ground::{Ground, kill, pause, resume};
pub use list::Kind;
pub use trial::{Order, Running, Size, Trial, TrialError};
