//! What every fault test and benchmark stands on: a stack of its own, a crowd that asks for stories, the invariants, and
//! figures that know whether they were met.

pub mod audit;
pub mod crowd;
pub mod figures;
pub mod ground;
mod trial;

pub use audit::{Audit, audit};
pub use crowd::{Crowd, Reader};
pub use figures::{Figures, percentile};
pub use ground::{Ground, kill, pause, resume};
pub use trial::{Order, Running, Size, Trial, TrialError};
