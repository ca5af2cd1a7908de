//! Short forms of the fault tests in `faults::queue`.

use super::holds_alone;
use faults::Kind;

#[test]
fn sixteen_workers_of_one_queue_claim_every_job_once() {
    holds_alone(Kind::Fault, "race");
}

#[test]
fn a_school_an_urgent_stream_a_poison_job_and_a_rate_limit_let_others_have_their_turn() {
    holds_alone(Kind::Fault, "fairness");
}

#[test]
fn claiming_does_not_feel_a_long_history() {
    holds_alone(Kind::Bench, "claim");
}

#[test]
fn claiming_does_not_feel_a_held_snapshot() {
    holds_alone(Kind::Bench, "snapshot");
}
