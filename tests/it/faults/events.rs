//! Short forms of `trial_events`.
