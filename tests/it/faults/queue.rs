//! Short forms of `trial_queue`.

use super::holds;
use trial_queue::{BENCHES, FAULTS};

#[test]
fn sixteen_workers_of_one_queue_claim_every_job_once() {
    holds(FAULTS, "race");
}

#[test]
fn a_school_an_urgent_stream_a_poison_job_and_a_rate_limit_let_others_have_their_turn() {
    holds(FAULTS, "fairness");
}

#[test]
fn claiming_does_not_feel_a_long_history() {
    holds(BENCHES, "claim");
}

#[test]
fn claiming_does_not_feel_a_held_snapshot() {
    holds(BENCHES, "snapshot");
}
