//! The palette journey of a story: a motif, and five steps of three deep colors from cover to end.

use serde_json::{Value, json};

use super::request::StoryRequest;
use crate::seeded::Seeded;

/// A step: its name and three deep, contrasting colors.
type Step = (&'static str, [&'static str; 3]);

struct Journey {
    words: &'static [&'static str],
    steps: [Step; 5],
}

const JOURNEYS: &[Journey] = &[
    Journey {
        words: &["moon", "bed", "sleep", "night", "lullaby", "blanket"],
        steps: [
            ("Moonlit indigo welcome", ["#2B2A6B", "#6A4FA3", "#E8A33D"]),
            ("Rosy dusk by lamplight", ["#8C3B5E", "#D9784A", "#4A2F6B"]),
            (
                "Silver-blue rooftop hush",
                ["#25406E", "#5C7FB0", "#C98BB0"],
            ),
            ("Golden moon lullaby", ["#1E2A5A", "#D99A2B", "#7A4E9C"]),
            ("Dreamy violet rest", ["#3A2560", "#8A5AA8", "#D98C6A"]),
        ],
    },
    Journey {
        words: &["map", "star", "cave", "forest", "wood", "river", "hill"],
        steps: [
            ("Bright sunrise warmth", ["#D9622B", "#E8A32B", "#2F6B7A"]),
            ("Fresh morning meadow", ["#3C7A3A", "#D99A2B", "#2B6FA3"]),
            ("Leafy green whispers", ["#1F5A45", "#6A9A3A", "#B0703A"]),
            ("Crystal midnight glow", ["#2A2560", "#1F7A8C", "#B8478A"]),
            ("Violet homecoming sky", ["#5A2F7A", "#C4527A", "#E08A3A"]),
        ],
    },
    Journey {
        words: &["kite", "friend", "bell", "village", "together", "garden"],
        steps: [
            ("Sunny kite-day sparkle", ["#1F7FB0", "#E8A32B", "#C4473A"]),
            ("Garden blossom hello", ["#C44A7A", "#3C8A4A", "#D98A2B"]),
            ("Windy meadow laughter", ["#2B8AA8", "#5C9A3A", "#D9622B"]),
            ("Rainy-day slate blue", ["#34506E", "#6A5A8C", "#A8703A"]),
            ("Golden sunset singing", ["#C4562B", "#D99A2B", "#7A3A6B"]),
        ],
    },
    Journey {
        words: &["missing", "clue", "blue", "footprint", "mystery", "case"],
        steps: [
            ("Curious teal morning", ["#1F6B6B", "#D9922B", "#8C3B5E"]),
            ("Missing-color gray-rose", ["#5A5468", "#A8566A", "#3A7A7A"]),
            ("Busy market copper", ["#A84F2B", "#2B6A8C", "#D9A33A"]),
            ("Lantern-lit cellar blue", ["#1E2F6B", "#3A6AB0", "#D98C3A"]),
            ("Wide bright sky blue", ["#2B7AC4", "#E8A32B", "#4A9A5A"]),
        ],
    },
    Journey {
        words: &["sea", "ocean", "whale", "boat", "wave", "island"],
        steps: [
            ("Turquoise harbor dawn", ["#1F8A8C", "#E0843A", "#2B4F8C"]),
            ("Sparkling noon waves", ["#2B7AB0", "#3AA89A", "#D9A33A"]),
            ("Deep coral wonder", ["#C4524A", "#1F5A7A", "#8A4A8C"]),
            ("Stormy indigo swell", ["#2A3A60", "#4A6A8C", "#7A5A8C"]),
            ("Peach sunset landfall", ["#D9744A", "#7A4A8C", "#2B6A8C"]),
        ],
    },
];

/// Motifs by the words that call for them.
const MOTIFS: &[(&[&str], &str)] = &[
    (
        &["afraid", "fear", "brave", "courage", "shaky"],
        "Overcoming Fear: a small light in the dark",
    ),
    (&["friend", "together", "bridge"], "Two strings of one kite"),
    (&["kind", "lamp", "shar"], "A lamp passed from hand to hand"),
    (&["moon", "sleep"], "The watching moon"),
    (&["question", "curious", "clue"], "A little door that opens"),
    (&["home", "family"], "The long string home"),
    (&["truth", "honest"], "A bell that rings true"),
    (&["star"], "The star that waits"),
];

/// The answer to a `palette_journey` request.
pub(super) fn journey(request: &StoryRequest, seeded: &mut Seeded) -> Value {
    let told = format!(
        "{} {}",
        request.title.as_deref().unwrap_or_default(),
        request.beats().join(" ")
    )
    .to_lowercase();
    let count = |words: &[&str]| {
        words
            .iter()
            .map(|word| told.matches(word).count())
            .sum::<usize>()
    };
    let best = JOURNEYS
        .iter()
        .map(|journey| count(journey.words))
        .max()
        .unwrap_or_default();
    let fitting: Vec<&Journey> = JOURNEYS
        .iter()
        .filter(|journey| count(journey.words) == best)
        .collect();
    let chosen = fitting[seeded.below(fitting.len())];
    let motif = MOTIFS
        .iter()
        .max_by_key(|(words, _)| count(words))
        .filter(|(words, _)| count(words) > 0);
    let steps: Vec<Value> = chosen
        .steps
        .iter()
        .map(|(name, colors)| json!({ "name": name, "colors": colors }))
        .collect();
    json!({ "motif": motif.map_or("The star that waits", |(_, motif)| *motif), "steps": steps })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bedtime_story_gets_night_colors_and_its_motif() {
        let data = json!({"title":"The Night Ember Tucked In the Moon",
            "beats":["The moon could not sleep.","Up the moonlight.","A lullaby for the moon.","Good night."]});
        let answer = journey(
            &StoryRequest::read(&data.to_string()),
            &mut Seeded::from_text("x"),
        );
        assert_eq!(answer["steps"].as_array().unwrap().len(), 5);
        assert_eq!(answer["steps"][0]["name"], "Moonlit indigo welcome");
        assert_eq!(answer["motif"], "The watching moon");
    }
}
