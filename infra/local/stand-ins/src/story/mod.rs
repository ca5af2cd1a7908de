//! What the text model of the stand-in answers: little stories that use the character and the
//! themes, palettes, scene plans, activities and picture checks, in whatever schema was asked for.

mod activities;
mod adventure;
mod bedtime;
mod cast;
mod fill;
mod friendship;
mod mystery;
mod palette;
mod picture_check;
mod request;
mod scenes;
mod teller;
mod themes;

use serde_json::{Value, json};

use crate::faults::Outcome;
use crate::seeded::{Seeded, digest};
use request::StoryRequest;

/// Answers a structured-output request: `name` says what is wanted, `schema` in which shape.
///
/// The answer always fits the schema; what the engine does not know is filled in by its type.
pub(crate) fn structured_answer(
    name: &str,
    schema: Option<&Value>,
    asked: &str,
    pictures: &[Vec<u8>],
    outcome: Outcome,
) -> Value {
    let request = StoryRequest::read(asked);
    let mut seeded = Seeded::from_digest(&digest(format!("{name}\n{asked}").as_bytes()));
    let draft = match name {
        "story" => teller::tell(&request, &mut seeded),
        "palette_journey" => palette::journey(&request, &mut seeded),
        "scene_analysis" => scenes::analysis(&request, &mut seeded),
        "activities" => activities::plan(&request, &mut seeded),
        "image_check" => picture_check::check(&request, pictures, outcome == Outcome::CheckFails),
        _ => json!({}),
    };
    match schema {
        Some(schema) => fill::conform(schema, &draft, &mut seeded),
        None => draft,
    }
}

/// Answers a question that asked for no particular form.
pub(crate) fn plain_answer(asked: &str) -> String {
    let request = StoryRequest::read(asked);
    let mut seeded = Seeded::from_text(asked);
    let story = teller::tell(&request, &mut seeded);
    let texts: Vec<&str> = story["beats"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|beat| beat["text"].as_str())
        .collect();
    texts.join("\n\n")
}
