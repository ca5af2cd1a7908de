//! Short forms of the fault tests in `faults::simulation`.

use super::holds;

#[test]
fn the_invariants_survive_every_interleaving() {
    holds("simulation");
}

#[test]
fn a_guard_that_is_missing_is_noticed() {
    holds("mutants");
}

#[test]
fn events_in_any_order_again_and_late_end_in_the_same_story() {
    holds("reorder");
}

#[test]
fn whoever_changes_their_mind_gets_nothing_of_an_attempt_that_was_taken_away() {
    holds("steering");
}
