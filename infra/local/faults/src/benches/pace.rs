//! How long the stand-ins take, in proportion to the real providers, so that waiting is measured and not this machine.

use rand::{Rng, SeedableRng, rngs::StdRng};
use stand_ins::{LatencyProfile, StandInConfig};
use std::{num::NonZeroUsize, thread, time::Duration};
use tokio::task::JoinHandle;

/// The documented way of a story at the middle of its latencies, in seconds, one step after the other: text 45, palette 2,
/// the look at the cover 2, two pictures in series with their checks at 37.5 each, book 0.4.
pub(crate) const DOCUMENTED_PATH_SECONDS: f64 = 124.4;
/// The critical path of the calls as they are made: outline at 17 % of the text 7.7, palette and look at once 2, two pictures
/// with their checks, book; the narration, beat by beat, ends with them.
pub(crate) const REAL_PATH_SECONDS: f64 = 85.1;
/// A story alone runs at a twentieth of it.
pub(crate) const ALONE_SECONDS: f64 = REAL_PATH_SECONDS / 20.0;
/// The share of this machine that stories at once may need. Above it they would wait for its two or so processors, where
/// on Lambda each has an environment of its own.
const MACHINE_SHARE: f64 = 0.12;

/// The real latencies, so much quicker that the critical path is this long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pace {
    path_seconds: f64,
}

impl Pace {
    pub(crate) const ALONE: Self = Self {
        path_seconds: ALONE_SECONDS,
    };

    /// As slow as it takes for `stories` at once, each of which needs `processor_seconds` of this machine; never slower than
    /// providers are, for what takes longer is given up.
    pub(crate) fn for_stories(stories: usize, processor_seconds: f64) -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get) as f64;
        let calm = stories as f64 * processor_seconds / processors / MACHINE_SHARE;
        Self {
            path_seconds: calm.clamp(ALONE_SECONDS, REAL_PATH_SECONDS),
        }
    }

    /// The same proportions, so long in all.
    pub(crate) const fn of_seconds(path_seconds: f64) -> Self {
        Self { path_seconds }
    }

    pub(crate) const fn seconds(self) -> f64 {
        self.path_seconds
    }

    /// Longest a batch may take before it is called stuck.
    pub(crate) fn patience(self) -> Duration {
        Duration::from_secs_f64(60.0 + 4.0 * self.path_seconds)
    }

    /// Of the real seconds: a story 45, any other text 2, a picture 35.5, a narration 67.5.
    pub(crate) fn latency(self) -> LatencyProfile {
        self.times([1.0; 4])
    }

    fn times(self, [story, text, image, speech]: [f64; 4]) -> LatencyProfile {
        let scale = self.path_seconds / REAL_PATH_SECONDS;
        let milliseconds = |seconds: f64| (seconds * scale * 1000.0).round() as u64;
        LatencyProfile {
            story: milliseconds(45.0 * story),
            text: milliseconds(2.0 * text),
            image: milliseconds(35.5 * image),
            speech: milliseconds(67.5 * speech),
            moderation: 0,
        }
    }

    /// Every answer takes a time of its own, within a fifth of the usual one (pictures: 30 to 45 s), until this is dropped.
    /// Without it a hundred stories would want their pictures decoded in the same millisecond, again and again.
    pub(crate) fn wavering(self, stand_ins: &StandInConfig, seed: u64) -> Wavering {
        let stand_ins = stand_ins.clone();
        let mut chance = StdRng::seed_from_u64(seed);
        stand_ins.set_latency(self.latency());
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(2));
            loop {
                ticks.tick().await;
                let mut draw = || chance.random_range(0.8..1.2);
                stand_ins.set_latency(self.times([draw(), draw(), draw(), draw()]));
            }
        });
        Wavering(task)
    }
}

/// Latencies that change all the time.
#[derive(Debug)]
pub(crate) struct Wavering(JoinHandle<()>);

impl Drop for Wavering {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latencies_are_those_of_the_documents_in_small() {
        let pace = Pace::of_seconds(REAL_PATH_SECONDS);
        let LatencyProfile {
            story, text, image, ..
        } = pace.latency();
        let documented = story + 2 * text + 2 * (image + text) + 400;
        assert_eq!(documented as f64 / 1000.0, DOCUMENTED_PATH_SECONDS);
        assert_eq!(
            Pace::of_seconds(REAL_PATH_SECONDS / 10.0).latency().story,
            story / 10
        );
    }

    #[test]
    fn more_stories_are_slower_none_is_quicker_than_a_twentieth_or_slower_than_providers_are() {
        assert_eq!(Pace::for_stories(1, 0.1), Pace::ALONE);
        assert!(Pace::for_stories(10, 1.0).seconds() > Pace::for_stories(5, 1.0).seconds());
        assert_eq!(Pace::for_stories(1_000, 1.0).seconds(), REAL_PATH_SECONDS);
    }
}
