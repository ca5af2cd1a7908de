//! What the text model of the stand-in answers: little stories that use the character and the
//! themes, palettes, scene plans, activities and picture checks.

mod activities;
mod adventure;
mod bedtime;
mod cast;
mod friendship;
mod mystery;
mod palette;
mod picture_check;
mod request;
mod scenes;
mod teller;
mod themes;

use serde_json::{Value, json};

use crate::seeded::{Seeded, digest};
use request::StoryRequest;

/// Answers a structured-output request as a JSON object: `task` says what is wanted, `asked` is what the
/// user message says, with the request's JSON in it. Pictures count for an image check alone, which
/// finds a trait missing when `check_fails`. An unknown task gets an empty object.
pub fn answer(task: &str, asked: &str, pictures: &[Vec<u8>], check_fails: bool) -> Value {
    let request = StoryRequest::read(asked);
    let mut seeded = Seeded::from_digest(&digest(format!("{task}\n{asked}").as_bytes()));
    match task {
        "story" => teller::tell(&request, &mut seeded),
        "palette_journey" => palette::journey(&request, &mut seeded),
        "scene_analysis" => scenes::analysis(&request, &mut seeded),
        "activities" => activities::plan(&request, &mut seeded),
        "image_check" => picture_check::check(&request, pictures, check_fails),
        _ => json!({}),
    }
}

/// Answers a question that asked for no particular form.
pub fn plain_answer(asked: &str) -> String {
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
