//! Benchmarks: what the pipeline costs and how close it comes to what is possible.

pub(crate) mod api;
mod batch;
mod binaries;
pub(crate) mod burst;
pub(crate) mod cost;
mod first_poll;
pub(crate) mod init;
pub(crate) mod memory;
mod pace;
mod path;
mod processor;
pub(crate) mod rate;
pub(crate) mod size;
pub(crate) mod story;
mod virtual_time;
