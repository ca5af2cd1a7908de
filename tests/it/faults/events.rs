//! Short forms of `trial_events`.

use super::holds;
use trial_events::FAULTS;

#[test]
fn events_that_come_again_and_again_are_paid_for_once() {
    holds(FAULTS, "duplicates");
}

#[test]
fn a_kick_or_a_wake_that_never_arrives_is_made_up_for_by_the_sweep() {
    holds(FAULTS, "lost");
}

#[test]
fn every_story_settles_though_everything_fails_now_and_then() {
    holds(FAULTS, "chaos");
}
