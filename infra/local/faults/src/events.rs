//! Events that come twice, late, out of order or never; and everything at once.

pub(crate) mod chaos;
pub(crate) mod duplicates;
pub(crate) mod lost;
pub(crate) mod notices;
mod persistence;

pub(crate) use chaos::{Killer, disturb};
pub(crate) use persistence::{ask_until_accepted, insist};
