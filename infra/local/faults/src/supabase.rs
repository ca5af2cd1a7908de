//! What Supabase does to us: PostgREST and Postgres refusing, resetting and restarting, Realtime losing frames, clocks that differ.

pub(crate) mod clock;
pub(crate) mod db;
pub(crate) mod limits;
pub(crate) mod postgrest;
pub(crate) mod quota;
pub(crate) mod realtime;
mod replies;
pub(crate) mod status;
mod throughput;
mod verbs;
