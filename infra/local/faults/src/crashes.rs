//! Processes that die, freeze and are replaced, at known moments.

mod death;
pub(crate) mod deletion;
pub(crate) mod deploy;
pub(crate) mod kill;
mod new_text;
pub(crate) mod outage;
mod points;
mod purchases;
pub(crate) mod upload;
pub(crate) mod wake;
pub(crate) mod zombie;
