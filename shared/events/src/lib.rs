//! What one function writes and another reads: the events of invocations, and Lambda's record of one that failed.
//!
//! Each type is written and read here, so that producer and consumer cannot drift apart. An event carries ids and a lease,
//! never state that matters: the row is read.

mod command;
mod failed_invocation;
mod notices;
#[cfg(test)]
mod round_trip;
mod tick;

pub use command::{BadCommand, Command, DispatchedJob};
pub use failed_invocation::{BadRecord, FailedInvocation};
pub use notices::{BadMailReport, MailFate, MailReport, NotSendNotices, SendNotices};
pub use tick::{BadTick, Tick};
