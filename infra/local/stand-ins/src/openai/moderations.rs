//! `POST /v1/moderations`: a small list of words stands in for the classifier.

use axum::Extension;
use axum::Json;
use axum::body::Bytes;
use serde_json::{Map, Value, json};
use storyteller::seeded::{Seeded, digest, hex};

use super::errors::{ApiError, refuse_unknown_members};
use super::messages::picture_bytes;
use super::models::{self, Makes};
use crate::fault_layer::InjectedOutcome;
use crate::faults::Outcome;

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
        found.any(|word| words.split(' ').any(|unsafe_word| unsafe_word == word))
    };
    let found = UNSAFE_WORDS.iter().filter(|(_, words)| raised(words));
    found.map(|(category, _)| *category).collect()
}

/// One result per string, or one for a whole list of typed parts.
///
/// # Errors
/// 400 for input of another shape, 404 for an unknown model.
pub(crate) async fn moderate(
    Extension(InjectedOutcome(outcome)): Extension<InjectedOutcome>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let request: Value =
        serde_json::from_slice(&body).map_err(|_| ApiError::of("unparsable_body", &[]))?;
    refuse_unknown_members(&request, "input model")?;
    let id = match request.get("model") {
        None => "omni-moderation-latest",
        Some(_) => {
            let model = models::named_in(&request)?;
            if model.makes != Makes::Moderation {
                return Err(ApiError::invalid_value(
                    "model",
                    model.id,
                    &["omni-moderation-latest", "omni-moderation-2024-09-26"],
                ));
            }
            model.id
        }
    };
    let questions = questions(request.get("input"))?;
    let flag_all = matches!(outcome, Outcome::Policy | Outcome::PolicyBare);
    let results: Vec<Value> = match outcome {
        Outcome::Empty => Vec::new(),
        _ => questions
            .iter()
            .map(|question| result(question, flag_all))
            .collect(),
    };
    Ok(Json(
        json!({ "id": format!("modr-{}", &hex(&digest(&body))[..24]), "model": id, "results": results }),
    ))
}

#[derive(Debug, Default)]
struct Question {
    text: String,
    has_text: bool,
    has_picture: bool,
}

fn questions(input: Option<&Value>) -> Result<Vec<Question>, ApiError> {
    let of_text = |text: &str| Question {
        text: text.to_owned(),
        has_text: true,
        has_picture: false,
    };
    match input {
        Some(Value::String(text)) => Ok(vec![of_text(text)]),
        Some(Value::Array(items)) if !items.is_empty() => {
            if let Some(texts) = items.iter().map(Value::as_str).collect::<Option<Vec<_>>>() {
                return Ok(texts.into_iter().map(of_text).collect());
            }
            parts(items).map(|question| vec![question])
        }
        Some(_) => Err(ApiError::invalid_type(
            "input",
            "a string, an array of strings or an array of parts",
        )),
        None => Err(ApiError::missing_parameter("input")),
    }
}

fn parts(items: &[Value]) -> Result<Question, ApiError> {
    let mut question = Question::default();
    for (index, item) in items.iter().enumerate() {
        let param = format!("input[{index}]");
        if let Some(text) = item.get("text").and_then(Value::as_str) {
            question.text.push_str(text);
            question.text.push('\n');
            question.has_text = true;
        } else if let Some(address) = item.pointer("/image_url/url").and_then(Value::as_str) {
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
    let mut raised = unsafe_categories(&question.text);
    if flag_all && raised.is_empty() {
        raised.push("violence");
    }
    let mut seeded = Seeded::from_text(&question.text);
    let (mut categories, mut scores, mut applied) = (Map::new(), Map::new(), Map::new());
    for category in CATEGORIES.split(' ') {
        let is_raised = raised.contains(&category);
        let (low, high) = if is_raised {
            (0.86, 0.99)
        } else {
            (0.000_01, 0.002)
        };
        let looks = PICTURE_CATEGORIES.split(' ').any(|seen| seen == category);
        let types = [
            (question.has_text, "text"),
            (question.has_picture && looks, "image"),
        ];
        let types = types
            .iter()
            .filter(|(applies, _)| *applies)
            .map(|(_, name)| *name);
        categories.insert(category.into(), Value::Bool(is_raised));
        scores.insert(category.into(), json!(seeded.between(low, high)));
        applied.insert(category.into(), types.collect());
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
