//! The shortest time in which a story could have been made from the provider calls that it took: the critical path.

use crate::{LedgerRow, call_key};
use stand_ins::CallRecord;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// A provider call of one story, as the usage ledger attributes it and the stand-in timed it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The job it was for: `content`, `cover`, …
    pub(crate) asset: String,
    /// `story`, `palette_journey`, `scene_analysis`, `picture`, `image_check`, …
    pub(crate) kind: String,
    pub(crate) started_ms: u64,
    pub(crate) ended_ms: u64,
}

impl Call {
    const fn took(&self) -> u64 {
        self.ended_ms.saturating_sub(self.started_ms)
    }
}

/// The calls of each story.
pub(crate) fn by_story(ledger: Vec<LedgerRow>, calls: &[CallRecord]) -> HashMap<Uuid, Vec<Call>> {
    let times: HashMap<String, (u64, u64)> = calls
        .iter()
        .filter_map(|call| Some((call_key(call), (call.started_unix_ms, call.ended_unix_ms?))))
        .collect();
    let mut stories: HashMap<Uuid, Vec<Call>> = HashMap::new();
    for (key, story, asset, kind) in ledger {
        if let Some(&(started_ms, ended_ms)) = times.get(&key) {
            stories.entry(story).or_default().push(Call {
                asset,
                kind,
                started_ms,
                ended_ms,
            });
        }
    }
    stories
}

/// Milliseconds of the longest chain of calls that had to wait for each other, by the graph of the assets: the text, then
/// palette and the look at the cover at once, the cover (the scenes are looked at meanwhile), then the scenes; narration and activities beside them. The book
/// needs no provider, so all of it is ours.
pub(crate) fn critical_path_ms(calls: &[Call]) -> u64 {
    let mut jobs: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in calls {
        jobs.entry(&call.asset).or_default().push(call);
    }
    let series = |asset: &str| -> u64 {
        jobs.get(asset)
            .map_or(0, |calls| calls.iter().map(|call| call.took()).sum())
    };
    let cover = jobs.get("cover").map_or(0, |calls| cover_ms(calls));
    let scenes = jobs
        .keys()
        .filter(|asset| asset.starts_with("scene_"))
        .map(|asset| series(asset))
        .max()
        .unwrap_or(0);
    let after_the_text = (cover + scenes)
        .max(series("audio"))
        .max(series("activities"));
    series("content") + after_the_text
}

/// The cover's own chain: palette and its own scene at once, then it is drawn and checked, the other scenes meanwhile.
fn cover_ms(calls: &[&Call]) -> u64 {
    let total = |calls: &[&Call]| calls.iter().map(|call| call.took()).sum::<u64>();
    let slowest = |calls: &[&Call]| calls.iter().map(|call| call.took()).max().unwrap_or(0);
    let (direction, ahead, drawing) = parted(calls);
    slowest(&direction) + total(&drawing).max(slowest(&ahead))
}

/// Palette and own scene, which is asked for first; the other scenes; and pictures with their checks.
fn parted<'a>(calls: &[&'a Call]) -> (Vec<&'a Call>, Vec<&'a Call>, Vec<&'a Call>) {
    let of = |kind: &str| -> Vec<&Call> {
        calls
            .iter()
            .copied()
            .filter(|call| call.kind == kind)
            .collect()
    };
    let mut looks = of("scene_analysis");
    looks.sort_by_key(|call| call.started_ms);
    let ahead = looks.split_off(looks.len().min(1));
    let direction = [of("palette_journey"), looks].concat();
    let is_drawing =
        |call: &&Call| !["palette_journey", "scene_analysis"].contains(&call.kind.as_str());
    let drawing = calls.iter().copied().filter(is_drawing).collect();
    (direction, ahead, drawing)
}

