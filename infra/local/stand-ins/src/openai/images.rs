//! `POST /v1/images/generations`, and the answer that edits share with it.

use crate::storyteller::pictures;
use crate::storyteller::seeded::digest;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header;
use serde_json::{Value, json};

use super::CREATED_UNIX_SECONDS;
use super::chat::EVENT_STREAM;
use super::errors::ApiError;
use super::image_order::PictureOrder;
use super::messages::tokens_of;
use super::moderations::unsafe_categories;
use crate::config::{PictureReuse, StandInConfig};
use crate::fault_layer::InjectedOutcome;
use crate::faults::Outcome;

pub(crate) const KNOWN: &str = "model n output_format partial_images prompt quality size stream";

/// Draws a picture for a prompt alone.
///
/// # Errors
/// The refusals of the service.
pub(crate) async fn generate(
    State(config): State<StandInConfig>,
    Extension(InjectedOutcome(outcome, _)): Extension<InjectedOutcome>,
    body: Bytes,
) -> Result<Response, ApiError> {
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
) -> Result<Response, ApiError> {
    let found = unsafe_categories(&order.prompt);
    if !found.is_empty() {
        return Err(ApiError::moderation_blocked("input", &found, true));
    }
    let is_refused = matches!(outcome, Outcome::Policy | Outcome::PolicyBare);
    let refusal =
        || ApiError::moderation_blocked("output", &["violence"], outcome == Outcome::Policy);
    if is_refused && order.previews.is_none() {
        return Err(refusal());
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
    let previews = order.previews.unwrap_or_default();
    let output = output_tokens(order) + 100 * previews;
    let usage = json!({
        "total_tokens": text + images + output, "input_tokens": text + images, "output_tokens": output,
        "input_tokens_details": { "text_tokens": text, "image_tokens": images },
        "output_tokens_details": { "text_tokens": 0, "image_tokens": output },
    });
    let mut answer = json!({
        "background": "opaque", "output_format": "png", "size": format!("{}x{}", order.width, order.height),
        "quality": order.quality,
    });
    if order.previews.is_none() {
        answer["created"] = CREATED_UNIX_SECONDS.into();
        answer["data"] = data;
        answer["usage"] = usage;
        return Ok(Json(answer).into_response());
    }
    // In events: what is drawn so far, as often as is asked for, and the picture with its price, or why there is none.
    let made = if references == 0 {
        "image_generation"
    } else {
        "image_edit"
    };
    answer["created_at"] = CREATED_UNIX_SECONDS.into();
    let event = |kind: &str, picture: &Value, (name, value): (&str, Value)| {
        let mut event = answer.clone();
        event["type"] = format!("{made}.{kind}").into();
        event["b64_json"] = picture.clone();
        event[name] = value;
        format!("event: {made}.{kind}\ndata: {event}\n\n")
    };
    let drawn = Value::from(STANDARD.encode(&*picture));
    let number = |index: u64| ("partial_image_index", index.into());
    let preview = |index| event("partial_image", &drawn, number(index));
    let mut events: String = (0..previews).map(preview).collect();
    if is_refused {
        events += &format!("event: error\ndata: {}\n\n", refusal().envelope());
    } else if outcome != Outcome::Empty {
        events += &event("completed", &data[0]["b64_json"], ("usage", usage));
    }
    Ok(([(header::CONTENT_TYPE, EVENT_STREAM)], events).into_response())
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
    let square = if order.quality == "high" { 4160 } else { 1056 };
    square * u64::from(order.width) * u64::from(order.height) / (1024 * 1024)
}
