//! What the models are told. Words of a user stand in data only, never in instructions.

#[cfg(test)]
mod injection_tests;
mod pictures;
mod versions;

pub(crate) use pictures::{PictureBrief, Wording, character_sheet, words};
pub(crate) use versions::{version_of, versions_for};

use crate::trait_strictness::{Strictness, TraitStrictness};
use bytes::Bytes;
use domain::{
    character::Character,
    request::NewStory,
    story::{BEATS, Beat, Manuscript, Outline, PALETTE_STEPS, StoryText},
    traits::Trait,
};
use providers::{
    Schema, TextCall, TextModelRole, array, boolean, object, text_schema as text, with_count,
};
use serde_json::{Value, json};
use std::time::Instant;

/// A question to a text model.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    /// Of the answer, which comes in its order.
    pub(crate) schema: Schema,
    pub(crate) instructions: String,
    /// The only place where words of a user stand.
    pub(crate) data: Value,
    /// JPEG.
    pub(crate) picture: Option<Bytes>,
}

impl Question {
    /// As a model of this role is asked it.
    pub(crate) fn into_call(self, model: TextModelRole, deadline: Instant) -> TextCall {
        TextCall {
            name: self.name,
            schema: self.schema,
            instructions: self.instructions,
            data: self.data,
            picture: self.picture,
            correction: None,
            model,
            deadline,
        }
    }
}

/// The style of every picture of every book.
fn global_style() -> String {
    one_paragraph(include_str!("../prompts/global_style.md"))
}