/// Milliseconds between the calls of the chain through the text, the cover and the scene that ended last, each under what
/// was done in them: the first reaches from the request, the last to the last commit.
pub(crate) fn between_calls(
    asked_ms: f64,
    calls: &[Call],
    settled_ms: f64,
) -> Vec<(&'static str, f64)> {
    let last_scene = calls
        .iter()
        .filter(|call| call.asset.starts_with("scene_"))
        .max_by_key(|call| call.ended_ms)
        .map_or("", |call| call.asset.as_str());
    let mut chain: Vec<&Call> = Vec::new();
    for asset in ["content", "cover", last_scene] {
        let own: Vec<&Call> = calls.iter().filter(|call| call.asset == asset).collect();
        let (direction, _, mut drawing) = parted(&own);
        // Of those asked at once the last to answer is waited for.
        chain.extend(direction.into_iter().max_by_key(|call| call.ended_ms));
        drawing.sort_by_key(|call| call.started_ms);
        chain.extend(drawing);
    }
    let mut before = ("", asked_ms);
    let mut gaps = Vec::new();
    for call in chain {
        let what = match (call.kind.as_str(), before.0) {
            ("story", _) => "request to text",
            ("palette_journey" | "scene_analysis", _) => "text to palette and look",
            ("picture", "image_check") => "cover to scene",
            ("picture", _) => "these to cover",
            ("image_check", _) => "picture to check",
            _ => "other",
        };
        gaps.push((what, call.started_ms as f64 - before.1));
        before = (call.kind.as_str(), call.ended_ms as f64);
    }
    gaps.push(("scene to book", settled_ms - before.1));
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(asset: &str, kind: &str, started_ms: u64, took: u64) -> Call {
        Call {
            asset: asset.to_owned(),
            kind: kind.to_owned(),
            started_ms,
            ended_ms: started_ms + took,
        }
    }

    #[test]
    fn the_path_goes_through_text_the_slowest_look_cover_and_the_slowest_scene() {
        let mut calls = vec![
            call("content", "story", 0, 45),
            call("audio", "speech", 45, 70),
            call("activities", "activities", 45, 10),
            call("cover", "palette_journey", 45, 2),
            call("cover", "scene_analysis", 45, 3),
            call("cover", "scene_analysis", 50, 4),
            call("cover", "picture", 50, 35),
            call("cover", "image_check", 85, 2),
            call("scene_1", "picture", 90, 30),
            call("scene_1", "image_check", 120, 2),
            call("scene_4", "picture", 90, 40),
            call("scene_4", "image_check", 130, 2),
        ];
        assert_eq!(critical_path_ms(&calls), 45 + 3 + 35 + 2 + 42);
        calls[1].ended_ms = 45 + 400;
        assert_eq!(
            critical_path_ms(&calls),
            445,
            "narration can be the longest"
        );
    }

    #[test]
    fn what_is_between_the_calls_adds_up_to_what_is_beyond_them() {
        let calls = [
            call("content", "story", 3, 45),
            call("cover", "palette_journey", 50, 2),
            call("cover", "scene_analysis", 50, 3),
            call("cover", "scene_analysis", 57, 4),
            call("cover", "picture", 57, 35),
            call("cover", "image_check", 97, 2),
            call("scene_1", "picture", 104, 30),
            call("scene_1", "image_check", 139, 2),
            call("scene_2", "picture", 104, 40),
            call("scene_2", "image_check", 149, 2),
        ];
        let gaps = between_calls(0.0, &calls, 161.0);
        let total: f64 = gaps.iter().map(|(_, gap)| gap).sum();
        assert_eq!(total, 161.0 - critical_path_ms(&calls) as f64);
        let names: Vec<_> = gaps.iter().map(|(name, _)| *name).collect();
        let [first, .., before, last] = names[..] else {
            panic!("{names:?}")
        };
        assert_eq!(
            [first, before, last],
            ["request to text", "picture to check", "scene to book"]
        );
    }

    #[test]
    fn a_picture_drawn_twice_is_on_the_path_twice() {
        let calls = [
            call("cover", "picture", 0, 30),
            call("cover", "image_check", 30, 2),
            call("cover", "picture", 32, 31),
            call("cover", "image_check", 63, 2),
        ];
        assert_eq!(critical_path_ms(&calls), 65);
    }
}
