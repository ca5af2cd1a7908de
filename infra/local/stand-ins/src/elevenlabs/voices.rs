//! The voices of the stand-in: premade ones of the real service, by their real ids.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::errors::ApiError;
use crate::config::StandInConfig;

/// One voice a line: id, name, accent, age, gender and description between bars.
const VOICES: &str = include_str!("voices.txt");

fn of_account(config: &StandInConfig) -> impl Iterator<Item = [&'static str; 6]> + use<> {
    let withdrawn = config.settings().withdrawn_voices.clone();
    let parts = |line: &'static str| {
        let mut parts = line.split(" | ");
        std::array::from_fn(|_| parts.next().unwrap_or_default())
    };
    let voices = VOICES.lines().map(parts);
    voices.filter(move |[id, ..]: &[&str; 6]| !withdrawn.iter().any(|gone| gone == id))
}

/// # Errors
/// 404 `voice_not_found`.
pub(crate) fn check(config: &StandInConfig, wanted: &str) -> Result<(), ApiError> {
    let known = of_account(config).any(|[id, ..]| id == wanted);
    known
        .then_some(())
        .ok_or_else(|| ApiError::of("unknown_voice", &[&wanted]))
}

/// `GET /v1/voices`: everything, without pages.
pub(crate) async fn list(State(config): State<StandInConfig>) -> Json<Value> {
    let voices = of_account(&config).map(|[id, name, accent, age, gender, description]| {
        json!({
            "voice_id": id, "name": name, "category": "premade", "description": description,
            "labels": { "accent": accent, "age": age, "gender": gender, "description": description,
                        "use_case": "narration" },
            "high_quality_base_model_ids": ["eleven_multilingual_v2", "eleven_flash_v2_5"],
            "preview_url": format!("https://example.com/preview/{id}.mp3"), "available_for_tiers": [],
            "settings": null, "samples": null, "verified_languages": null, "is_legacy": false, "is_owner": false,
        })
    });
    Json(json!({ "voices": voices.collect::<Vec<_>>() }))
}
