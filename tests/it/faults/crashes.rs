//! Short forms of the fault tests in `faults::crashes`.

use super::holds;

#[test]
fn a_killed_process_s_job_starts_again_in_time_wherever_it_died() {
    holds("kill");
}

#[test]
fn all_processes_may_die_at_once_and_every_story_ends_well() {
    holds("outage");
}

#[test]
fn a_worker_that_dies_between_the_upload_and_the_status_write_buys_nothing_twice() {
    holds("upload");
}

#[test]
fn a_wake_that_never_arrives_is_made_up_for() {
    holds("wake");
}

#[test]
fn a_zombie_that_writes_after_the_takeover_changes_nothing() {
    holds("zombie");
}

#[test]
fn a_new_version_that_starts_during_work_costs_no_story() {
    holds("deploy");
}

#[test]
fn nothing_is_left_of_what_is_deleted_at_any_moment_and_the_sums_are_exact() {
    holds("deletion");
}
