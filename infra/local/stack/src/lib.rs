//! The local stack: the real parts, the stand-ins and the four functions, started together and stopped without a trace.

pub mod breakpoints;
pub mod command;
pub mod demo;
pub mod environment;
pub mod files;
pub mod functions;
pub mod home;
pub mod lambda;
pub mod mail;
pub mod page;
pub mod ports;
pub mod report;
pub mod stack;
pub mod tools;
pub mod watch;

pub use supabase::{postgres, trouble};
