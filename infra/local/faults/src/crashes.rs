//! Processes that die, freeze and are replaced, at known moments.

mod death;
mod deletion;
mod deploy;
mod kill;
mod new_text;
mod outage;
mod points;
mod purchases;
mod upload;
mod wake;
mod zombie;

use crate::Trial;

/// All of them, in the order in which they are listed.
pub(crate) const FAULTS: &[Trial] = &[
    kill::KILL,
    outage::OUTAGE,
    upload::UPLOAD,
    wake::WAKE,
    zombie::ZOMBIE,
    deploy::DEPLOY,
    deletion::DELETION,
];
