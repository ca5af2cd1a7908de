//! A database to oneself, the verbs as calls, and a story to try them on: shared with the simulation.

pub(super) use faults::fixture::{
    EVERYTHING, Lease, Refusal, Story, TestDatabase as Database, completion, creation, failure,
    fresh_key, leases, text_of,
};
