//! How long an invocation may still run.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The moment at which Lambda kills the process.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// From the deadline of the Runtime API, milliseconds since the epoch. `cargo lambda watch` sends one in 1970, which
    /// means that nobody will kill the process; `limit_when_unknown` is assumed then.
    pub fn from_epoch_ms(deadline_ms: u64, limit_when_unknown: Duration) -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let left = Duration::from_millis(deadline_ms)
            .checked_sub(now)
            .unwrap_or(limit_when_unknown);
        Self::after(left)
    }

    pub fn after(left: Duration) -> Self {
        Self(Instant::now() + left)
    }

    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// An earlier deadline, so that something can still be said before the end.
    pub fn earlier_by(self, margin: Duration) -> Self {
        Self(self.0.checked_sub(margin).unwrap_or(self.0))
    }

    pub fn instant(self) -> Instant {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_in_1970_means_that_nobody_counts() {
        let left = Deadline::from_epoch_ms(600_000, Duration::from_secs(300)).left();
        assert!(left > Duration::from_secs(299) && left <= Duration::from_secs(300));
    }
}
