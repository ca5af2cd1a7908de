//! Short forms of `trial_providers`.
