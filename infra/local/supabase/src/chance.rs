//! Repeatable coin flips for the fault hooks: the same run of calls gives the same faults.

use parking_lot::Mutex;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

/// A share between 0 and 1; anything outside is pulled to the nearer end, NaN to 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Share(f64);

impl Share {
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

/// A sequence of coin flips, the same in every run.
#[derive(Debug)]
pub(crate) struct Chance(Mutex<StdRng>);

impl Default for Chance {
    fn default() -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(0)))
    }
}

impl Chance {
    /// True for about `share` of the calls.
    pub(crate) fn hits(&self, share: Share) -> bool {
        share.0 > 0.0 && self.0.lock().random_bool(share.0)
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
        assert!((0..1_000).all(|_| !chance.hits(Share::default())));
        assert!((0..1_000).all(|_| chance.hits(Share::from(7.0))));
    }
}