/// The words of a file of `prompts/` as a model is sent them: the lines there are for those who read and compare them.
fn one_paragraph(markdown: &str) -> String {
    markdown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The story itself, its plan first; the rest of it, where some of it is known.
pub(crate) fn story(
    request: &NewStory,
    characters: &[Character],
    known: Option<&Manuscript>,
) -> Question {
    let dialogue = object([
        ("speaker", text("Who speaks")),
        ("line", text("What is said")),
    ]);
    let beat = object([
        ("heading", text("A few words that name the beat")),
        ("text", text("70 to 110 words to be read aloud")),
        ("dialogue", array(dialogue)),
        (
            "sceneDescription",
            text("What the picture of this beat shows"),
        ),
    ]);
    let mut members = Vec::new();
    if known.is_none() {
        members.extend(outline_members());
    }
    let missing = BEATS - known.map_or(0, |known| known.beats.len().min(BEATS));
    if missing > 0 {
        members.push(("beats", with_count(beat, missing, missing)));
    }
    members.push(("moral", text("What one may take away, one sentence")));
    let mut data = json!({
        "characters": describe_characters(characters),
        "storyType": request.story_type(),
        "themes": request.themes(),
        "idea": request.idea(),
        "title": request.title(),
        "readerAge": request.reader_age(),
        "language": request.language(),
    });
    if let Some(known) = known {
        data["outline"] = json!(known.outline);
        data["beatsSoFar"] = known.beats.iter().map(|beat| beat.text.as_str()).collect();
    }
    Question {
        name: "story",
        schema: object(members),
        instructions: one_paragraph(include_str!("../prompts/story.md")),
        data,
        picture: None,
    }
}

/// What stands before the beats, so that the cover can be begun while they are written.
fn outline_members() -> [(&'static str, Schema); 7] {
    [
        ("hero", text("Who it is about, and what makes us love them")),
        ("want", text("What the hero wants")),
        ("obstacle", text("What stands in the way")),
        ("turn", text("The brave turn")),
        ("ending", text("The warm ending")),
        ("title", text("At most 60 characters")),
        (
            "coverScene",
            text("What the cover shows: who, doing what, where, in which light"),
        ),
    ]
}

fn describe_characters(characters: &[Character]) -> Vec<Value> {
    characters
        .iter()
        .map(|character| {
            json!({"name": character.name, "species": character.species, "age": character.age,
                "traits": character.traits.iter().map(|known| known.description()).collect::<Vec<_>>(),
                "appearance": character.appearance, "personality": character.personality})
        })
        .collect()
}

/// From the outline where the story has one, which is there long before its beats, and else from these.
pub(crate) fn palette_journey(plot: &Plot<'_>) -> Question {
    let step = object([
        ("name", text("The mood in a few words")),
        ("colors", with_count(text("#RRGGBB"), 3, 3)),
    ]);
    let data = match plot {
        Plot::Outline(outline) => json!({"title": outline.title, "outline": outline}),
        Plot::Text(story) => json!({"title": story.title, "beats": beats(story)}),
    };
    Question {
        name: "palette_journey",
        schema: object([
            ("motif", text("A visual motif in a few words")),
            ("steps", with_count(step, PALETTE_STEPS, PALETTE_STEPS)),
        ]),
        instructions: one_paragraph(include_str!("../prompts/palette_journey.md")),
        data,
        picture: None,
    }
}

/// What a story is about.
#[derive(Clone, Copy)]
pub(crate) enum Plot<'a> {
    Outline(&'a Outline),
    /// Of a story that was written without one.
    Text(&'a StoryText),
}

fn beats(story: &StoryText) -> Vec<&str> {
    story.beats.iter().map(|beat| beat.text.as_str()).collect()
}

/// The cover, which shows the whole story in one picture.
pub(crate) fn cover_analysis(plot: &Plot<'_>, characters: &[Character]) -> Question {
    let (title, words, description) = match plot {
        Plot::Outline(outline) => {
            let words = [&outline.cover_scene, &outline.hero, &outline.want];
            let words = words.map(String::as_str).join(" ");
            (&outline.title, words, outline.cover_scene.as_str())
        }
        Plot::Text(story) => (&story.title, story.beats[0].text.clone(), ""),
    };
    let words = format!("The cover of \u{201c}{title}\u{201d}. {words}");
    analysis(0, &words, description, characters)
}

/// Scene `index` of a beat, from 1.
pub(crate) fn scene_analysis(beat: &Beat, characters: &[Character], index: usize) -> Question {
    analysis(index, &beat.text, &beat.scene_description, characters)
}

fn analysis(index: usize, words: &str, description: &str, characters: &[Character]) -> Question {
    Question {
        name: "scene_analysis",
        schema: object([
            ("action", text("What happens in this moment")),
            ("cameraAngle", text("From where we look")),
            ("depth", text("Foreground, middle, background")),
            ("atmosphere", text("Light, weather, mood")),
            ("pose", text("The hero's pose and expression")),
            ("description", text("The whole picture in two sentences")),
        ]),
        instructions: one_paragraph(include_str!("../prompts/scene_analysis.md")),
        data: json!({"isCover": index == 0, "sceneIndex": index, "text": words, "sceneDescription": description,
            "characters": describe_characters(characters)}),
        picture: None,
    }
}

pub(crate) fn activities(story: &StoryText, reader_age: Option<u32>) -> Question {
    let question = object([
        ("question", text("An open question")),
        ("answer", text("A model answer")),
        ("skill", text("What it trains")),
    ]);
    let word = object([
        ("word", text("A word of the story")),
        ("meaning", text("Its meaning for a child")),
    ]);
    let activity = object([
        ("title", text("A few words")),
        ("instructions", text("Two to four sentences")),
    ]);
    Question {
        name: "activities",
        schema: object([
            ("questions", with_count(question, 3, 5)),
            ("vocabulary", with_count(word, 2, 4)),
            ("activity", activity),
        ]),
        instructions: one_paragraph(include_str!("../prompts/activities.md")),
        data: json!({"title": story.title, "beats": beats(story), "age": reader_age}),
        picture: None,
    }
}

/// Whether a picture shows the characters as they are.
pub(crate) fn image_check(
    asset: &str,
    characters: &[Character],
    strictness: &TraitStrictness,
    print: Bytes,
) -> Question {
    let traits = checked_traits(characters, strictness).map(Trait::description);
    let traits: Vec<_> = traits.collect();
    let check = object([("trait", text("The trait")), ("present", boolean())]);
    Question {
        name: "image_check",
        schema: object([
            ("passed", boolean()),
            ("safe", boolean()),
            ("feedback", text("What to change, or empty")),
            ("checks", array(check)),
        ]),
        instructions: one_paragraph(include_str!("../prompts/image_check.md")),
        data: json!({"assetType": asset, "characters": describe_characters(characters), "traits": traits}),
        picture: Some(print),
    }
}

/// The traits of the characters that a picture is checked for.
pub(crate) fn checked_traits(
    characters: &[Character],
    strictness: &TraitStrictness,
) -> impl Iterator<Item = Trait> {
    let traits = characters.iter().flat_map(|character| &character.traits);
    let is_asked = |known: &&Trait| strictness.of(**known) != Strictness::Ignored;
    traits.filter(is_asked).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_one_paragraph_however_its_file_is_wrapped() {
        assert_eq!(
            one_paragraph("Draw a fox.\nIt runs\nhome.\n"),
            "Draw a fox. It runs home."
        );
        let style = global_style();
        assert!(
            style.starts_with("A warm, painterly picture-book illustration")
                && !style.contains('\n')
        );
    }

    #[test]
    fn every_schema_stays_inside_the_strict_subset() {
        let story = StoryText {
            title: "t".into(),
            moral: "m".into(),
            beats: vec![domain::story::Beat {
                heading: String::new(),
                text: "x".into(),
                dialogue: Vec::new(),
                scene_description: String::new(),
            }],
        };
        let request: NewStory = serde_json::from_value(
            json!({"character_ids": ["00000000-0000-4000-8000-000000000009"], "story_type": "a", "themes": [], "asset_types": []}),
        )
        .unwrap();
        let outline = json!({"hero": "h", "want": "w", "obstacle": "o", "turn": "t", "ending": "e", "title": "t",
            "coverScene": "c"});
        let known = json!({"outline": outline, "beats": [story.beats[0]]});
        let known: Manuscript = serde_json::from_value(known).unwrap();
        for question in [
            self::story(&request, &[], None),
            self::story(&request, &[], Some(&known)),
            palette_journey(&Plot::Outline(&known.outline)),
            palette_journey(&Plot::Text(&story)),
            cover_analysis(&Plot::Text(&story), &[]),
            scene_analysis(&story.beats[0], &[], 1),
            activities(&story, None),
        ] {
            check_strict(&serde_json::to_value(&question.schema).unwrap());
        }
    }

    #[test]
    fn the_plan_comes_before_the_beats_and_what_is_known_is_not_asked_for_again() {
        let request: NewStory = serde_json::from_value(
            json!({"character_ids": ["00000000-0000-4000-8000-000000000009"], "story_type": "a", "themes": [], "asset_types": []}),
        )
        .unwrap();
        let asked = |known: Option<&Manuscript>| {
            let question = self::story(&request, &[], known);
            let schema = serde_json::to_value(&question.schema).unwrap();
            let names = schema["required"].as_array().unwrap().clone();
            let names: Vec<_> = names
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            (
                names.join(" "),
                schema["properties"]["beats"]["minItems"].clone(),
            )
        };
        let whole = "hero want obstacle turn ending title coverScene beats moral";
        assert_eq!(asked(None), (whole.to_owned(), json!(4)));
        let beat = json!({"text": "x"});
        let outline = json!({"hero": "h", "want": "w", "obstacle": "o", "turn": "t", "ending": "e", "title": "t",
            "coverScene": "c"});
        let known = |beats: usize| -> Manuscript {
            serde_json::from_value(json!({"outline": outline, "beats": vec![beat.clone(); beats]}))
                .unwrap()
        };
        assert_eq!(asked(Some(&known(1))), ("beats moral".to_owned(), json!(3)));
        assert_eq!(asked(Some(&known(4))), ("moral".to_owned(), Value::Null));
    }

    fn check_strict(schema: &Value) {
        if schema["type"] == "object" {
            assert_eq!(schema["additionalProperties"], false);
            let properties = schema["properties"].as_object().unwrap();
            assert_eq!(
                schema["required"].as_array().unwrap().len(),
                properties.len()
            );
            properties.values().for_each(check_strict);
        }
        if schema["type"] == "array" {
            check_strict(&schema["items"]);
        }
    }
}
