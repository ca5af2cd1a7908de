//! How a scene is to be drawn: action, camera, depth, atmosphere and pose.

use serde_json::{Value, json};

use super::request::StoryRequest;
use crate::storyteller::data;
use crate::storyteller::seeded::Seeded;

const ACTIONS: &str = include_str!("../../../stories/actions.txt");

/// The answer to a `scene_analysis` request.
pub(super) fn analysis(request: &StoryRequest, seeded: &mut Seeded) -> Value {
    let index = request.data["sceneIndex"].as_u64().unwrap_or(0).min(4);
    let is_cover = request.data["isCover"].as_bool().unwrap_or(index == 0);
    let (text, described) = (request.text("text"), request.text("sceneDescription"));
    let hero = request.hero().name;
    let basis = if described.is_empty() {
        text
    } else {
        described
    };
    let words = basis.to_lowercase();
    let (action, pose) = action(&words, is_cover);
    let night = if is_cover { "cover at night" } else { "night" };
    let is_night = data::section(ACTIONS, night)
        .iter()
        .any(|word| words.contains(word));
    let mut one_of = |list: &str| seeded.pick(&data::section(ACTIONS, list));
    let depth = one_of("depth");
    let atmosphere = one_of(if is_night { "night air" } else { "day air" });
    let cameras = data::section(ACTIONS, "cameras");
    let description = if is_cover {
        cover_description(&hero, text, action)
    } else {
        format!(
            "{hero} is {action}. {}",
            sentences(basis).next().unwrap_or_default()
        )
    };
    json!({
        "action": action, "cameraAngle": cameras[if is_cover { 0 } else { index.max(1) as usize }],
        "depth": depth, "atmosphere": atmosphere, "pose": pose, "description": description.trim(),
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

/// What the hero does, and the pose.
fn action(text: &str, is_cover: bool) -> (&'static str, &'static str) {
    if is_cover {
        return (
            "stepping forward to greet the reader",
            "facing the reader, one arm waving, a big smile",
        );
    }
    // The fourth beat of a story lets go or rests; the words of earlier beats still echo in it.
    let actions = data::rows(ACTIONS, "actions");
    let found = actions.max_by_key(|[words, ..]: &[&str; 3]| data::count(words, text));
    match found.filter(|[words, ..]| data::count(words, text) > 0) {
        Some([_, action, pose]) => (action, pose),
        None => ("walking on with a friend", "walking, looking ahead"),
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
