//! The emulator over HTTP, running a real function binary (`probe_function.rs`).

mod bench;
mod deadlines;
mod events;
mod invoking;
mod leftovers;
mod runner;
mod url;
