//! Short forms of the fault tests in `faults::events`.

use super::holds;

#[test]
fn events_that_come_again_and_again_are_paid_for_once() {
    holds("duplicates");
}

#[test]
fn a_kick_or_a_wake_that_never_arrives_is_made_up_for_by_the_sweep() {
    holds("lost");
}

#[test]
fn each_end_is_told_once_by_mail_and_once_by_webhook_but_for_what_was_out_when_a_sender_died() {
    holds("notices");
}

#[test]
fn every_story_settles_though_everything_fails_now_and_then() {
    holds("chaos");
}
