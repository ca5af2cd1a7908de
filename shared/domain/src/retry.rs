//! How jobs that failed are tried again. How often and after which pauses is data: `private.retry_policies`.

use std::time::Duration;

/// Whether a job gets an invocation to itself: what failed twice may be what takes its process down, and the jobs beside it
/// would use up their retries with it. SQL `travels_alone` is the same function; a test compares.
pub const fn travels_alone(retries_so_far: u32) -> bool {
    retries_so_far >= 2
}

/// Pauses between tries of a single provider call that failed in passing (S0-051), before jitter.
pub const PAUSES_WITHIN_A_CALL: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
