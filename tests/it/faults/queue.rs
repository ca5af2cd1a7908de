//! Short forms of `trial_queue`.
