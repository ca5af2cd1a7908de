//! The local stack: everything `cargo local` starts, stops and shows.

pub mod api;
pub mod command;
pub mod demo;
pub mod environment;
pub mod files;
pub mod follow;
pub mod functions;
pub mod home;
pub mod ports;
pub mod postgres;
pub mod report;
pub mod rest;
pub mod stack;
pub mod tools;
pub mod watch;
