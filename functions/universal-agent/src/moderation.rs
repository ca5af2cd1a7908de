//! A user's words before anything is made of them: what does not belong in a child's story is refused while it costs nothing.

use crate::error::{ApiError, Code};
use domain::request::NewStory;
use providers::{Moderation, describe_reader};
use serde_json::{Value, json};
use std::time::Duration;

/// A field by the name its sender knows, and what it says.
pub(crate) type Words = (String, String);

/// Longest a request waits for the provider's opinion.
pub(crate) const PATIENCE: Duration = Duration::from_millis(800);

/// Refuses words that do not belong in a story for a reader of this age, in years, and says which and why.
pub(crate) async fn check(
    moderation: &Moderation,
    age: Option<u32>,
    words: &[Words],
) -> Result<(), ApiError> {
    let texts: Vec<_> = words.iter().map(|(_, text)| text.as_str()).collect();
    let concerns = moderation.find_unsafe(age, &texts).await;
    let found = words.iter().zip(concerns);
    let unsafe_words: Vec<_> = found
        .filter_map(|((field, _), concern)| Some((field.as_str(), concern?.words)))
        .collect();
    match unsafe_words.is_empty() {
        true => Ok(()),
        false => Err(refusal(age, &unsafe_words)),
    }
}

fn refusal(age: Option<u32>, found: &[(&str, &'static str)]) -> ApiError {
    let reader = describe_reader(age);
    let sentence = |(field, reason): &(&str, &str)| {
        format!("{field} speaks of {reason}, which does not belong in a story for {reader}")
    };
    let sentences: Vec<_> = found.iter().map(sentence).collect();
    let fields: Vec<Value> = found
        .iter()
        .map(|one| json!({"field": one.0, "message": sentence(one)}))
        .collect();
    let message = format!("{}. Please find other words.", sentences.join("; "));
    let first = found.first().map(|(field, _)| field);
    ApiError::new(Code::UnsafeContent, message).with_data(json!({"field": first, "fields": fields}))
}

/// All that a wish for a story says in the user's own words.
pub(crate) fn words_of_story(story: &NewStory) -> Vec<Words> {
    let themes = story
        .themes()
        .iter()
        .map(|theme| ("themes", theme.as_str()));
    let single = [
        ("title", story.title()),
        ("idea", story.idea()),
        ("story_type", Some(story.story_type())),
        ("style", story.style()),
    ];
    let single = single
        .into_iter()
        .filter_map(|(field, text)| Some((field, text?)));
    let words = single.chain(themes);
    words
        .map(|(field, text)| (field.to_owned(), text.to_owned()))
        .collect()
}

/// All that a character, or a change of one, says in the user's own words: name and how it is said, kind, looks,
/// personality.
pub(crate) fn words_of_character(character: &Value) -> Vec<Words> {
    let mut words = Vec::new();
    for field in ["name", "species", "pronunciation"] {
        if let Some(text) = character[field].as_str() {
            words.push((field.to_owned(), text.to_owned()));
        }
    }
    for (part, look) in character["appearance"].as_object().into_iter().flatten() {
        let look = look.as_str().unwrap_or_default();
        words.push((format!("appearance.{part}"), format!("{part}: {look}")));
    }
    for trait_of_mind in character["personality"].as_array().into_iter().flatten() {
        let text = trait_of_mind.as_str().unwrap_or_default();
        words.push(("personality".to_owned(), text.to_owned()));
    }
    words
}
