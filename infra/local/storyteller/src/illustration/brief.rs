//! What a picture is to show, read from the words of its prompt.

use super::color::Color;
use super::looks::{Kind, Looks};
use super::pose::{self, Pose};
use super::species::{self, Species};
use super::words::{light, motif, setting, view};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Setting {
    Meadow,
    Forest,
    River,
    Cave,
    Sea,
    Underwater,
    Town,
    Bedroom,
    Room,
    Mountains,
    Snow,
    Clouds,
    Rooftops,
    Garden,
    Castle,
    Desert,
    Space,
    Bridge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Light {
    Dawn,
    Day,
    Dusk,
    Night,
}

/// How near the camera is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Close,
    Medium,
    Wide,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Motif {
    Star,
    Heart,
    Moon,
    Leaf,
    Feather,
    Bell,
    Lantern,
    Key,
}

/// Everything a picture depends on.
#[derive(Debug, Clone)]
pub(super) struct Brief {
    pub(super) heroes: Vec<Looks>,
    /// Somebody the scene mentions who has no line of looks.
    pub(super) companion: Option<&'static Species>,
    pub(super) palette: [Color; 3],
    /// 0 is the cover.
    pub(super) number: u8,
    pub(super) setting: Setting,
    pub(super) light: Light,
    pub(super) rain: bool,
    pub(super) pose: Pose,
    pub(super) view: View,
    pub(super) motif: Motif,
    /// Whether a cover may have a border; some prompts forbid frames.
    pub(super) framed: bool,
    /// The scene's words, lower case: for the small things it mentions.
    pub(super) scene: String,
}

impl Brief {
    pub(super) fn read(prompt: &str) -> Brief {
        let number = scene_number(prompt);
        let heroes = heroes(prompt);
        let staging = staging_text(prompt);
        let scene = scene_words(prompt, number).unwrap_or_else(|| staging.clone());
        let setting = labelled(prompt, &["setting", "place", "location"])
            .and_then(|words| setting(&words.to_lowercase()))
            .or_else(|| setting(&scene))
            .or_else(|| setting(&staging))
            .unwrap_or(Setting::Meadow);
        let pose = ["action", "pose"]
            .iter()
            .find_map(|label| pose::find(labelled(prompt, &[label])?))
            .or_else(|| pose::find(&scene))
            .filter(|_| number != 0)
            .unwrap_or_else(|| pose::of_scene(number));
        let pose = if pose.is_holding() {
            pose
        } else {
            pose.holding(pose::held_thing(&scene))
        };
        let pose = feel(pose, &scene);
        Brief {
            companion: companion(&scene, &heroes),
            palette: palette(prompt),
            number,
            framed: !prompt.to_lowercase().contains("frames"),
            setting,
            light: light(&staging, setting),
            rain: !matches!(setting, Setting::Bedroom | Setting::Room | Setting::Cave)
                && is_raining(&scene),
            pose,
            view: view(&staging, number),
            motif: motif(labelled(prompt, &["motif"]).unwrap_or(&scene)),
            scene,
            heroes,
        }
    }

    pub(super) fn hero(&self) -> &Looks {
        &self.heroes[0]
    }

    pub(super) fn mentions(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.scene.contains(word))
    }

    pub(super) fn is_cover(&self) -> bool {
        self.number == 0
    }
}

/// Rain as a word of its own: a raincoat is worn in the sun, too.
fn is_raining(scene: &str) -> bool {
    let wet = ["rain", "raining", "rainy", "drizzle", "puddle", "puddles"];
    scene
        .split(|c: char| !c.is_alphabetic())
        .any(|word| wet.contains(&word))
}

/// What the scene shows. A cover's scene line may be only a title: its moment says more.
fn scene_words(prompt: &str, number: u8) -> Option<String> {
    let scene = labelled(prompt, &["scene", "scene description", "description"]);
    let moment = labelled(prompt, &["moment"]).filter(|_| number == 0 || scene.is_none());
    let words: Vec<&str> = [moment, scene].into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(". ").to_lowercase())
}

/// The number after `Scene number:`, else 0 for a cover and 1 for anything else.
pub fn scene_number(prompt: &str) -> u8 {
    let given = labelled(prompt, &["scene number", "scene index", "sceneindex"]);
    let digits = given.map(|text| {
        text.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    });
    match digits.and_then(|digits| digits.parse::<u8>().ok()) {
        Some(number) => number.min(4),
        None => u8::from(!prompt.to_lowercase().contains("cover")),
    }
}

/// The rest of the first line that starts with one of the labels and a colon.
fn labelled<'a>(prompt: &'a str, labels: &[&str]) -> Option<&'a str> {
    prompt.lines().find_map(|line| {
        let line = line.trim().trim_start_matches(['-', '*', '•', '#']).trim();
        let (label, rest) = line.split_once(':')?;
        let label = label.trim().trim_matches('*').to_lowercase();
        let rest = rest.trim().trim_start_matches('*').trim();
        (labels.contains(&label.as_str()) && !rest.is_empty()).then_some(rest)
    })
}

