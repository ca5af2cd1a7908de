//! What a picture is to show, read from the words of its prompt.

use super::color::Color;
use super::looks::Looks;
use super::shelf::{self, Pose, Species};

/// Everything a picture depends on.
#[derive(Debug, Clone)]
pub(super) struct Brief {
    /// The hero first.
    pub(super) heroes: Vec<Looks>,
    /// Somebody the scene mentions who has no line of looks.
    pub(super) companion: Option<&'static Species>,
    pub(super) palette: [Color; 3],
    /// 0 is the cover.
    pub(super) number: u8,
    /// A file of `places/`.
    pub(super) place: &'static str,
    /// `dawn`, `day`, `dusk` or `night`.
    pub(super) light: &'static str,
    pub(super) rain: bool,
    pub(super) pose: Pose,
    /// How large the hero is: the nearer the camera, the larger.
    pub(super) size: f32,
    pub(super) motif: &'static str,
    /// Whether a cover may have a border; some prompts forbid frames.
    pub(super) framed: bool,
    /// A filter of `styles.svg`, when the words of the style ask for one.
    pub(super) style: Option<&'static str>,
    /// The scene's words, lower case: for the small things it mentions.
    pub(super) scene: String,
}

impl Brief {
    pub(super) fn read(prompt: &str) -> Brief {
        let number = scene_number(prompt);
        let heroes = heroes(prompt);
        let staging = staging_text(prompt);
        let scene = scene_words(prompt, number).unwrap_or_else(|| staging.clone());
        let given = labelled(prompt, "setting, place, location").map(str::to_lowercase);
        let place = [given.as_deref(), Some(&*scene), Some(&*staging)]
            .into_iter()
            .flatten()
            .find_map(|words| shelf::earliest("setting", words));
        let place = at_home(place.unwrap_or("meadow"), &heroes[0]);
        let enclosed = ["bedroom", "room", "cave"].contains(&place);
        let motif = labelled(prompt, "motif").map(str::to_lowercase);
        let motif = shelf::all("motif", motif.as_deref().unwrap_or(&scene)).next();
        let style = labelled(prompt, "style").map(str::to_lowercase);
        Brief {
            style: style.and_then(|words| shelf::earliest("style", &words)),
            companion: companion(&scene, &heroes),
            palette: palette(prompt),
            number,
            framed: !prompt.to_lowercase().contains("frames"),
            place,
            light: light(&staging, place),
            rain: !enclosed && shelf::earliest("rain", &scene).is_some(),
            pose: pose(prompt, &scene, number),
            size: size(&staging, number),
            motif: motif.unwrap_or("star"),
            scene,
            heroes,
        }
    }

    pub(super) fn mentions(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.scene.contains(word))
    }

    pub(super) fn is_cover(&self) -> bool {
        self.number == 0
    }

    pub(super) fn is_asleep(&self) -> bool {
        self.pose.eyes == "asleep"
    }
}

fn at_home(place: &'static str, hero: &Looks) -> &'static str {
    let home = hero.species.and_then(|species| species.note("home"));
    home.filter(|_| shelf::earliest("land", place).is_some())
        .unwrap_or(place)
}

fn light(staging: &str, place: &str) -> &'static str {
    if ["space", "cave"].contains(&place) {
        return "night";
    }
    shelf::all("light", staging).next().unwrap_or("day")
}

fn size(staging: &str, number: u8) -> f32 {
    if number == 0 {
        return 2.20;
    }
    let named = shelf::all("view", staging).next();
    named.and_then(|size| size.parse().ok()).unwrap_or(1.92)
}

fn pose(prompt: &str, scene: &str, number: u8) -> Pose {
    let described = ["action", "pose"].iter().find_map(|label| {
        let words = labelled(prompt, label)?.to_lowercase();
        shelf::earliest("pose", &words)
    });
    let described = described.or_else(|| shelf::earliest("pose", scene));
    // One for each scene number, for prompts that say nothing: no two alike.
    let usual = ["waving", "walking", "running", "holding", "reaching"][usize::from(number.min(4))];
    let mut pose = shelf::pose(described.filter(|_| number != 0).unwrap_or(usual));
    if pose.holds.is_empty() {
        pose.holds = shelf::all("held", scene).next().unwrap_or_default();
    }
    if shelf::earliest("asleep", scene).is_some()
        && !["sleeping roofs", "sleeping town"]
            .iter()
            .any(|words| scene.contains(words))
    {
        (pose.eyes, pose.brows, pose.mouth) = ("asleep", "asleep", "smile");
    } else if pose.name == "reaching" && scene.contains("star") {
        // A star to be let go belongs in the hand.
        pose.holds = "star";
    }
    pose
}

