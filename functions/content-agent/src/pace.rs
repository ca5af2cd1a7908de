//! How far an attempt is said to be while a provider works and nobody knows: by its time against the usual one.

use crate::heartbeat::BEAT;
use std::time::Duration;

/// Percent that are shown when an attempt has taken its usual time and is not done yet.
const AT_USUAL_TIME: f64 = 70.0;
/// Nothing is shown as nearly done before it is.
const PERCENT_MAX: f64 = 95.0;
/// Whoever looks at every heartbeat sees it move, as long as there is room.
const SECONDS_A_PERCENT: f64 = BEAT.as_secs() as f64;

/// The progress of one attempt, which never goes back. Moments are counted from its beginning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Seconds such an asset usually takes.
    usual: f64,
    /// The moment and the percentage from which it is reckoned on.
    since: (f64, f64),
}

impl Pace {
    /// `percent` is where an earlier attempt left it.
    pub(crate) fn new(usual_seconds: f64, percent: u8) -> Self {
        Self {
            usual: usual_seconds,
            since: (0.0, f64::from(percent)),
        }
    }

    /// What is known: so much is done at this moment.
    pub(crate) fn note(&mut self, at: Duration, percent: u8) {
        let at = at.as_secs_f64();
        self.since = (at, self.reckon(at).max(f64::from(percent)));
    }

    /// Percent to show at this moment: towards the usual time in even steps, and on after it, ever by one in a heartbeat at
    /// least.
    pub(crate) fn shown(&self, at: Duration) -> u8 {
        // A whole percent that rounding left a hair below is a whole percent.
        (self.reckon(at.as_secs_f64()) + 1e-6) as u8
    }

    fn reckon(&self, at: f64) -> f64 {
        let (since, percent) = self.since;
        let slowest = 1.0 / SECONDS_A_PERCENT;
        let (left, missing) = (self.usual - since, AT_USUAL_TIME - percent);
        let per_second = match left > 0.0 && missing > 0.0 {
            true => (missing / left).max(slowest),
            false => slowest,
        };
        let passed = (at - since).max(0.0);
        let even = percent + passed * per_second;
        // What goes beyond the usual time goes on slowly.
        let until_usual = (missing / per_second).max(0.0);
        let slow = percent.max(AT_USUAL_TIME) + (passed - until_usual).max(0.0) * slowest;
        let shown = if passed <= until_usual { even } else { slow };
        shown.min(PERCENT_MAX.max(percent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(pace: &Pace, seconds: u64) -> u8 {
        pace.shown(Duration::from_secs(seconds))
    }

    #[test]
    fn an_attempt_is_at_seventy_in_its_usual_time_and_never_beyond_ninety_five() {
        let pace = Pace::new(38.0, 0);
        assert_eq!((at(&pace, 0), at(&pace, 19), at(&pace, 38)), (0, 35, 70));
        assert_eq!((at(&pace, 68), at(&pace, 3600)), (85, 95));
    }

    #[test]
    fn whatever_is_usual_and_whatever_is_found_out_it_moves_with_every_heartbeat_and_never_back() {
        for usual in [0.001, 2.0, 38.0, 68.0, 124.0, 600.0] {
            for (noted_at, noted) in [(0, 0), (2, 40), (9, 25), (30, 70), (80, 80), (120, 70)] {
                let mut pace = Pace::new(usual, 0);
                let mut before = at(&pace, 0);
                for second in (2..400).step_by(2) {
                    if (second - 2..second).contains(&noted_at) {
                        pace.note(Duration::from_secs(noted_at), noted);
                    }
                    let now = at(&pace, second);
                    let case = format!("{usual} s, {noted} after {noted_at} s, at {second} s");
                    assert!(now <= 95, "{case}");
                    assert!(now > before || now == 95, "{case}: {before}, then {now}");
                    before = now;
                }
                assert_eq!(before, 95);
            }
        }
    }

    #[test]
    fn what_is_known_is_shown_at_once_and_reckoned_on_from() {
        let mut pace = Pace::new(40.0, 0);
        pace.note(Duration::from_secs(10), 40);
        assert_eq!((at(&pace, 10), at(&pace, 25), at(&pace, 40)), (40, 55, 70));
        pace.note(Duration::from_secs(25), 20);
        assert_eq!(at(&pace, 25), 55, "less is no news");
    }

    #[test]
    fn an_attempt_goes_on_where_one_before_it_was_held_up() {
        let pace = Pace::new(40.0, 60);
        assert_eq!(at(&pace, 0), 60);
        assert!(at(&pace, 2) > 60);
    }
}
