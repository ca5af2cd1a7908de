//! The shortest time in which a story could have been made from the provider calls that it took: the critical path, as it is
//! and as the documents have it; and who waited for whom, as a picture in letters.

use crate::prelude::*;
use stand_ins::CallRecord;
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
};

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

/// Shares of a text, which comes evenly, at which its parts stand: its outline, and each of its beats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub(crate) outline: f64,
    pub(crate) beats: [f64; 4],
}

/// The calls of one story by what waits for them.
struct Graph<'a> {
    jobs: BTreeMap<&'a str, Vec<&'a Call>>,
}

impl<'a> Graph<'a> {
    fn of(calls: &'a [Call]) -> Self {
        let mut jobs: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
        for call in calls {
            jobs.entry(&call.asset).or_default().push(call);
        }
        Self { jobs }
    }

    fn calls(&self, asset: &str) -> &[&'a Call] {
        self.jobs.get(asset).map(Vec::as_slice).unwrap_or_default()
    }

    fn series(&self, asset: &str) -> u64 {
        self.calls(asset).iter().map(|call| call.took()).sum()
    }

    fn slowest_scene(&self) -> u64 {
        let assets = self.jobs.keys().filter(|asset| asset.starts_with("scene_"));
        assets.map(|asset| self.series(asset)).max().unwrap_or(0)
    }

    /// Until the last recording ends, two at once, none of them before its beat stands.
    fn narration(&self, text: u64, parts: &Parts) -> u64 {
        let mut speech = self.calls("audio").to_vec();
        speech.sort_by_key(|call| call.started_ms);
        let stands = parts.beats.into_iter().chain(std::iter::repeat(1.0));
        let mut ended = [0.0_f64; 2];
        for (call, share) in speech.iter().zip(stands) {
            ended.sort_by(f64::total_cmp);
            ended[0] = ended[0].max(text as f64 * share) + call.took() as f64;
        }
        ended[0].max(ended[1]) as u64
    }
}

/// Milliseconds of the longest chain of calls that had to wait for each other, by the graph of the assets: the text as far as
/// its outline, then palette and the look at the cover at once, the cover (the scenes are looked at meanwhile, each after its
/// beat), then, with the whole text, the scenes; beside them the narration, each beat when it stands and one of
/// the two before it is recorded, and the activities. The book needs no provider, so all of it is ours.
pub(crate) fn critical_path_ms(calls: &[Call], parts: &Parts) -> u64 {
    let graph = Graph::of(calls);
    let text = graph.series("content");
    let (direction, ahead, drawing) = parted(graph.calls("cover"));
    let outline = (text as f64 * parts.outline) as u64;
    let cover = outline + slowest(&direction) + total(&drawing);
    let scenes = cover.max(text + slowest(&ahead)) + graph.slowest_scene();
    let narration = graph.narration(text, parts);
    let activities = text + graph.series("activities");
    scenes.max(narration).max(activities)
}

/// The same calls in the order of the documents: each waits for the one before it, but for the scenes, which are drawn side by
/// side; and the whole text comes before everything.
pub(crate) fn documented_path_ms(calls: &[Call]) -> u64 {
    let graph = Graph::of(calls);
    let (direction, _, drawing) = parted(graph.calls("cover"));
    let pictures = total(&direction) + total(&drawing) + graph.slowest_scene();
    graph.series("content") + pictures.max(graph.series("audio"))
}

fn total(calls: &[&Call]) -> u64 {
    calls.iter().map(|call| call.took()).sum()
}

