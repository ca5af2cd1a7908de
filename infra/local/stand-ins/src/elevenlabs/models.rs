//! The models an account may use, with their limits (`GET /v1/models` of the real service).

use axum::Json;
use serde_json::{Value, json};

use super::errors::ApiError;

pub(crate) struct Model {
    pub(crate) id: &'static str,
    pub(crate) text_characters_max: usize,
    /// Credits a character.
    pub(crate) cost: f64,
}

const IDS: [&str; 7] = [
    "eleven_multilingual_v2",
    "eleven_flash_v2_5",
    "eleven_turbo_v2_5",
    "eleven_flash_v2",
    "eleven_turbo_v2",
    "eleven_v3",
    "eleven_v4_turbo",
];

/// `GET /v1/models`: an array, unlike the other lists.
pub(crate) async fn list() -> Json<Value> {
    let known = IDS.into_iter().filter_map(|id| find(id).ok());
    let models = known.map(|model| {
        json!({ "model_id": model.id, "can_do_text_to_speech": true,
            "maximum_text_length_per_request": model.text_characters_max,
            "model_rates": { "character_cost_multiplier": model.cost } })
    });
    Json(models.collect())
}

/// # Errors
/// 404 `model_not_found`.
pub(crate) fn find(id: &str) -> Result<Model, ApiError> {
    let (id, text_characters_max, cost) = match id {
        "eleven_multilingual_v2" => ("eleven_multilingual_v2", 10_000, 1.0),
        "eleven_flash_v2_5" => ("eleven_flash_v2_5", 40_000, 0.5),
        "eleven_turbo_v2_5" => ("eleven_turbo_v2_5", 40_000, 0.5),
        "eleven_flash_v2" => ("eleven_flash_v2", 30_000, 0.5),
        "eleven_turbo_v2" => ("eleven_turbo_v2", 30_000, 0.5),
        "eleven_v3" => ("eleven_v3", 5_000, 1.0),
        "eleven_v4_turbo" => ("eleven_v4_turbo", 10_000, 0.5),
        unknown => return Err(ApiError::of("unknown_model", &[&unknown])),
    };
    Ok(Model {
        id,
        text_characters_max,
        cost,
    })
}
