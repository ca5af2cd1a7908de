//! `POST /v1/images/generations`, and the answer that edits share with it.

use crate::storyteller::pictures;
use crate::storyteller::seeded::digest;
use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::CREATED_UNIX_SECONDS;
use super::errors::ApiError;
use super::image_order::PictureOrder;
use super::messages::tokens_of;
use super::moderations::unsafe_categories;
use crate::config::{PictureReuse, StandInConfig};
use crate::fault_layer::InjectedOutcome;
use crate::faults::Outcome;

pub(crate) const KNOWN: &str = "model n output_format prompt quality size";

/// Draws a picture for a prompt alone.
///
/// # Errors
/// The refusals of the service.
pub(crate) async fn generate(
    State(config): State<StandInConfig>,
    Extension(InjectedOutcome(outcome, _)): Extension<InjectedOutcome>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let request: Value =
        serde_json::from_slice(&body).map_err(|_| ApiError::of("unparsable_body", &[]))?;
    let order = PictureOrder::read(&request, KNOWN)?;
    fulfil(&config, &order, 0, outcome).await
}

/// Draws an order, playing the outcome drawn for the call.
pub(crate) async fn fulfil(
    config: &StandInConfig,
    order: &PictureOrder,
    references: usize,
    outcome: Outcome,
) -> Result<Json<Value>, ApiError> {
    let found = unsafe_categories(&order.prompt);
    if !found.is_empty() {
        return Err(ApiError::moderation_blocked("input", &found, true));
    }
    if matches!(outcome, Outcome::Policy | Outcome::PolicyBare) {
        let told = outcome == Outcome::Policy;
        return Err(ApiError::moderation_blocked("output", &["violence"], told));
    }
    let picture = draw(config, order).await?;
    let shown = |bytes: &[u8]| json!([{ "b64_json": STANDARD.encode(bytes) }]);
    let data = match outcome {
        Outcome::Empty => json!([]),
        Outcome::Length => json!([{}]),
        Outcome::InvalidJson => json!([{ "b64_json": "not base64 !" }]),
        Outcome::HalfAPicture => shown(&picture[..picture.len() / 2]),
        _ => shown(&picture),
    };
    let (text, images) = (tokens_of(&order.prompt), 100 * references as u64);
    let output = output_tokens(order);
    Ok(Json(json!({
        "created": CREATED_UNIX_SECONDS, "background": "opaque", "output_format": "png",
        "size": format!("{}x{}", order.width, order.height),
        "quality": if order.quality == "auto" { "medium" } else { &order.quality },
        "data": data,
        "usage": {
            "total_tokens": text + images + output, "input_tokens": text + images, "output_tokens": output,
            "input_tokens_details": { "text_tokens": text, "image_tokens": images },
            "output_tokens_details": { "text_tokens": 0, "image_tokens": output },
        },
    })))
}

async fn draw(
    config: &StandInConfig,
    order: &PictureOrder,
) -> Result<std::sync::Arc<Vec<u8>>, ApiError> {
    let (width, height, prompt) = (order.width, order.height, order.prompt.clone());
    let reuse = config.settings().picture_reuse;
    let subject = match reuse {
        PictureReuse::Never => prompt.clone(),
        PictureReuse::PerScene => format!("scene {}", pictures::scene_number(&prompt)),
    };
    let key = digest(format!("picture/{width}x{height}/{subject}").as_bytes());
    let render = move || pictures::draw(&prompt, width, height);
    let made = config.shared.pictures.get_or_render(key, render).await;
    made.map_err(|cause| {
        tracing::error!("A picture could not be drawn: {cause}");
        ApiError::of("server_error", &[])
    })
}

/// Output tokens by quality at 1024x1024, in proportion to the area.
fn output_tokens(order: &PictureOrder) -> u64 {
    let square = match order.quality.as_str() {
        "low" => 272,
        "high" => 4160,
        "xhigh" | "max" => 6240,
        _ => 1056,
    };
    square * u64::from(order.width) * u64::from(order.height) / (1024 * 1024)
}
