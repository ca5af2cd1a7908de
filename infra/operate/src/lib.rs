//! What operators run against any deployment, the local stack among them: a story as a smoke test, whether the services that a
//! story needs answer, a story brought back; with the client of the API and of Realtime that it takes.

pub mod api;
pub mod doctor;
pub mod follow;
pub mod logs;
pub mod recover;
pub mod smoke;
pub mod support;
