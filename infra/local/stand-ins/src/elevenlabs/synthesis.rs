//! Text to speech with character times, as `POST /v1/text-to-speech/{voice_id}/with-timestamps` gives them.

use crate::storyteller::seeded::digest;
use crate::storyteller::speech::{self, Delivery, Mp3, Narration};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::ApiError;
use super::models::{self, Model};
use super::voices;
use crate::config::{PictureReuse, StandInConfig};
use crate::fault_layer::InjectedOutcome;
use crate::faults::Outcome;

#[derive(Debug, Deserialize)]
pub(crate) struct Options {
    output_format: Option<String>,
}

struct Order {
    text: String,
    model: Model,
    delivery: Delivery,
}

/// `POST /v1/text-to-speech/{voice_id}/with-timestamps`
///
/// # Errors
/// The refusals of the service.
pub(crate) async fn speak_with_times(
    State(config): State<StandInConfig>,
    Extension(InjectedOutcome(outcome, _)): Extension<InjectedOutcome>,
    Path(voice_id): Path<String>,
    Query(options): Query<Options>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let order = read(&config, &voice_id, &options, &body)?;
    let narration = speak(&config, &order).await?;
    let answer = match outcome {
        Outcome::Empty => {
            json!({ "audio_base64": encoded(&narration.audio), "alignment": null, "normalized_alignment": null })
        }
        Outcome::InvalidJson => {
            json!({ "audio_base64": "not base64 !", "alignment": alignment(&order.text, &narration, "") })
        }
        // As if the service had stopped speaking in the middle.
        Outcome::Length => {
            let length = order.text.chars().count();
            let half: String = order.text.chars().take(length / 2).collect();
            json!({ "audio_base64": encoded(&narration.audio[..narration.audio.len() / 2]),
                    "alignment": alignment(&half, &narration, ""), "normalized_alignment": null })
        }
        _ => json!({
            "audio_base64": encoded(&narration.audio),
            "alignment": alignment(&order.text, &narration, ""),
            "normalized_alignment": alignment(&order.text, &narration, " "),
        }),
    };
    Ok((cost_header(&order), axum::Json(answer)).into_response())
}

