//! What operators run against any deployment, the local stack among them: a story watched, written to disk, brought back or made
//! again, a smoke test, logs, what support needs, whether the services answer; with the client of the API and of Realtime that
//! it takes.

pub mod api;
pub mod board;
pub mod book;
pub mod database;
pub mod doctor;
pub mod follow;
pub mod logs;
pub mod recover;
pub mod replay;
pub mod smoke;
pub mod support;
