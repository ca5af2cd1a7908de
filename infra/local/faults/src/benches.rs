//! Benchmarks: what the pipeline costs and how close it comes to what is possible.

mod batch;
mod binaries;
mod burst;
mod cost;
mod first_poll;
mod init;
mod memory;
mod pace;
mod path;
mod processor;
mod rate;
mod size;
mod story;
mod virtual_time;

use crate::Trial;

/// All of them, in the order in which they are listed.
pub(crate) const BENCHES: &[Trial] = &[
    init::TRIAL,
    size::TRIAL,
    story::TRIAL,
    burst::TRIAL,
    rate::TRIAL,
    cost::TRIAL,
    memory::TRIAL,
];
