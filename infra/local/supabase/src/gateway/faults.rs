//! Faults of the REST path, for tests: refused, cut off before or after the effect.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use parking_lot::RwLock;

use crate::chance::{Chance, Share};

/// What share of `/rest/v1` calls goes wrong, and how. The shares are drawn independently, in the
/// order of the fields; the first that hits decides.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FaultPlan {
    /// Answer 503 (`PGRST001`) instead of passing the call on.
    pub unavailable: Share,
    /// Answer 503 (`PGRST002`, the schema cache is being read again) instead of passing the call on.
    pub schema_reload: Share,
    /// Answer 504 (`PGRST003`, no connection from the pool in time) instead of passing the call on.
    pub timed_out: Share,
    /// Answer as a server that was failed over to a standby: every write is refused (`0A000`).
    pub standby: Share,
    /// Answer nothing for [`Self::hang_ms`], then close the connection; the call is not passed on.
    pub hung: Share,
    /// Length of a hang, milliseconds.
    pub hang_ms: u64,
    /// Close the connection without an answer and without passing the call on.
    pub reset: Share,
    /// Pass the call on, let it take effect, then close the connection instead of answering.
    pub answer_lost: Share,
}

/// A plan that can be changed while the gateway serves; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    plan: RwLock<FaultPlan>,
    chance: Chance,
}

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    PassOn,
    /// It is told this, and not passed on: status, PostgREST's code, and its words (its `Error.hs`).
    Told(StatusCode, &'static str, &'static str),
    Hung(Duration),
    Reset,
    AnswerLost,
}

impl Faults {
    /// Replaces the plan from the next call on.
    pub fn set(&self, plan: FaultPlan) {
        *self.0.plan.write() = plan;
    }

    pub(crate) fn draw(&self) -> Fate {
        let plan = self.0.plan.read().clone();
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        let away = "Could not connect with the database. Retrying the connection.";
        let reload = "Could not query the database for the schema cache. Retrying.";
        let full = "Timed out acquiring connection from connection pool.";
        // PostgREST begins every write with READ WRITE, which a standby refuses; it answers 400 to class 0A.
        let standby = "cannot set transaction read-write mode during recovery";
        let fates = [
            (plan.unavailable, Fate::Told(unavailable, "PGRST001", away)),
            (
                plan.schema_reload,
                Fate::Told(unavailable, "PGRST002", reload),
            ),
            (
                plan.timed_out,
                Fate::Told(StatusCode::GATEWAY_TIMEOUT, "PGRST003", full),
            ),
            (
                plan.standby,
                Fate::Told(StatusCode::BAD_REQUEST, "0A000", standby),
            ),
            (plan.hung, Fate::Hung(Duration::from_millis(plan.hang_ms))),
            (plan.reset, Fate::Reset),
            (plan.answer_lost, Fate::AnswerLost),
        ];
        fates
            .into_iter()
            .find(|(share, _)| self.0.chance.hits(*share))
            .map_or(Fate::PassOn, |(_, fate)| fate)
    }
}

/// Ends the task that serves the connection, so that the peer sees it close mid-request.
///
/// Unwinding without a panic message is the one way out of a handler that sends nothing at all.
pub(crate) fn cut_the_connection() -> ! {
    std::panic::resume_unwind(Box::new("connection cut by the fault plan"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_plan_means_no_fault() {
        let faults = Faults::default();
        assert!((0..100).all(|_| faults.draw() == Fate::PassOn));
    }

    #[test]
    fn a_plan_set_through_one_clone_is_followed_by_the_other() {
        let faults = Faults::default();
        faults.clone().set(FaultPlan {
            unavailable: Share::from(1.0),
            ..FaultPlan::default()
        });
        assert!(matches!(faults.draw(), Fate::Told(_, "PGRST001", _)));
    }

    #[test]
    fn a_hang_lasts_as_long_as_the_plan_says() {
        let faults = Faults::default();
        faults.set(FaultPlan {
            hung: Share::from(1.0),
            hang_ms: 10_000,
            ..FaultPlan::default()
        });
        assert_eq!(faults.draw(), Fate::Hung(Duration::from_secs(10)));
    }
}
