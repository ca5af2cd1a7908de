//! The models an account may use, with their limits, and its subscription (contract sections 5, 9).

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::errors::ApiError;
use crate::calls::CallKind;
use crate::config::StandInConfig;

pub(crate) struct Model {
    pub(crate) id: &'static str,
    name: &'static str,
    pub(crate) text_characters_max: usize,
    /// Credits a character.
    pub(crate) cost: f64,
    /// Whether `language_code` may be enforced.
    pub(crate) takes_language: bool,
    /// Whether earlier request ids may be given for stitching.
    pub(crate) stitches: bool,
}

const fn model(
    id: &'static str,
    name: &'static str,
    text_characters_max: usize,
    cost: f64,
    takes_language: bool,
    stitches: bool,
) -> Model {
    Model {
        id,
        name,
        text_characters_max,
        cost,
        takes_language,
        stitches,
    }
}

const MODELS: &[Model] = &[
    model(
        "eleven_multilingual_v2",
        "Eleven Multilingual v2",
        10_000,
        1.0,
        true,
        true,
    ),
    model(
        "eleven_flash_v2_5",
        "Eleven Flash v2.5",
        40_000,
        0.5,
        true,
        true,
    ),
    model(
        "eleven_turbo_v2_5",
        "Eleven Turbo v2.5",
        40_000,
        0.5,
        true,
        true,
    ),
    model(
        "eleven_flash_v2",
        "Eleven Flash v2",
        30_000,
        0.5,
        false,
        true,
    ),
    model(
        "eleven_turbo_v2",
        "Eleven Turbo v2",
        30_000,
        0.5,
        false,
        true,
    ),
    model("eleven_v3", "Eleven v3", 5_000, 1.0, true, false),
    model(
        "eleven_v4_turbo",
        "Eleven v4 Turbo",
        10_000,
        0.5,
        true,
        true,
    ),
];

/// # Errors
/// 404 `model_not_found`.
pub(crate) fn find_model(id: &str) -> Result<&'static Model, ApiError> {
    MODELS
        .iter()
        .find(|model| model.id == id)
        .ok_or_else(|| ApiError::unknown_model(id))
}

/// `GET /v1/models`: a bare array.
pub(crate) async fn models() -> Json<Value> {
    let all = MODELS.iter().map(|model| {
        json!({
            "model_id": model.id, "name": model.name, "can_be_finetuned": true, "can_do_text_to_speech": true,
            "can_do_voice_conversion": false, "can_use_style": true, "can_use_speaker_boost": true,
            "serves_pro_voices": false, "token_cost_factor": model.cost, "description": model.name,
            "requires_alpha_access": false, "max_characters_request_free_user": model.text_characters_max,
            "max_characters_request_subscribed_user": model.text_characters_max,
            "maximum_text_length_per_request": model.text_characters_max,
            "languages": [{ "language_id": "en", "name": "English" }],
            "model_rates": { "character_cost_multiplier": model.cost },
            "concurrency_group": if model.cost < 1.0 { "turbo" } else { "standard" },
        })
    });
    Json(all.collect())
}

/// `GET /v1/user/subscription`: credits used grow by a thousand a paid call.
pub(crate) async fn subscription(State(config): State<StandInConfig>) -> Json<Value> {
    let paid = config
        .calls()
        .iter()
        .filter(|call| call.paid && call.kind == CallKind::Speech)
        .count();
    Json(json!({
        "tier": "creator", "character_count": 17_231 + 1000 * paid, "character_limit": 10_000_000,
        "max_character_limit_extension": null, "max_credit_limit_extension": "unlimited",
        "can_extend_character_limit": true, "allowed_to_extend_character_limit": true,
        "next_character_count_reset_unix": 1_797_000_000u64, "voice_slots_used": 1,
        "professional_voice_slots_used": 0, "voice_limit": 30, "max_voice_add_edits": 95, "voice_add_edit_counter": 0,
        "professional_voice_limit": 1, "can_extend_voice_limit": false, "can_use_instant_voice_cloning": true,
        "can_use_professional_voice_cloning": true, "currency": "usd", "status": "active",
        "billing_period": "monthly_period", "character_refresh_period": "monthly_period", "next_invoice": null,
        "has_open_invoices": false, "pending_change": null,
    }))
}
