//! What is made for a story: how far each asset is, what it would cost, and asking for it again.

mod estimate;
mod requests;
mod status;
mod steer;
mod unchanged;

pub(crate) use estimate::estimate;
pub(crate) use status::status;
pub(crate) use steer::{
    Outcome, cancel, continue_assets, generate, regenerate, regenerate_picture, retry,
};
#[cfg(test)]
pub(crate) use unchanged::Reason;
pub(crate) use unchanged::Verb;