fn cost_header(order: &Order) -> [(&'static str, String); 1] {
    let credits = (order.text.chars().count() as f64 * order.model.cost).ceil();
    [("character-cost", credits.to_string())]
}

fn encoded(audio: &[u8]) -> String {
    STANDARD.encode(audio)
}

/// The three arrays, one element a code point; `lead` goes before the text with no time of its own.
fn alignment(text: &str, narration: &Narration, lead: &str) -> Value {
    let leading = lead.chars().count();
    let first = narration.starts.first().copied().unwrap_or_default();
    let characters: Vec<String> = lead.chars().chain(text.chars()).map(String::from).collect();
    let take = characters.len() - leading;
    let with_lead = |times: &[f64]| -> Vec<f64> {
        let spoken = times
            .iter()
            .take(take)
            .map(|seconds| (seconds * 1000.0).round() / 1000.0);
        std::iter::repeat_n(first, leading).chain(spoken).collect()
    };
    json!({
        "characters": characters,
        "character_start_times_seconds": with_lead(&narration.starts),
        "character_end_times_seconds": with_lead(&narration.ends),
    })
}

async fn speak(
    config: &StandInConfig,
    order: &Order,
) -> Result<std::sync::Arc<Narration>, ApiError> {
    let (text, delivery) = (order.text.clone(), order.delivery.clone());
    let reuse = config.settings().picture_reuse;
    let key = digest(format!("narration/{reuse:?}/{delivery:?}/{text}").as_bytes());
    let render = move || match reuse {
        PictureReuse::Never => speech::narrate(&text, &delivery),
        PictureReuse::PerScene => speech::hum(&text, &delivery),
    };
    let made = config.shared.narrations.get_or_render(key, render).await;
    made.map_err(|_| ApiError::of("internal_error", &[]))
}

fn read(
    config: &StandInConfig,
    voice_id: &str,
    options: &Options,
    body: &[u8],
) -> Result<Order, ApiError> {
    let request: Value = serde_json::from_slice(body)
        .map_err(|_| ApiError::schema("body", "JSON decode error", "json_invalid"))?;
    let text = match request.get("text") {
        Some(Value::String(text)) => text,
        Some(_) => {
            let message = "Input should be a valid string";
            return Err(ApiError::schema("text", message, "string_type"));
        }
        None => return Err(ApiError::schema("text", "Field required", "missing")),
    };
    voices::check(config, voice_id)?;
    let model = request["model_id"].as_str();
    let model = models::find(model.unwrap_or("eleven_multilingual_v2"))?;
    if text.trim().is_empty() {
        return Err(ApiError::of("empty_text", &[]));
    }
    let length = text.chars().count();
    let limit = config.settings().spoken_characters_max;
    let limit = limit.unwrap_or(usize::MAX).min(model.text_characters_max);
    if length > limit {
        return Err(ApiError::of("text_too_long", &[&length, &limit]));
    }
    let speed = check_voice_settings(&request, &model)?;
    let format = output_format(options.output_format.as_deref().unwrap_or("mp3_44100_128"))?;
    Ok(Order {
        text: text.clone(),
        model,
        delivery: Delivery {
            voice: voice_id.to_owned(),
            speed,
            format,
        },
    })
}

/// Returns the speed.
fn check_voice_settings(request: &Value, model: &Model) -> Result<f64, ApiError> {
    let setting = |name: &str| request["voice_settings"][name].as_f64();
    for (name, low, high) in [
        ("stability", 0.0, 1.0),
        ("similarity_boost", 0.0, 1.0),
        ("style", 0.0, 1.0),
        ("speed", 0.7, 1.2),
    ] {
        // This model knows three steps only.
        let in_steps = model.id == "eleven_v3" && name == "stability";
        if setting(name).is_some_and(|value| {
            !(low..=high).contains(&value) || in_steps && ![0.0, 0.5, 1.0].contains(&value)
        }) {
            return Err(ApiError::of(
                "invalid_voice_settings",
                &[&name, &low, &high],
            ));
        }
    }
    Ok(setting("speed").unwrap_or(1.0))
}

fn output_format(name: &str) -> Result<Mp3, ApiError> {
    let (sample_rate, kilobits) = match name {
        "mp3_22050_32" => (22_050, 32),
        "mp3_24000_48" => (24_000, 48),
        "mp3_44100_32" => (44_100, 32),
        "mp3_44100_64" => (44_100, 64),
        "mp3_44100_96" => (44_100, 96),
        "mp3_44100_128" => (44_100, 128),
        "mp3_44100_192" => return Err(ApiError::of("output_format_needs_plan", &[&name])),
        // The service knows more; nothing here encodes them.
        _ => return Err(ApiError::of("invalid_output_format", &[&name])),
    };
    Ok(Mp3 {
        sample_rate,
        kilobits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_formats_of_the_service_are_read() {
        let format = output_format("mp3_44100_64").unwrap();
        assert_eq!((format.sample_rate, format.kilobits), (44_100, 64));
        assert!(output_format("mp3_44100_192").is_err());
        assert!(output_format("mp3_11025_64").is_err());
    }

    #[test]
    fn an_alignment_has_one_element_a_code_point() {
        let text = "A 🦊!";
        let times = vec![0.0, 0.1, 0.2, 0.3];
        let narration = Narration {
            audio: vec![],
            starts: times.clone(),
            ends: times,
        };
        let arrays = alignment(text, &narration, "");
        assert_eq!(arrays["characters"], json!(["A", " ", "🦊", "!"]));
        let normalized = alignment(text, &narration, " ");
        assert_eq!(
            normalized["character_end_times_seconds"]
                .as_array()
                .unwrap()
                .len(),
            5
        );
    }
}
