//! `POST /v1/moderations`: a small list of words stands in for the classifier.

use crate::storyteller::seeded::{Seeded, digest, hex};
use axum::body::Bytes;
use axum::{Extension, Json};
use serde_json::{Map, Value, json};

use super::errors::{ApiError, is_listed, refuse_unknown_members};
use super::messages::picture_bytes;
use super::models::{self, Makes};
use crate::fault_layer::InjectedOutcome;
use crate::faults::Outcome;

const MODELS: &str = "omni-moderation-latest omni-moderation-2024-09-26";

const CATEGORIES: &str = "harassment harassment/threatening hate hate/threatening illicit illicit/violent self-harm \
    self-harm/instructions self-harm/intent sexual sexual/minors violence violence/graphic";
/// The only categories for which the real service looks at pictures.
const PICTURE_CATEGORIES: &str =
    "self-harm self-harm/instructions self-harm/intent sexual violence violence/graphic";

/// Categories, and the words that raise them: none that a child's story needs.
const UNSAFE_WORDS: &[(&str, &str)] = &[
    ("violence/graphic", "gore gory bloodbath decapitated"),
    ("violence", "murder kill shotgun stab"),
    ("sexual", "nude naked porn erotic"),
    ("self-harm", "suicide"),
    ("illicit", "cocaine heroin"),
];

/// The categories that a text raises, without repetition.
pub(crate) fn unsafe_categories(text: &str) -> Vec<&'static str> {
    let text = text.to_lowercase();
    let raised = |words: &str| {
        let mut found = text.split(|c: char| !c.is_alphabetic());
        found.any(|word| is_listed(words, word))
    };
    let found = UNSAFE_WORDS.iter().filter(|(_, words)| raised(words));
    found.map(|(category, _)| *category).collect()
}

/// One result per string, or one for a whole list of typed parts.
///
/// # Errors
/// 400 for input of another shape, 404 for an unknown model.
pub(crate) async fn moderate(
    Extension(InjectedOutcome(outcome, _)): Extension<InjectedOutcome>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let request: Value =
        serde_json::from_slice(&body).map_err(|_| ApiError::of("unparsable_body", &[]))?;
    refuse_unknown_members(&request, "input model")?;
    let mut model = "omni-moderation-latest";
    if request.get("model").is_some() {
        let named = models::named_in(&request)?;
        if named.makes != Makes::Moderation {
            return Err(ApiError::invalid_value("model", named.id, MODELS));
        }
        model = named.id;
    }
    let flag_all = matches!(outcome, Outcome::Policy | Outcome::PolicyBare);
    let questions = questions(request.get("input"))?;
    let mut results: Vec<Value> = questions.iter().map(|it| result(it, flag_all)).collect();
    if outcome == Outcome::Empty {
        results.clear();
    }
    let id = format!("modr-{}", &hex(&digest(&body))[..24]);
    Ok(Json(
        json!({ "id": id, "model": model, "results": results }),
    ))
}

#[derive(Debug, Default)]
struct Question {
    text: Option<String>,
    has_picture: bool,
}

fn questions(input: Option<&Value>) -> Result<Vec<Question>, ApiError> {
    let of_text = |text: &str| Question {
        text: Some(text.to_owned()),
        has_picture: false,
    };
    match input {
        Some(Value::String(text)) => Ok(vec![of_text(text)]),
        Some(Value::Array(items)) if !items.is_empty() => {
            let texts = items.iter().map(|item| item.as_str().map(of_text));
            texts
                .collect::<Option<_>>()
                .map_or_else(|| Ok(vec![joined(items)?]), Ok)
        }
        Some(_) => Err(ApiError::invalid_type(
            "input",
            "a string, an array of strings or an array of parts",
        )),
        None => Err(ApiError::missing_parameter("input")),
    }
}

/// The one question that typed parts make together.
fn joined(parts: &[Value]) -> Result<Question, ApiError> {
    let mut question = Question::default();
    for (index, part) in parts.iter().enumerate() {
        let param = format!("input[{index}]");
        if let Some(text) = part["text"].as_str() {
            *question.text.get_or_insert_default() += &format!("{text}\n");
        } else if let Some(address) = part["image_url"]["url"].as_str() {
            if question.has_picture {
                return Err(ApiError::of("too_many_images", &[]));
            }
            picture_bytes(address, &param)?;
            question.has_picture = true;
        } else {
            return Err(ApiError::invalid_type(&param, "a text or image_url part"));
        }
    }
    Ok(question)
}

fn result(question: &Question, flag_all: bool) -> Value {
    let text = question.text.as_deref().unwrap_or_default();
    let mut raised = unsafe_categories(text);
    if flag_all && raised.is_empty() {
        raised.push("violence");
    }
    let mut seeded = Seeded::from_text(text);
    let (mut categories, mut scores, mut applied) = (Map::new(), Map::new(), Map::new());
    for category in CATEGORIES.split(' ') {
        let is_raised = raised.contains(&category);
        let (low, high) = match is_raised {
            true => (0.86, 0.99),
            false => (0.000_01, 0.002),
        };
        let is_seen = is_listed(PICTURE_CATEGORIES, category);
        let read = question.text.iter().map(|_| "text");
        let seen = (question.has_picture && is_seen).then_some("image");
        categories.insert(category.into(), is_raised.into());
        scores.insert(category.into(), seeded.between(low, high).into());
        applied.insert(category.into(), read.chain(seen).collect());
    }
    json!({
        "flagged": !raised.is_empty(), "categories": categories, "category_scores": scores,
        "category_applied_input_types": applied,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_judged_one_by_one_and_parts_together() {
        let strings = questions(Some(&json!(["a fox", "an owl"]))).unwrap();
        assert_eq!(strings.len(), 2);
        let together = questions(Some(
            &json!([{"type":"text","text":"a fox"},{"type":"text","text":"an owl"}]),
        ))
        .unwrap();
        assert_eq!(together.len(), 1);
    }

    #[test]
    fn an_unsafe_word_flags_its_category_and_a_part_of_a_word_does_not() {
        assert_eq!(unsafe_categories("A Murder most foul"), ["violence"]);
        assert!(unsafe_categories("The skill of a killjoy").is_empty());
    }
}
