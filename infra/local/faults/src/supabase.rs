//! What Supabase does to us: PostgREST and Postgres refusing, resetting and restarting, Realtime losing frames, clocks that differ.

mod clock;
mod db;
mod limits;
mod postgrest;
mod quota;
mod realtime;
mod replies;
mod status;
mod throughput;
mod verbs;

use crate::Trial;

/// All of them, in the order in which they are listed.
pub(crate) const FAULTS: &[Trial] = &[
    postgrest::POSTGREST,
    db::DB,
    realtime::REALTIME,
    clock::CLOCK,
    status::STATUS,
    quota::QUOTA,
    limits::LIMITS,
];