/// What the prompt says about the scene, without the looks of anybody.
fn staging_text(prompt: &str) -> String {
    let labels = [
        "scene",
        "setting",
        "palette",
        "action",
        "atmosphere",
        "camera",
        "camera angle",
        "cameraangle",
        "pose",
        "depth",
        "place",
        "location",
        "time",
        "light",
        "lighting",
        "composition",
        "description",
        "moment",
    ];
    let found: Vec<&str> = labels
        .iter()
        .filter_map(|label| labelled(prompt, &[label]))
        .collect();
    if found.is_empty() {
        prompt.to_lowercase()
    } else {
        found.join(". ").to_lowercase()
    }
}

fn heroes(prompt: &str) -> Vec<Looks> {
    let lines = prompt.lines().filter_map(|line| {
        let line = line.trim().trim_start_matches(['-', '*', '•']).trim();
        let (label, rest) = line.split_once(':')?;
        let label = label.trim().to_lowercase();
        [
            "character",
            "hero",
            "main character",
            "supporting character",
            "friend",
            "companion",
        ]
        .contains(&label.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' '))
        .then(|| Looks::read(rest.trim()))
    });
    let mut heroes: Vec<Looks> = lines.take(3).collect();
    if heroes.is_empty() {
        heroes.push(Looks::read(prompt.lines().next().unwrap_or_default()));
    }
    heroes
}

/// A species in the scene with an article or "little" before it, that no hero is.
fn companion(scene: &str, heroes: &[Looks]) -> Option<&'static Species> {
    if heroes.len() > 1 {
        return None;
    }
    let words: Vec<&str> = scene
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .collect();
    let introduced = [
        "the", "a", "an", "little", "tiny", "small", "baby", "old", "wise", "friendly", "young",
    ];
    words.iter().enumerate().skip(1).find_map(|(at, word)| {
        let species = species::find(word).filter(|_| introduced.contains(&words[at - 1]))?;
        let is_hero = heroes
            .iter()
            .any(|hero| hero.kind == Kind::Creature(species));
        let is_thing = words
            .get(at + 1)
            .is_some_and(|next| ["pond", "hat", "nest", "cave", "bowl"].contains(next));
        (!is_hero && !is_thing).then_some(species)
    })
}

fn palette(prompt: &str) -> [Color; 3] {
    let line =
        labelled(prompt, &["palette", "colors", "colours", "color palette"]).unwrap_or(prompt);
    let codes: Vec<Color> = line
        .match_indices('#')
        .filter_map(|(at, _)| line.get(at..at + 7).and_then(Color::from_hex))
        .take(3)
        .collect();
    let [first, second, third] = [0xD9_62_2B, 0x2F_6B_7A, 0xE8_A3_2B].map(Color::rgb);
    [
        codes.first().copied().unwrap_or(first),
        codes.get(1).copied().unwrap_or(second),
        codes.get(2).copied().unwrap_or(third),
    ]
}

/// Sleep shows in any pose, and a star to be let go belongs in the hand.
fn feel(pose: Pose, scene: &str) -> Pose {
    let asleep = ["sleeps", "asleep", "sleeping", "slept"]
        .iter()
        .any(|word| scene.contains(word));
    if asleep && !scene.contains("sleeping roofs") && !scene.contains("sleeping town") {
        return pose.feeling(pose::Expression::Asleep);
    }
    let reaches = pose.left.angle > 120.0 && pose.right.angle > 120.0;
    if reaches && scene.contains("star") {
        pose.holding(pose::Held::Star)
    } else {
        pose
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMPT: &str = "A storybook illustration.\n\
        Character: Ember — species: dragon; skin: teal; clothes: red scarf\n\
        Palette: Crystal midnight glow (#2A2560, #1F7A8C, #B8478A)\n\
        Scene: Ember stands in a cave among crystals, holding up a small lantern; Pip the firefly close by\n\
        Scene number: 3\nMotif: Overcoming Fear\nCamera: close-up";

    #[test]
    fn a_prompt_is_read_line_by_line() {
        let brief = Brief::read(PROMPT);
        assert_eq!(
            (brief.number, brief.setting, brief.light),
            (3, Setting::Cave, Light::Night)
        );
        assert_eq!((brief.view, brief.motif), (View::Close, Motif::Lantern));
        assert_eq!(brief.palette[1].hex(), "#1f7a8c");
        assert_eq!(brief.companion.map(|species| species.name), Some("firefly"));
        assert_eq!(brief.pose.right.holds, pose::Held::Lantern);
    }

    #[test]
    fn a_prompt_without_any_block_still_makes_a_picture() {
        let brief = Brief::read("A fox reading by lantern light in the forest");
        assert_eq!((brief.setting, brief.heroes.len()), (Setting::Forest, 1));
        assert!(!brief.hero().is_human());
    }

    #[test]
    fn the_nearest_word_decides_the_setting() {
        assert_eq!(
            setting("climbs above the sleeping roofs of a little town"),
            Some(Setting::Rooftops)
        );
        assert_eq!(setting("a chair by the season"), None);
    }
}
