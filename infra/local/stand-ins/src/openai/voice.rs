//! `POST /v1/audio/speech` (contract section 8): the fallback voice, without times.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use serde_json::Value;

use super::errors::{ApiError, refuse_unknown_members};
use super::models::{self, Makes};
use crate::config::StandInConfig;
use crate::gate::Played;
use crate::seeded::digest;
use crate::speech::{self, AudioFormat, Delivery};

const KNOWN: &[&str] = &[
    "input",
    "instructions",
    "model",
    "response_format",
    "speed",
    "stream_format",
    "voice",
];
const INPUT_CHARACTERS_MAX: usize = 4096;

/// Speaks a text as mp3, wav or pcm (the other formats of the service are refused).
///
/// # Errors
/// 400 for over-long input or an unsupported format, 404 for an unknown model.
pub(crate) async fn speak(
    State(config): State<StandInConfig>,
    Extension(Played(_)): Extension<Played>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let request: Value = serde_json::from_slice(&body).map_err(|_| ApiError::unparsable_body())?;
    refuse_unknown_members(&request, KNOWN)?;
    let model = models::named_in(&request)?;
    if model.makes != Makes::Speech {
        return Err(ApiError::invalid_value(
            "model",
            model.id,
            &["tts-1", "tts-1-hd", "gpt-4o-mini-tts"],
        ));
    }
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let input = text("input")
        .filter(|input| !input.is_empty())
        .ok_or_else(|| ApiError::missing_parameter("input"))?;
    let voice = text("voice").ok_or_else(|| ApiError::missing_parameter("voice"))?;
    let length = input.chars().count();
    if length > INPUT_CHARACTERS_MAX {
        let message = format!(
            "Invalid 'input': string too long. Expected a string with maximum length {INPUT_CHARACTERS_MAX}, but got a string with length {length} instead."
        );
        return Err(ApiError::bad_parameter(
            "input",
            Some("string_above_max_length"),
            message,
        ));
    }
    let (format, content_type) = audio_format(text("response_format").unwrap_or("mp3"))?;
    let speed = request
        .get("speed")
        .and_then(Value::as_f64)
        .unwrap_or(1.0)
        .clamp(0.25, 4.0);
    let delivery = Delivery {
        voice: voice.to_owned(),
        speed,
        format,
    };
    let key = digest(format!("openai speech/{delivery:?}/{input}").as_bytes());
    let input = input.to_owned();
    let made = config
        .workbench()
        .make(key, move || speech::narrate(&input, &delivery).audio)
        .await;
    let audio = made.map_err(|_| ApiError::server_error())?;
    Ok(([(header::CONTENT_TYPE, content_type)], audio.to_vec()).into_response())
}

fn audio_format(name: &str) -> Result<(AudioFormat, &'static str), ApiError> {
    match name {
        "mp3" => Ok((AudioFormat::MP3_44100_128, "audio/mpeg")),
        "wav" => Ok((
            AudioFormat::Wav {
                sample_rate: 24_000,
            },
            "audio/wav",
        )),
        "pcm" => Ok((
            AudioFormat::Pcm {
                sample_rate: 24_000,
            },
            "audio/pcm",
        )),
        other => Err(ApiError::invalid_value(
            "response_format",
            other,
            &["mp3", "wav", "pcm"],
        )),
    }
}
