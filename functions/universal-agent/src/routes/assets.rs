//! What is made for a story: how far each asset is, what it would cost, and asking for it again.

mod command;
mod estimate;
mod history;
mod requests;
mod status;
mod unchanged;
mod why;

pub(crate) use command::{Outcome, command};
pub(crate) use estimate::estimate;
pub(crate) use history::history;
pub(crate) use requests::{
    CancelRequest, ContinueRequest, GenerateRequest, PictureRequest, RegenerateRequest,
    RestoreRequest, RetryRequest,
};
pub(crate) use status::status;
#[cfg(test)]
pub(crate) use unchanged::Reason;
pub(crate) use why::why;
