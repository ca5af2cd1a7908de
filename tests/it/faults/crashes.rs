//! Short forms of `trial_crashes`.
