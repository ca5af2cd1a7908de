//! Stories at the real latencies without waiting for them: the calls of each are laid out by the graph, in virtual time.

use crate::benches::path::{self, Call, Parts};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Where the parts of a text stand in it, as the storyteller writes it.
const PARTS: Parts = Parts {
    outline: 0.17,
    beats: [0.375, 0.58, 0.785, 0.99],
};

/// What a story takes over the documented way, for each of so many stories whose calls take up to a fifth more or less than
/// the middle of the documented latencies. `ours_seconds` is what a story takes beyond its calls.
pub(crate) fn documented_ratios(stories: usize, seed: u64, ours_seconds: f64) -> Vec<f64> {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut ratio = || {
        let calls = lay_out(&mut || chance.random_range(0.8..1.2));
        let took = path::critical_path_ms(&calls, &PARTS) as f64 + ours_seconds * 1000.0;
        took / path::documented_path_ms(&calls) as f64
    };
    (0..stories).map(|_| ratio()).collect()
}

/// The calls of one story; `about` draws how much longer or shorter than usual one takes.
fn lay_out(about: &mut impl FnMut() -> f64) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut call = |asset: &str, kind: &str, from: f64, seconds: f64| {
        let to = from + seconds * about();
        calls.push(Call {
            asset: asset.to_owned(),
            kind: kind.to_owned(),
            started_ms: (from * 1000.0) as u64,
            ended_ms: (to * 1000.0) as u64,
        });
        to
    };
    let text = call("content", "story", 0.0, 45.0);
    let outline = text * PARTS.outline;
    let palette = call("cover", "palette_journey", outline, 2.0);
    let look = call("cover", "scene_analysis", outline, 2.0);
    let drawn = call("cover", "picture", palette.max(look), 35.5);
    let cover = call("cover", "image_check", drawn, 2.0);
    for (beat, scene) in PARTS.beats.into_iter().zip(1..) {
        call("cover", "scene_analysis", text * beat, 2.0);
        let asset = format!("scene_{scene}");
        let drawn = call(&asset, "picture", cover.max(text), 35.5);
        call(&asset, "image_check", drawn, 2.0);
    }
    let mut ended = [0.0_f64; 2];
    for beat in PARTS.beats {
        ended.sort_by(f64::total_cmp);
        ended[0] = call("audio", "speech", ended[0].max(text * beat), 67.5 / 4.0);
    }
    call("activities", "activities", text, 2.0);
    calls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benches::pace::{DOCUMENTED_PATH_SECONDS, REAL_PATH_SECONDS};

    #[test]
    fn at_the_middle_of_the_latencies_a_story_takes_what_the_pace_says() {
        let calls = lay_out(&mut || 1.0);
        let documented = path::documented_path_ms(&calls) as f64 / 1000.0;
        let book = 0.4;
        assert!(
            (documented + book - DOCUMENTED_PATH_SECONDS).abs() < 0.01,
            "{documented}"
        );
        let took = path::critical_path_ms(&calls, &PARTS) as f64 / 1000.0;
        assert!((took + book - REAL_PATH_SECONDS).abs() < 0.5, "{took}");
    }
}
