//! Short form of the rate-limit trial.

#[test]
fn a_provider_s_limit_is_used_up_obeyed_by_all_and_fails_no_story() {
    super::holds(trial_providers::FAULTS, "ratelimit");
}
