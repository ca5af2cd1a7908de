//! What the fault tests and benchmarks stand on: a stack or a database of their own, users, the audit of the invariants,
//! and figures that know whether they were met.

mod audit;
mod calls;
mod clock;
mod database;
mod figures;
mod job;
mod payloads;
mod signals;
mod sql;
mod stack;
mod stories;
mod user;
mod wait;

pub(crate) use self::{
    audit::{INVARIANTS, bought_after_checkpoint, bought_again},
    calls::{LedgerRow, bills, call_key, calls_since, ledger, prompt_of_scene},
    clock::{milliseconds, unix_ms},
    figures::{figures, percentile},
    job::Job,
    signals::{kill, pause, resume},
    sql::{Sql, queries, query, statement},
    stack::{StackSetup, TestStack},
    user::TestUser,
    wait::{in_time, poll, poll_every, until},
};
pub use self::{
    database::{EVERYTHING, Story, TestDatabase},
    figures::Figures,
    payloads::{Lease, Refusal, completion, creation, failure, fresh_key, leases, text_of},
};
