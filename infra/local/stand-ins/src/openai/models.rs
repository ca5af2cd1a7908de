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
    /// Pictures, by a GPT image model.
    Images,
    /// DALL-E pictures: only ever seen retired.
    OldImages,
    Moderation,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Model {
    pub(crate) id: &'static str,
    pub(crate) makes: Makes,
    /// The first day (ISO date, UTC) on which the id is refused.
    pub(crate) shutdown: Option<&'static str>,
}

/// One model a line, between bars: its id, what it makes, the first day on which it is refused.
const MODELS: &str = include_str!("models.txt");

fn models() -> impl Iterator<Item = Model> {
    MODELS.lines().map(|line| {
        let mut columns = line.split(" | ");
        let id = columns.next().unwrap_or_default();
        let makes = match columns.next() {
            Some("reasoning") => Makes::Text { reasoning: true },
            Some("text") => Makes::Text { reasoning: false },
            Some("images") => Makes::Images,
            Some("moderation") => Makes::Moderation,
            _ => Makes::OldImages,
        };
        Model {
            id,
            makes,
            shutdown: columns.next(),
        }
    })
}

impl Model {
    fn is_shut_down(&self, today: &str) -> bool {
        // ISO dates sort as text.
        self.shutdown.is_some_and(|day| day <= today)
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
pub(crate) fn named_in(body: &Value) -> Result<Model, ApiError> {
    match body.get("model") {
        Some(Value::String(id)) => find(id, &today()),
        Some(_) => Err(ApiError::invalid_type("model", "a string")),
        None => Err(ApiError::missing_parameter("model")),
    }
}

pub(crate) fn find(id: &str, today: &str) -> Result<Model, ApiError> {
    let model = models().find(|model| model.id == id);
    let model = model.ok_or_else(|| ApiError::of("unknown_model", &[&id]))?;
    match model.shutdown {
        Some(since) if model.is_shut_down(today) => {
            Err(ApiError::of("retired_model", &[&id, &since]))
        }
        _ => Ok(model),
    }
}

/// `GET /v1/models`: those that still answer.
pub(crate) async fn list() -> Json<Value> {
    let today = today();
    let describe = |model: Model| {
        json!({
            "id": model.id, "object": "model", "created": 1_760_000_000u64, "owned_by": "system",
            "shutdown_date": model.shutdown,
        })
    };
    let alive = models().filter(|model| !model.is_shut_down(&today));
    Json(json!({ "object": "list", "data": alive.map(describe).collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retired_model_is_refused_as_not_found() {
        let error = find("dall-e-3", "2026-11-21").unwrap_err();
        assert_eq!(
            (error.status.as_u16(), error.code.as_deref()),
            (404, Some("model_not_found"))
        );
    }

    #[test]
    fn a_model_works_until_the_day_of_its_shutdown() {
        assert!(find("gpt-image-1.5", "2026-11-30").is_ok());
        assert!(find("gpt-image-1.5", "2026-12-01").is_err());
    }
}
