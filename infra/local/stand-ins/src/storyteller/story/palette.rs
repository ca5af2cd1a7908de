//! The palette journey of a story: a motif, and five steps of three deep colors from cover to end.

use serde_json::{Value, json};

use super::request::StoryRequest;
use crate::storyteller::data;
use crate::storyteller::seeded::Seeded;

const PALETTES: &str = include_str!("../../../stories/palettes.txt");

/// The answer to a `palette_journey` request.
pub(super) fn journey(request: &StoryRequest, seeded: &mut Seeded) -> Value {
    let title = request.title.as_deref().unwrap_or_default();
    let told = format!(
        "{title} {} {}",
        request.outline(),
        request.beats().join(" ")
    );
    let told = told.to_lowercase();
    let mut journeys = data::sections(PALETTES);
    journeys.retain(|section| section.title != "motifs");
    let fit = |words: &str| data::count(words, &told);
    let best = journeys.iter().map(|journey| fit(journey.title)).max();
    journeys.retain(|journey| Some(fit(journey.title)) == best);
    let chosen = &journeys[seeded.below(journeys.len())];
    let motifs = data::rows(PALETTES, "motifs");
    let [words, motif] = motifs
        .max_by_key(|[words, _]: &[&str; 2]| fit(words))
        .unwrap_or_default();
    let motif = if fit(words) > 0 {
        motif
    } else {
        "The star that waits"
    };
    let steps = chosen.lines.iter().map(|line| {
        let [name, colors] = data::columns(line);
        json!({ "name": name, "colors": colors.split(' ').collect::<Vec<_>>() })
    });
    json!({ "motif": motif, "steps": steps.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bedtime_story_gets_night_colors_and_its_motif() {
        let data = json!({"title":"The Night Ember Tucked In the Moon",
            "beats":["The moon could not sleep.","Up the moonlight.","A lullaby for the moon.","Good night."]});
        let request = StoryRequest::read(&data.to_string());
        let answer = journey(&request, &mut Seeded::from_text("x"));
        assert_eq!(answer["steps"].as_array().unwrap().len(), 5);
        assert_eq!(answer["steps"][0]["name"], "Moonlit indigo welcome");
        assert_eq!(answer["steps"][0]["colors"].as_array().unwrap().len(), 3);
        assert_eq!(answer["motif"], "The watching moon");
    }
}
