//! Short forms of `trial_queue`.

use super::holds;
use trial_queue::FAULTS;

#[test]
fn two_workers_never_hold_one_job() {
    holds(FAULTS, "race");
}
