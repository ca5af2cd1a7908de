//! The models that exist, until when, and what each may be asked.

use axum::Json;
use serde_json::{Value, json};

use super::errors::ApiError;

/// What a model makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Makes {
    /// Text; a reasoning model refuses `max_tokens` and temperatures.
    Text {
        reasoning: bool,
    },
    /// Pictures, of one generation of the GPT image models.
    Images(ImageGeneration),
    /// DALL-E pictures: only ever seen retired.
    OldImages,
    Moderation,
    Speech,
}

/// Generations of the GPT image models, which differ in what they accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImageGeneration {
    One,
    OneMini,
    OneAndAHalf,
    /// 2: any size.
    Two,
    /// 2.5 and 2.6: any size, two more qualities.
    TwoAndAHalf,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Model {
    pub(crate) id: &'static str,
    pub(crate) makes: Makes,
    /// The first day (ISO date, UTC) on which the id is refused.
    pub(crate) shutdown: Option<&'static str>,
}

const fn model(id: &'static str, makes: Makes, shutdown: Option<&'static str>) -> Model {
    Model {
        id,
        makes,
        shutdown,
    }
}

const REASONING: Makes = Makes::Text { reasoning: true };
const PLAIN: Makes = Makes::Text { reasoning: false };
const END_OF_5: Option<&str> = Some("2026-12-11");
const END_OF_4: Option<&str> = Some("2027-01-14");
const END_OF_IMAGE_1: Option<&str> = Some("2026-12-01");
const END_OF_SPEECH: Option<&str> = Some("2027-01-06");

const MODELS: &[Model] = &[
    model("dall-e-2", Makes::OldImages, Some("2026-05-12")),
    model("dall-e-3", Makes::OldImages, Some("2026-05-12")),
    model(
        "gpt-image-1",
        Makes::Images(ImageGeneration::One),
        Some("2026-10-23"),
    ),
    model(
        "gpt-image-1-mini",
        Makes::Images(ImageGeneration::OneMini),
        END_OF_IMAGE_1,
    ),
    model(
        "gpt-image-1.5",
        Makes::Images(ImageGeneration::OneAndAHalf),
        END_OF_IMAGE_1,
    ),
    model(
        "chatgpt-image-latest",
        Makes::Images(ImageGeneration::OneAndAHalf),
        END_OF_IMAGE_1,
    ),
    model("gpt-image-2", Makes::Images(ImageGeneration::Two), None),
    model(
        "gpt-image-2-2026-04-21",
        Makes::Images(ImageGeneration::Two),
        None,
    ),
    model(
        "gpt-image-2.5-sunburst",
        Makes::Images(ImageGeneration::TwoAndAHalf),
        None,
    ),
    model(
        "gpt-image-2.5-sunburst-2026-09-08",
        Makes::Images(ImageGeneration::TwoAndAHalf),
        None,
    ),
    model(
        "gpt-image-2.5-flare",
        Makes::Images(ImageGeneration::TwoAndAHalf),
        None,
    ),
    model(
        "gpt-image-2.5-flare-2026-09-08",
        Makes::Images(ImageGeneration::TwoAndAHalf),
        None,
    ),
    model(
        "gpt-image-2.6-sunburst",
        Makes::Images(ImageGeneration::TwoAndAHalf),
        None,
    ),
    model(
        "gpt-image-2.6-flare",
        Makes::Images(ImageGeneration::TwoAndAHalf),
        None,
    ),
    model("gpt-4o", PLAIN, END_OF_4),
    model("gpt-4o-mini", PLAIN, END_OF_4),
    model("gpt-4.1", PLAIN, END_OF_4),
    model("gpt-4.1-mini", PLAIN, END_OF_4),
    model("gpt-5", REASONING, END_OF_5),
    model("gpt-5-2025-08-07", REASONING, END_OF_5),
    model("gpt-5-mini", REASONING, END_OF_5),
    model("gpt-5-mini-2025-08-07", REASONING, END_OF_5),
    model("gpt-5-nano", REASONING, END_OF_5),
    model("gpt-5-nano-2025-08-07", REASONING, END_OF_5),
    model("o3", REASONING, END_OF_5),
    model("gpt-5.1", REASONING, Some("2027-04-01")),
    model("gpt-5.2", REASONING, None),
    model("gpt-5.2-2025-12-11", REASONING, None),
    model("gpt-5.2-chat-latest", REASONING, Some("2026-08-10")),
    model("gpt-5.4", REASONING, None),
    model("gpt-5.4-mini", REASONING, None),
    model("gpt-5.4-nano", REASONING, Some("2027-04-01")),
    model("gpt-5.5", REASONING, None),
    model("gpt-5.6-sol", REASONING, None),
    model("gpt-5.6-terra", REASONING, None),
    model("gpt-5.6-luna", REASONING, None),
    model("gpt-6-sol", REASONING, None),
    model("gpt-6-terra", REASONING, None),
    model("gpt-6-luna", REASONING, None),
    model("gpt-6-astra", REASONING, None),
    model("gpt-6.1-sol", REASONING, None),
    model("gpt-6.1-terra", REASONING, None),
    model("gpt-6.1-luna", REASONING, None),
    model("omni-moderation-latest", Makes::Moderation, None),
    model("omni-moderation-2024-09-26", Makes::Moderation, None),
    model("tts-1", Makes::Speech, END_OF_SPEECH),
    model("tts-1-hd", Makes::Speech, END_OF_SPEECH),
    model("gpt-4o-mini-tts", Makes::Speech, END_OF_SPEECH),
];

impl Model {
    fn is_shut_down(&self, today: &str) -> bool {
        // ISO dates sort as text.
        self.shutdown.is_some_and(|day| day <= today)
    }

    fn describe(&self) -> Value {
        json!({
            "id": self.id, "object": "model", "created": 1_760_000_000u64, "owned_by": "system",
            "shutdown_date": self.shutdown,
        })
    }
}

/// Today's date in UTC as `YYYY-MM-DD`.
fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// The model named in a request body.
///
/// # Errors
/// 400 when none is named, 404 `model_not_found` when it is unknown or shut down.
pub(crate) fn named_in(body: &Value) -> Result<&'static Model, ApiError> {
    match body.get("model") {
        Some(Value::String(id)) => find(id, &today()),
        Some(_) => Err(ApiError::invalid_type("model", "a string")),
        None => Err(ApiError::missing_parameter("model")),
    }
}

pub(crate) fn find(id: &str, today: &str) -> Result<&'static Model, ApiError> {
    let model = MODELS
        .iter()
        .find(|model| model.id == id)
        .ok_or_else(|| ApiError::unknown_model(id))?;
    match model.shutdown {
        Some(since) if model.is_shut_down(today) => Err(ApiError::retired_model(id, since)),
        _ => Ok(model),
    }
}

/// `GET /v1/models`: those that still answer.
pub(crate) async fn list() -> Json<Value> {
    let today = today();
    let data: Vec<Value> = MODELS
        .iter()
        .filter(|model| !model.is_shut_down(&today))
        .map(Model::describe)
        .collect();
    Json(json!({ "object": "list", "data": data }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retired_model_is_refused_as_not_found() {
        let error = find("dall-e-3", "2026-11-21").unwrap_err();
        assert_eq!(
            (error.status.as_u16(), error.code),
            (404, Some("model_not_found"))
        );
    }

    #[test]
    fn a_model_works_until_the_day_of_its_shutdown() {
        assert!(find("gpt-image-1.5", "2026-11-30").is_ok());
        assert!(find("gpt-image-1.5", "2026-12-01").is_err());
    }
}
