//! Short forms of the fault tests in `faults::supabase`.

use super::{holds, holds_alone};
use faults::Kind;

#[test]
fn nothing_is_lost_while_postgrest_fails_in_every_way_and_work_goes_on_soon_after() {
    holds_alone(Kind::Fault, "postgrest");
}

#[test]
fn nothing_is_lost_when_postgres_restarts_crashes_ends_sessions_or_turns_read_only() {
    holds_alone(Kind::Fault, "db");
}

#[test]
fn a_client_of_realtime_has_the_newest_row_soon_after_it_is_back_and_never_an_older_one() {
    holds_alone(Kind::Fault, "realtime");
}

#[test]
fn no_clock_of_a_function_reaches_the_database_and_tokens_get_a_minute_of_leeway() {
    holds_alone(Kind::Fault, "clock");
}

#[test]
fn no_status_is_lost_when_all_assets_finish_at_once() {
    holds_alone(Kind::Fault, "status");
}

#[test]
fn nobody_gets_more_stories_than_the_limit_however_many_are_asked_for_at_once() {
    holds("quota");
}

#[test]
fn nobody_gets_more_made_again_than_the_plan_allows_and_no_day_costs_more_than_it_may() {
    holds("limits");
}
