//! Short forms of the fault tests in `faults::providers`.

use super::{holds, holds_alone};
use faults::Kind;

#[test]
fn nothing_is_ready_without_its_file_however_badly_the_storage_does() {
    holds("files");
}

#[test]
fn a_provider_that_is_down_is_left_alone_and_one_in_trouble_is_asked_again() {
    holds_alone(Kind::Fault, "circuit");
}

#[test]
fn an_answer_that_never_ends_is_given_up_and_nobody_else_waits() {
    holds_alone(Kind::Fault, "hang");
}

#[test]
fn a_job_that_takes_its_process_down_takes_nothing_else_with_it() {
    holds("poison");
}

#[test]
fn a_refused_picture_is_asked_for_in_plainer_words_and_then_no_more() {
    holds("refusal");
}

#[test]
fn without_money_three_calls_are_enough_to_learn_it() {
    holds("budget");
}

#[test]
fn a_provider_s_limit_is_used_up_obeyed_by_all_and_fails_no_story() {
    holds_alone(Kind::Fault, "ratelimit");
}
