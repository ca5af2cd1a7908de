//! When a job is tried again: a pure function of the asset and the number of retries so far.

use crate::AssetType;
use std::time::Duration;

/// Retries after the first try, so `max_retries + 1` attempts in all (C-05).
pub const fn max_retries(asset: AssetType) -> u32 {
    match asset {
        AssetType::Audio | AssetType::Pdf => 2,
        _ => 3,
    }
}

/// Pause before retry number `retries_so_far` (from 0), before jitter of up to a quarter on top.
///
/// | asset | pauses |
/// | --- | --- |
/// | content, activities | 1 s, 2 s, 4 s |
/// | cover, scenes | none: feedback of the check goes into the next prompt |
/// | audio | 5 s, 10 s |
/// | pdf | none |
///
/// A provider's `Retry-After` wins over all of them. SQL `retry_delay_seconds` is the same function; a test compares.
pub const fn pause_before_retry(asset: AssetType, retries_so_far: u32) -> Duration {
    match asset {
        AssetType::Content | AssetType::Activities => Duration::from_secs(1 << retries_so_far),
        AssetType::Audio => Duration::from_secs(5 * (retries_so_far as u64 + 1)),
        _ => Duration::ZERO,
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_waits_one_two_four_seconds_and_the_voice_five_and_ten() {
        let pauses = |asset| {
            (0..max_retries(asset))
                .map(|n| pause_before_retry(asset, n).as_secs())
                .collect::<Vec<_>>()
        };
        assert_eq!(pauses(AssetType::Content), [1, 2, 4]);
        assert_eq!(pauses(AssetType::Audio), [5, 10]);
        assert_eq!(pauses(AssetType::Scene3), [0, 0, 0]);
        assert_eq!(pauses(AssetType::Pdf), [0, 0]);
    }
}
