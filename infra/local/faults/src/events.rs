//! Events that come twice, late, out of order or never; and everything at once.

mod chaos;
mod duplicates;
mod lost;
mod persistence;

pub(crate) use chaos::{Killer, disturb};
pub(crate) use persistence::ask_until_accepted;

use crate::Trial;

/// All of them, in the order in which they are listed.
pub(crate) const FAULTS: &[Trial] = &[duplicates::DUPLICATES, lost::LOST, chaos::CHAOS];
