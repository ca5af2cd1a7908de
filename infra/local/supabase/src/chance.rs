//! Repeatable coin flips for the fault hooks: the same run of calls gives the same faults.

use std::sync::atomic::{AtomicU64, Ordering};

/// A share between 0 and 1; anything outside is pulled to the nearer end, NaN to 0.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(from = "f64", into = "f64")]
pub struct Share(f64);

impl Share {
    /// Never.
    pub const NONE: Self = Self(0.0);

    /// The share as a number between 0 and 1.
    pub fn as_f64(self) -> f64 {
        self.0
    }
}

impl From<f64> for Share {
    fn from(value: f64) -> Self {
        Self(if value.is_nan() {
            0.0
        } else {
            value.clamp(0.0, 1.0)
        })
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        share.0
    }
}

/// A sequence of coin flips (SplitMix64, Steele, Lea and Flood 2014).
#[derive(Debug, Default)]
pub(crate) struct Chance(AtomicU64);

impl Chance {
    const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

    /// A number in [0, 1).
    pub(crate) fn next_unit(&self) -> f64 {
        let state = self
            .0
            .fetch_add(Self::GOLDEN_GAMMA, Ordering::Relaxed)
            .wrapping_add(Self::GOLDEN_GAMMA);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        // The upper 53 bits are what a double can hold without rounding.
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True for about `share` of the calls.
    pub(crate) fn hits(&self, share: Share) -> bool {
        share.0 > 0.0 && self.next_unit() < share.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_a_third_hits_about_a_third_of_the_time() {
        let chance = Chance::default();
        let hits = (0..9_000)
            .filter(|_| chance.hits(Share::from(1.0 / 3.0)))
            .count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
    }

    #[test]
    fn none_never_hits_and_everything_always_does() {
        let chance = Chance::default();
        assert!((0..1_000).all(|_| !chance.hits(Share::NONE)));
        assert!((0..1_000).all(|_| chance.hits(Share::from(7.0))));
    }
}
