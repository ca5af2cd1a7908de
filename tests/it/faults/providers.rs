//! Short forms of `trial_providers`.

use super::holds;
use trial_providers::FAULTS;

#[test]
fn nothing_is_ready_without_its_file_however_badly_the_storage_does() {
    holds(FAULTS, "files");
}

#[test]
fn a_provider_that_is_down_is_left_alone_and_one_in_trouble_is_asked_again() {
    holds(FAULTS, "circuit");
}

#[test]
fn an_answer_that_never_ends_is_given_up_and_nobody_else_waits() {
    holds(FAULTS, "hang");
}

#[test]
fn a_job_that_takes_its_process_down_takes_nothing_else_with_it() {
    holds(FAULTS, "poison");
}

#[test]
fn a_refused_picture_is_asked_for_twice_and_never_again() {
    holds(FAULTS, "refusal");
}

#[test]
fn without_money_three_calls_are_enough_to_learn_it() {
    holds(FAULTS, "budget");
}