/// What the scene shows. A cover's scene line may be only a title: its moment says more.
fn scene_words(prompt: &str, number: u8) -> Option<String> {
    let scene = labelled(prompt, "scene, scene description, description");
    let moment = labelled(prompt, "moment").filter(|_| number == 0 || scene.is_none());
    let words: Vec<&str> = [moment, scene].into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(". ").to_lowercase())
}

/// The number after `Scene number:`, else 0 for a cover and 1 for anything else; at most 4.
pub fn scene_number(prompt: &str) -> u8 {
    let given = labelled(prompt, "scene number, scene index, sceneindex");
    let digits = given.and_then(|text| text.split(|c: char| !c.is_ascii_digit()).next());
    match digits.and_then(|digits| digits.parse::<u8>().ok()) {
        Some(number) => number.min(4),
        None => u8::from(!prompt.to_lowercase().contains("cover")),
    }
}

/// The rest of the first line that starts with one of the labels, between commas, and a colon.
fn labelled<'a>(prompt: &'a str, labels: &str) -> Option<&'a str> {
    prompt.lines().find_map(|line| {
        let (label, rest) = label_and_rest(line)?;
        let is_wanted = labels.split(", ").any(|wanted| wanted == label);
        (is_wanted && !rest.is_empty()).then_some(rest)
    })
}

fn label_and_rest(line: &str) -> Option<(String, &str)> {
    let line = line.trim().trim_start_matches(['-', '*', '•', '#']).trim();
    let (label, rest) = line.split_once(':')?;
    let label = label.trim().trim_matches('*').to_lowercase();
    Some((label, rest.trim().trim_start_matches('*').trim()))
}

/// What the prompt says about the scene, without the looks of anybody.
fn staging_text(prompt: &str) -> String {
    let labels = "scene, setting, palette, action, atmosphere, camera, camera angle, cameraangle, pose, \
        depth, place, location, time, light, lighting, composition, description, moment";
    let found: Vec<&str> = labels
        .split(", ")
        .filter_map(|label| labelled(prompt, label))
        .collect();
    if found.is_empty() {
        prompt.to_lowercase()
    } else {
        found.join(". ").to_lowercase()
    }
}

fn heroes(prompt: &str) -> Vec<Looks> {
    let labels = "character, hero, main character, supporting character, friend, companion";
    let lines = prompt.lines().filter_map(|line| {
        let (label, rest) = label_and_rest(line)?;
        let label = label.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
        labels
            .split(", ")
            .any(|known| known == label)
            .then(|| Looks::read(rest))
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
    words.windows(2).enumerate().find_map(|(at, pair)| {
        let species = Species::find(pair[1]).filter(|_| introduced.contains(&pair[0]))?;
        let is_hero = heroes.iter().any(|hero| hero.species == Some(species));
        let next = words.get(at + 2).copied().unwrap_or_default();
        let is_thing = ["pond", "hat", "nest", "cave", "bowl"].contains(&next);
        (!is_hero && !is_thing && !species.is_vehicle()).then_some(species)
    })
}

fn palette(prompt: &str) -> [Color; 3] {
    let line = labelled(prompt, "palette, colors, colours, color palette");
    let line = line.unwrap_or(prompt);
    let mut codes = line
        .match_indices('#')
        .filter_map(|(at, _)| line.get(at..at + 7).and_then(Color::from_hex));
    [0xD9_62_2B, 0x2F_6B_7A, 0xE8_A3_2B].map(|usual| codes.next().unwrap_or(Color::rgb(usual)))
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
            (brief.number, brief.place, brief.light),
            (3, "cave", "night")
        );
        assert_eq!((brief.size, brief.motif), (2.15, "lantern"));
        assert_eq!(brief.palette[1].hex(), "#1f7a8c");
        assert_eq!(
            brief.companion.map(|species| species.words[0]),
            Some("firefly")
        );
        assert_eq!(brief.pose.holds, "lantern");
    }

    #[test]
    fn a_prompt_without_any_block_still_makes_a_picture() {
        let brief = Brief::read("A fox reading by lantern light in the forest");
        assert_eq!((brief.place, brief.heroes.len()), ("forest", 1));
        assert!(!brief.heroes[0].is_human());
    }

    #[test]
    fn a_boat_is_drawn_on_water() {
        let prompt = "Character: Tuggy — species: tugboat\nScene: Tuggy on a green hill";
        assert_eq!(Brief::read(prompt).place, "sea");
    }
}
