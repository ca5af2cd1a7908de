//! ElevenLabs: speech with the time of every character.
//! Wire facts: the provider's OpenAPI document and Python SDK; `detail` comes in three shapes.

use crate::{
    Alignment, Billed, ErrorKind, ProviderError, Speech, SpeechCall, SpeechModel,
    answer::Endpoint,
    breaker::{Breaker, Patience},
};
use base64::Engine;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{fmt, time::Duration};
use url::Url;

const PROVIDER: &str = "ElevenLabs";
const TIMEOUT: Duration = Duration::from_secs(180);
const BYTES_MAX: usize = 64 << 20;
/// Half the size of the default at no audible cost for a narrating voice.
const OUTPUT_FORMAT: &str = "mp3_44100_64";

/// Account and model.
#[derive(Clone)]
pub struct ElevenLabsConfig {
    pub base_url: Url,
    pub api_key: String,
    pub model: String,
    pub patience: Patience,
}

/// The account, ready to call.
#[derive(Clone)]
pub struct ElevenLabs {
    config: ElevenLabsConfig,
    http: reqwest::Client,
    breaker: Breaker,
}

impl fmt::Debug for ElevenLabs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ElevenLabs")
    }
}

#[derive(Deserialize)]
struct Narration {
    audio_base64: String,
    alignment: Option<Alignment>,
}

/// An object says `code` (current) or `status` (legacy); a list is a schema rejection; anything else leaves the status.
fn classify(http: u16, body: &[u8]) -> (ErrorKind, Option<String>) {
    let detail = serde_json::from_slice::<Value>(body)
        .map(|mut body| body["detail"].take())
        .unwrap_or_default();
    let code = match &detail {
        Value::Object(detail) => ["code", "status"]
            .into_iter()
            .find_map(|key| detail.get(key)?.as_str().map(str::to_owned)),
        Value::Array(_) => Some("validation_error".to_owned()),
        _ => None,
    };
    let meaning = match (code.as_deref(), http) {
        (Some("quota_exceeded" | "insufficient_credits" | "payment_required"), _) | (_, 402) => {
            ErrorKind::OutOfCredits
        }
        (Some("voice_not_found" | "invalid_uid"), _) => ErrorKind::VoiceNotFound,
        (Some("model_not_found" | "unsupported_model"), _) => ErrorKind::ModelGone,
        (Some("text_too_long" | "max_character_limit_exceeded"), _) => ErrorKind::TextTooLong,
        (Some("validation_error"), _) => ErrorKind::Invalid,
        (_, 401 | 403) => ErrorKind::BadCredentials,
        (_, 429) => ErrorKind::RateLimited { retry_after: None },
        (_, 408 | 409) | (_, 500..) => ErrorKind::Unavailable,
        (_, 404) => ErrorKind::VoiceNotFound,
        _ => ErrorKind::Invalid,
    };
    (meaning, code)
}

impl ElevenLabs {
    pub fn new(config: ElevenLabsConfig, http: reqwest::Client) -> Self {
        let breaker = Breaker::new(PROVIDER, config.patience);
        Self {
            config,
            http,
            breaker,
        }
    }
}

#[async_trait::async_trait]
impl SpeechModel for ElevenLabs {
    async fn speak(&self, call: &SpeechCall) -> Result<(Speech, Billed), ProviderError> {
        let endpoint = Endpoint {
            provider: PROVIDER,
            attempted: "read the text aloud",
            timeout: TIMEOUT.min(self.config.patience.try_max),
            breaker: self.breaker.clone(),
            bytes_max: BYTES_MAX,
            classify,
        };
        let base = self.config.base_url.as_str().trim_end_matches('/');
        let url = format!(
            "{base}/v1/text-to-speech/{}/with-timestamps?output_format={OUTPUT_FORMAT}",
            call.voice_id
        );
        let body = json!({"text": call.text, "model_id": self.config.model,
            "voice_settings": {"stability": 0.5, "similarity_boost": 0.75, "style": 0.0, "use_speaker_boost": true, "speed": 0.95}});
        let answer = endpoint
            .send(call.deadline, || {
                self.http
                    .post(&url)
                    .header("xi-api-key", &self.config.api_key)
                    .json(&body)
            })
            .await?;
        let narration: Narration =
            serde_json::from_slice(&answer.body).map_err(|_| endpoint.malformed())?;
        let audio = base64::engine::general_purpose::STANDARD
            .decode(narration.audio_base64.trim())
            .ok()
            .filter(|audio| !audio.is_empty())
            .ok_or_else(|| endpoint.malformed())?;
        let characters = call.text.chars().count() as u64;
        let billed = Billed {
            model: self.config.model.clone(),
            input_units: answer
                .header("character-cost")
                .parse()
                .unwrap_or(characters),
            output_units: 0,
            request_id: answer.header("request-id").to_owned(),
        };
        Ok((
            Speech {
                audio: audio.into(),
                alignment: narration.alignment,
            },
            billed,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_401_may_mean_no_credits_and_all_three_shapes_are_read() {
        let kind = |status, body: &str| classify(status, body.as_bytes()).0;
        assert_eq!(
            kind(
                401,
                r#"{"detail":{"status":"quota_exceeded","message":"…"}}"#
            ),
            ErrorKind::OutOfCredits
        );
        assert_eq!(
            kind(401, r#"{"detail":{"status":"invalid_api_key"}}"#),
            ErrorKind::BadCredentials
        );
        assert_eq!(
            kind(429, r#"{"detail":{"code":"system_busy"}}"#),
            ErrorKind::RateLimited { retry_after: None }
        );
        assert_eq!(
            kind(404, r#"{"detail":{"code":"voice_not_found"}}"#),
            ErrorKind::VoiceNotFound
        );
        assert_eq!(
            kind(
                422,
                r#"{"detail":[{"loc":["body","text"],"msg":"Field required","type":"missing"}]}"#
            ),
            ErrorKind::Invalid
        );
        assert_eq!(kind(500, r#"{"detail":"oops"}"#), ErrorKind::Unavailable);
    }
}
