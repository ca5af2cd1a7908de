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

const MODELS: [(&str, usize, f64); 7] = [
    ("eleven_multilingual_v2", 10_000, 1.0),
    ("eleven_flash_v2_5", 40_000, 0.5),
    ("eleven_turbo_v2_5", 40_000, 0.5),
    ("eleven_flash_v2", 30_000, 0.5),
    ("eleven_turbo_v2", 30_000, 0.5),
    ("eleven_v3", 5_000, 1.0),
    ("eleven_v4_turbo", 10_000, 0.5),
];

/// `GET /v1/models`: an array, unlike the other lists.
pub(crate) async fn list() -> Json<Value> {
    let models = MODELS.map(|(id, characters, cost)| {
        json!({ "model_id": id, "name": id, "description": "", "can_do_text_to_speech": true, "can_be_finetuned": false,
            "can_do_voice_conversion": false, "can_use_style": true, "can_use_speaker_boost": true,
            "serves_pro_voices": true, "requires_alpha_access": false, "token_cost_factor": cost, "languages": [],
            "max_characters_request_free_user": characters, "max_characters_request_subscribed_user": characters,
            "maximum_text_length_per_request": characters, "model_rates": { "character_cost_multiplier": cost },
            "concurrency_group": if cost < 1.0 { "turbo" } else { "standard" } })
    });
    Json(models.into_iter().collect())
}

/// # Errors
/// 404 `model_not_found`.
pub(crate) fn find(wanted: &str) -> Result<Model, ApiError> {
    let known = MODELS.into_iter().find(|(id, ..)| *id == wanted);
    let (id, text_characters_max, cost) =
        known.ok_or_else(|| ApiError::of("unknown_model", &[&wanted]))?;
    Ok(Model {
        id,
        text_characters_max,
        cost,
    })
}