fn slowest(calls: &[&Call]) -> u64 {
    calls.iter().map(|call| call.took()).max().unwrap_or(0)
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

/// Milliseconds between the calls of the chain through the outline, the cover and the scene that ended last, each under what
/// was done in them: the first reaches from the request, the last to the last commit.
pub(crate) fn between_calls(
    asked_ms: f64,
    calls: &[Call],
    parts: &Parts,
    settled_ms: f64,
) -> Vec<(&'static str, f64)> {
    let graph = Graph::of(calls);
    let last_scene = calls
        .iter()
        .filter(|call| call.asset.starts_with("scene_"))
        .max_by_key(|call| call.ended_ms)
        .map_or("", |call| call.asset.as_str());
    let outlines = graph.calls("content").iter().map(|call| Call {
        ended_ms: call.started_ms + (call.took() as f64 * parts.outline) as u64,
        ..(*call).clone()
    });
    let outlines: Vec<Call> = outlines.collect();
    let mut chain: Vec<&Call> = outlines.iter().collect();
    for asset in ["cover", last_scene] {
        let (direction, _, mut drawing) = parted(graph.calls(asset));
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
            ("palette_journey" | "scene_analysis", _) => "outline to palette and look",
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

/// Columns of the picture of a story.
const COLUMNS: f64 = 64.0;

/// One line a call, in the order in which they began: what it was for, and when it was under way.
pub(crate) fn timeline(asked_ms: f64, calls: &[Call], settled_ms: f64) -> String {
    let mut calls: Vec<&Call> = calls.iter().collect();
    calls.sort_by_key(|call| (call.started_ms, call.ended_ms));
    let whole = (settled_ms - asked_ms).max(1.0);
    let mut drawn = String::new();
    for call in calls {
        let at = |ms: u64| ((ms as f64 - asked_ms).clamp(0.0, whole) / whole * COLUMNS) as usize;
        let (from, to) = (at(call.started_ms), at(call.ended_ms));
        let before = " ".repeat(from);
        let under_way = "=".repeat((to - from).max(1));
        let seconds = |ms: u64| (ms as f64 - asked_ms) / 1000.0;
        let _ = writeln!(
            drawn,
            "  {:10} {:15} {before}{under_way:width$} {:.2} to {:.2} s",
            call.asset,
            call.kind,
            seconds(call.started_ms),
            seconds(call.ended_ms),
            width = COLUMNS as usize + 1 - from.min(COLUMNS as usize),
        );
    }
    drawn
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

    const PARTS: Parts = Parts {
        outline: 0.2,
        beats: [0.4, 0.6, 0.8, 1.0],
    };

    fn story() -> Vec<Call> {
        vec![
            call("content", "story", 0, 45),
            call("cover", "palette_journey", 9, 2),
            call("cover", "scene_analysis", 9, 3),
            call("cover", "scene_analysis", 18, 4),
            call("cover", "picture", 12, 35),
            call("cover", "image_check", 47, 2),
            call("scene_1", "picture", 49, 30),
            call("scene_1", "image_check", 79, 2),
            call("scene_4", "picture", 49, 40),
            call("scene_4", "image_check", 89, 2),
            call("audio", "speech", 18, 17),
            call("audio", "speech", 35, 17),
            call("audio", "speech", 52, 17),
            call("audio", "speech", 69, 17),
            call("activities", "activities", 45, 10),
        ]
    }

    #[test]
    fn the_path_goes_through_outline_the_slowest_look_cover_and_the_slowest_scene() {
        let mut calls = story();
        assert_eq!(critical_path_ms(&calls, &PARTS), 9 + 3 + 35 + 2 + 42);
        calls[0].ended_ms = 60;
        let late = critical_path_ms(&calls, &PARTS);
        assert_eq!(late, 60 + 4 + 42, "scenes need the whole text");
        let mut calls = story();
        calls[13].ended_ms += 30;
        assert_eq!(
            critical_path_ms(&calls, &PARTS),
            45 + 47,
            "narration can be the longest"
        );
    }

    #[test]
    fn a_beat_is_not_recorded_before_it_is_written() {
        let mut calls = story();
        calls.retain(|call| call.asset != "cover" && !call.asset.starts_with("scene_"));
        calls[0].ended_ms = 450;
        assert_eq!(critical_path_ms(&calls, &PARTS), 450 + 17);
    }

    #[test]
    fn the_documents_make_one_after_the_other() {
        assert_eq!(documented_path_ms(&story()), 45 + 2 + 3 + 35 + 2 + 42);
    }

    #[test]
    fn what_is_between_the_calls_adds_up_to_what_is_beyond_them() {
        let calls = [
            call("content", "story", 3, 45),
            call("cover", "palette_journey", 14, 2),
            call("cover", "scene_analysis", 14, 3),
            call("cover", "picture", 19, 35),
            call("cover", "image_check", 57, 2),
            call("scene_2", "picture", 64, 40),
            call("scene_2", "image_check", 109, 2),
        ];
        let gaps = between_calls(0.0, &calls, &PARTS, 121.0);
        let total: f64 = gaps.iter().map(|(_, gap)| gap).sum();
        assert_eq!(total, 121.0 - critical_path_ms(&calls, &PARTS) as f64);
        let names: Vec<_> = gaps.iter().map(|(name, _)| *name).collect();
        let [first, second, .., last] = names[..] else {
            panic!("{names:?}")
        };
        assert_eq!(
            [first, second, last],
            [
                "request to text",
                "outline to palette and look",
                "scene to book"
            ]
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
        assert_eq!(critical_path_ms(&calls, &PARTS), 65);
    }

    #[test]
    fn a_timeline_shows_each_call_where_it_was_under_way() {
        let drawn = timeline(0.0, &story(), 91.0);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines.len(), story().len());
        assert!(
            lines[0].contains("content") && lines[0].contains(" ====="),
            "{drawn}"
        );
        let start = |line: &str| line.find('=').expect("a bar");
        assert!(lines.is_sorted_by_key(|line| start(line)), "{drawn}");
    }
}
