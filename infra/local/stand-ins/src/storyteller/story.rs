//! What the text model of the stand-in answers: little stories that use the character and the
//! themes, palettes, scene plans, activities and picture checks. Their sentences stand in `stories/`.

mod activities;
mod cast;
mod hero;
mod idea;
mod languages;
mod palette;
mod picture_check;
mod request;
mod scenes;
mod teller;

use serde_json::{Value, json};

use crate::storyteller::pictures;
use crate::storyteller::seeded::{Seeded, digest};
pub use hero::{Hero, hero_of};
pub(crate) use languages::language_of;
use request::StoryRequest;

/// Answers a structured-output request as a JSON object: `task` says what is wanted, `asked` is what the
/// user message says, with the request's JSON in it. Pictures count for an image check alone, which
/// finds a trait missing when `check_fails`. An unknown task gets an empty object.
pub fn answer(task: &str, asked: &str, pictures: &[Vec<u8>], check_fails: bool) -> Value {
    let request = StoryRequest::read(asked);
    let question = request.asked_at_first().unwrap_or_else(|| asked.to_owned());
    let mut seeded = Seeded::from_digest(&digest(format!("{task}\n{question}").as_bytes()));
    match task {
        "story" => {
            let hero = request.hero();
            if !pictures::can_draw(&hero.species) {
                tracing::warn!(
                    "Nobody drew a {} yet: pictures show the nearest figure",
                    hero.species
                );
            }
            teller::tell(&request, &mut seeded)
        }
        "palette_journey" => palette::journey(&request, &mut seeded),
        "scene_analysis" => scenes::analysis(&request, &mut seeded),
        "activities" => activities::plan(&request, &mut seeded),
        "image_check" => picture_check::check(&request, pictures, check_fails),
        _ => json!({}),
    }
}
