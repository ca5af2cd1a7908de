//! `POST /v1/images/generations`, and the answer that edits share with it.

use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use storyteller::pictures::{self, PictureFormat};
use storyteller::seeded::digest;

use super::CREATED_UNIX_SECONDS;
use super::errors::ApiError;
use super::image_order::PictureOrder;
use super::messages::tokens_of;
use super::moderations::unsafe_categories;
use crate::config::{PictureReuse, StandInConfig};
use crate::fault_layer::InjectedOutcome;
use crate::faults::Outcome;

const KNOWN: &str = "background model moderation n output_compression output_format partial_images prompt \
    quality response_format safety_identifier size stream style user";

/// Draws pictures for a prompt alone.
///
/// # Errors
/// The refusals of the service.
pub(crate) async fn generate(
    State(config): State<StandInConfig>,
    Extension(InjectedOutcome(outcome)): Extension<InjectedOutcome>,
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
        return Err(ApiError::moderation_blocked(
            "output",
            &["violence"],
            outcome == Outcome::Policy,
        ));
    }
    let picture = draw(config, order).await?;
    let encoded = match outcome {
        Outcome::InvalidJson => "not base64 !".to_owned(),
        Outcome::HalfAPicture => STANDARD.encode(&picture[..picture.len() / 2]),
        _ => STANDARD.encode(&*picture),
    };
    let data: Vec<Value> = match outcome {
        Outcome::Empty => Vec::new(),
        Outcome::Length => vec![json!({})],
        _ => (0..order.count)
            .map(|_| json!({ "b64_json": encoded }))
            .collect(),
    };
    let (text, images) = (tokens_of(&order.prompt), 100 * references as u64);
    let output = output_tokens(order) * order.count;
    let format = match order.format {
        PictureFormat::Png => "png",
        PictureFormat::Jpeg { .. } => "jpeg",
        PictureFormat::Webp => "webp",
    };
    let background = if order.background == "transparent" {
        "transparent"
    } else {
        "opaque"
    };
    Ok(Json(json!({
        "created": CREATED_UNIX_SECONDS, "background": background, "output_format": format,
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
    let subject = match config.picture_reuse() {
        PictureReuse::Never => order.prompt.clone(),
        PictureReuse::PerScene => format!("scene {}", pictures::scene_number(&order.prompt)),
    };
    let (width, height, format, prompt) = (
        order.width,
        order.height,
        order.format,
        order.prompt.clone(),
    );
    let key = digest(format!("picture/{width}x{height}/{format:?}/{subject}").as_bytes());
    let made = config
        .pictures()
        .get_or_render(key, move || pictures::draw(&prompt, width, height, format))
        .await;
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
