//! Short forms of `trial_simulation`.
