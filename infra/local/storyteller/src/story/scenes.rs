//! How a scene is to be drawn: action, camera, depth, atmosphere and pose.

use serde_json::{Value, json};

use super::request::StoryRequest;
use crate::seeded::Seeded;

struct Staging {
    action: &'static str,
    camera: &'static str,
    pose: &'static str,
}

/// What the words of a scene suggest doing.
const ACTIONS: &[(&[&str], &str, &str)] = &[
    (
        &["asleep", "sleeps", "slept", "good night"],
        "sleeping peacefully",
        "curled up, eyes closed",
    ),
    (
        &["river", "stepping", "stones", "splash"],
        "crossing the river from stone to stone",
        "arms out for balance, one foot forward",
    ),
    (
        &["cave", "crystal", "cellar", "lantern"],
        "holding up a light in the dark",
        "one arm raised high with a lantern",
    ),
    (
        &["kite", "run"],
        "running with a kite in the wind",
        "running, arms up",
    ),
    (
        &["star", "sky", "let the little"],
        "reaching up to let a light go",
        "arms raised, looking up",
    ),
    (
        &["footprint", "clue", "follow"],
        "following a trail",
        "leaning forward, pointing ahead",
    ),
    (
        &["bridge", "rain"],
        "meeting a friend under an umbrella",
        "one hand held out",
    ),
    (
        &["moon", "lullaby", "sang"],
        "singing softly",
        "sitting, hands together, looking up",
    ),
    (
        &["map", "letter", "read"],
        "unfolding a map",
        "holding a map, head tilted in wonder",
    ),
    (
        &["window", "bed"],
        "sitting up and listening",
        "sitting, looking to the side",
    ),
];

const CAMERAS: [&str; 5] = [
    "low angle, the hero large against the sky",
    "eye level, medium shot",
    "wide shot from slightly above",
    "close-up, slightly low angle",
    "wide low angle with a big sky",
];

/// The answer to a `scene_analysis` request.
pub(super) fn analysis(request: &StoryRequest, seeded: &mut Seeded) -> Value {
    let index = request
        .data
        .get("sceneIndex")
        .and_then(Value::as_u64)
        .unwrap_or(0)
        .min(4) as usize;
    let is_cover = request
        .data
        .get("isCover")
        .and_then(Value::as_bool)
        .unwrap_or(index == 0);
    let text = request.text("text").to_owned();
    let hero = request.hero().name;
    let described = request.text("sceneDescription");
    let basis = if described.is_empty() {
        &text
    } else {
        described
    };
    let staging = stage(&basis.to_lowercase(), index, is_cover);
    let depth = seeded.pick(&[
        "leaves and flowers close to the eye, the hero in the middle, soft hills far away",
        "a dark frame of branches in front, the hero behind it, light at the end",
        "three layers: grass in front, the hero, a wide bright distance",
    ]);
    let nightly: &[&str] = if is_cover {
        &["moon", "bed", "night"]
    } else {
        &["dark", "night", "moon", "cave", "stars", "evening"]
    };
    let basis_words = basis.to_lowercase();
    let atmosphere = if nightly.iter().any(|word| basis_words.contains(word)) {
        seeded.pick(&[
            "hushed and glowing, small warm lights in cool blue",
            "quiet moonlight with a golden heart",
        ])
    } else {
        seeded.pick(&[
            "warm and airy, with sunbeams and drifting petals",
            "fresh and playful, a breeze in everything",
        ])
    };
    let description = if is_cover {
        cover_description(&hero, &text, staging.action)
    } else {
        let first = sentences(basis).next().unwrap_or_default();
        format!("{hero} is {}. {first}", staging.action)
    };
    json!({
        "action": staging.action, "cameraAngle": staging.camera, "depth": depth, "atmosphere": atmosphere,
        "pose": staging.pose, "description": description.trim(),
    })
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['.', '!', '?']).map(str::trim)
}

/// The hero, whoever goes along, and where the story begins.
fn cover_description(hero: &str, text: &str, action: &str) -> String {
    let opening = sentences(text).filter(|sentence| !sentence.starts_with("The cover of"));
    let opening: Vec<&str> = opening
        .filter(|sentence| sentence.len() > 8)
        .take(3)
        .collect();
    let with = friend_in(text, hero)
        .map(|friend| format!(" with {friend}"))
        .unwrap_or_default();
    format!("{hero} is {action}{with}. {}", opening.join(" "))
}

/// Somebody like "Pip the firefly" in a text, who is not the hero.
fn friend_in(text: &str, hero: &str) -> Option<String> {
    fn bare(word: &str) -> &str {
        word.trim_matches(|c: char| !c.is_alphanumeric())
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(4).find_map(|four| {
        let [before, name, the, kind] = four else {
            return None;
        };
        // The first word of a sentence has a capital without being a name.
        let opens = before.ends_with(['.', '!', '?', '"', '\u{201d}']);
        let (name, kind) = (bare(name), bare(kind));
        let is_name = name.starts_with(char::is_uppercase) && name != hero && !opens;
        let is_kind = kind.len() > 2 && kind.chars().all(char::is_lowercase);
        (is_name && *the == "the" && is_kind).then(|| format!("{name} the {kind}"))
    })
}

fn stage(text: &str, index: usize, is_cover: bool) -> Staging {
    if is_cover {
        return Staging {
            action: "stepping forward to greet the reader",
            camera: CAMERAS[0],
            pose: "facing the reader, one arm waving, a big smile",
        };
    }
    // The fourth beat of a story lets go or rests; the words of earlier beats still echo in it.
    let found = ACTIONS.iter().max_by_key(|(words, ..)| {
        words
            .iter()
            .map(|word| text.matches(word).count())
            .sum::<usize>()
    });
    let found = found.filter(|(words, ..)| words.iter().any(|word| text.contains(word)));
    let (action, pose) = found.map_or(
        ("walking on with a friend", "walking, looking ahead"),
        |(_, action, pose)| (*action, *pose),
    );
    Staging {
        action,
        camera: CAMERAS[index.clamp(1, 4)],
        pose,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_differ_in_action_and_camera_and_the_cover_faces_the_reader() {
        let scene = |index: u64, cover: bool, text: &str| {
            let data = json!({"isCover":cover,"sceneIndex":index,"text":text,"characters":[{"name":"Ember"}]});
            analysis(
                &StoryRequest::read(&data.to_string()),
                &mut Seeded::from_text("x"),
            )
        };
        let cover = scene(0, true, "The whole story.");
        let river = scene(
            2,
            false,
            "They came to a river with a row of slippery stones.",
        );
        let cave = scene(3, false, "The cave was dark.");
        assert!(
            cover["pose"]
                .as_str()
                .unwrap()
                .contains("facing the reader")
        );
        assert_ne!(river["action"], cave["action"]);
        assert_ne!(river["cameraAngle"], cave["cameraAngle"]);
        assert!(
            cave["atmosphere"].as_str().unwrap().contains("glow")
                || cave["atmosphere"].as_str().unwrap().contains("golden")
        );
    }
}
