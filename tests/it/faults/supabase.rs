//! Short forms of `trial_supabase`.
