//! What each verb promises, one module a verb or a family of them.

mod claim;
mod content;
mod create;
mod credits;
mod deletion;
mod estimates;
mod expire;
mod heroes;
mod housekeeping;
mod libraries;
mod limits;
mod manuscript;
mod new_text;
mod notices;
mod plans;
mod progress;
mod remakes;
mod restore;
mod settle;
mod shares;
mod spending;
mod steer;
mod versions;
mod voices;
