//! The write-ahead log, read as committed changes of rows.
//!
//! Real logical decoding (`pgoutput` over SQL) rather than triggers: nothing is added to the user's
//! tables, publication membership is Postgres' own business, and unchanged TOASTed values show.

mod pgoutput;
mod slot;

pub(crate) use slot::{Position, Slot, end_of_log};
