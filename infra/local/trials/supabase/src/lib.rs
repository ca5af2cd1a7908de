//! What Supabase does to us: PostgREST and Postgres refusing, resetting and restarting, Realtime losing frames, clocks that differ.

use local_trials::Trial;

/// All of them, in the order in which they are listed.
pub const FAULTS: &[Trial] = &[];
