//! The local stack: everything `cargo local` starts, stops and shows.

pub mod files;
pub mod postgres;
pub mod rest;
