//! The models an account may use, with their limits (`GET /v1/models` of the real service).

use super::errors::ApiError;

pub(crate) struct Model {
    pub(crate) id: &'static str,
    pub(crate) text_characters_max: usize,
    /// Credits a character.
    pub(crate) cost: f64,
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
