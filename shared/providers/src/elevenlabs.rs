//! ElevenLabs: speech with the time of every character.
//! Wire facts: the provider's OpenAPI document and Python SDK; `detail` comes in three shapes.

mod models;
mod refusal;
mod voices;
#[cfg(test)]
mod wire_tests;

use crate::{
    Alignment, CallTimeouts, CallUsage, ErrorKind, ListedModel, ProviderError, Speech, SpeechCall,
    SpeechFacts, SpeechModel,
    answer::{Answer, Endpoint},
    breaker::Breaker,
    catalog,
};
use base64::Engine;
use domain::{
    price::ELEVENLABS,
    voice::{self, ConfiguredVoice},
};
use http::Method;
use models::{ModelFacts, facts_of};
use refusal::classify;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use url::Url;
use voices::DefaultVoices;

const PROVIDER: &str = "ElevenLabs";
const TIMEOUT: Duration = Duration::from_secs(180);
const LISTING_TIMEOUT: Duration = Duration::from_secs(15);
const LISTING_BYTES_MAX: usize = 4 << 20;
const BYTES_MAX: usize = 64 << 20;
/// Half the size of the default at no audible cost for a narrating voice.
const OUTPUT_FORMAT: &str = "mp3_44100_64";

/// Account and model.
#[derive(Clone, Debug)]
pub struct ElevenLabsConfig {
    pub base_url: Url,
    pub api_key: SecretString,
    pub model: String,
    /// For narrations nobody chose a voice for.
    pub default_voice: Option<ConfiguredVoice>,
    pub timeouts: CallTimeouts,
}

/// The account, ready to call.
#[derive(Clone)]
pub struct ElevenLabs {
    config: ElevenLabsConfig,
    http: reqwest::Client,
    breaker: Breaker,
    model: ModelFacts,
    /// As known of the model, or less, once a shorter text was refused as too long.
    characters_max: Arc<AtomicUsize>,
    voices: Arc<DefaultVoices>,
}

impl fmt::Debug for ElevenLabs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ElevenLabs")
    }
}

#[derive(Deserialize)]
struct Narration {
    audio_base64: String,
    /// Null, missing or of another form than documented: the sound is paid for and stands without it.
    #[serde(default)]
    alignment: Value,
}

impl ElevenLabs {
    pub fn new(config: ElevenLabsConfig, http: reqwest::Client) -> Self {
        let breaker = Breaker::new(PROVIDER, config.timeouts);
        let model = facts_of(&config.model);
        let voices = DefaultVoices::new(config.default_voice.clone(), config.timeouts);
        Self {
            config,
            http,
            breaker,
            model,
            characters_max: Arc::new(AtomicUsize::new(model.characters_max)),
            voices: Arc::new(voices),
        }
    }

    fn url(&self, path: &str) -> String {
        format!(
            "{}{path}",
            self.config.base_url.as_str().trim_end_matches('/')
        )
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let key = self.config.api_key.expose_secret();
        self.http
            .request(method, self.url(path))
            .header("xi-api-key", key)
    }

    /// The models of the account, `GET /v1/models`. Nothing is billed for it.
    ///
    /// # Errors
    /// When the list cannot be had or read.
    pub async fn list_models(&self, deadline: Instant) -> Result<Vec<ListedModel>, ProviderError> {
        let endpoint = Endpoint {
            provider: PROVIDER,
            kind: "models",
            model: None,
            attempted: "list its models",
            timeout: LISTING_TIMEOUT.min(self.config.timeouts.try_max),
            breaker: self.breaker.clone(),
            bytes_max: LISTING_BYTES_MAX,
            classify,
        };
        let request = || self.request(Method::GET, "/v1/models");
        let answer = endpoint.send(deadline, request).await?;
        let listing = serde_json::from_slice::<Value>(&answer.body);
        let listed = listing.map(|listing| catalog::read(&listing, "model_id"));
        let listed = listed.ok().filter(|listed| !listed.is_empty());
        endpoint.finish(answer, listed.ok_or(ErrorKind::Malformed))
    }

    /// The voices of the account, as [`ElevenLabs::list_models`].
    ///
    /// # Errors
    /// When the list cannot be had or read.
    pub async fn list_voices(&self, deadline: Instant) -> Result<Vec<ListedModel>, ProviderError> {
        let request = || self.request(Method::GET, "/v1/voices");
        let ids = self.voices.account(deadline, request).await?;
        let is_premade = |id: &str| voice::ALIASES.iter().any(|(_, premade)| *premade == id);
        let end = catalog::days_until(voice::PREMADE_VOICES_END);
        let listed = ids.into_iter().map(|id| ListedModel {
            days_left: end.filter(|_| is_premade(&id)),
            id,
        });
        Ok(listed.collect())
    }

    fn body(&self, call: &SpeechCall) -> Value {
        let mut body = json!({"text": call.text, "model_id": self.config.model,
            "voice_settings": {"stability": 0.5, "similarity_boost": 0.75, "style": 0.0, "use_speaker_boost": true, "speed": 0.95}});
        if self.model.takes_context {
            for (name, text) in [
                ("previous_text", &call.previous_text),
                ("next_text", &call.next_text),
            ] {
                if let Some(text) = text {
                    body[name] = json!(text);
                }
            }
        }
        body
    }

    /// Keeps what a refusal teaches of the voice or of the model.
    fn learn_from(&self, error: &ProviderError, call: &SpeechCall) {
        match error.kind {
            ErrorKind::VoiceNotFound | ErrorKind::VoiceNotInPlan => {
                self.voices.note_refused(&call.voice_id, &error.kind);
            }
            ErrorKind::TextTooLong => {
                let half = call.text.chars().count() / 2;
                self.characters_max.fetch_min(half, Ordering::Relaxed);
            }
            _ => (),
        }
    }
}

#[async_trait::async_trait]
impl SpeechModel for ElevenLabs {
    fn facts(&self) -> SpeechFacts {
        SpeechFacts {
            model: self.config.model.clone(),
            format: OUTPUT_FORMAT,
            characters_max: self.characters_max.load(Ordering::Relaxed),
            times_drift: self.model.times_drift,
        }
    }

    async fn default_voice(&self, deadline: Instant) -> Result<String, ProviderError> {
        let request = || self.request(Method::GET, "/v1/voices");
        self.voices.pick(deadline, request).await
    }

    async fn speak(
        &self,
        call: &SpeechCall,
        usage: &mut Vec<CallUsage>,
    ) -> Result<Speech, ProviderError> {
        let endpoint = Endpoint {
            provider: PROVIDER,
            kind: "speech",
            model: Some(self.config.model.clone()),
            attempted: "read the text aloud",
            timeout: TIMEOUT.min(self.config.timeouts.try_max),
            breaker: self.breaker.clone(),
            bytes_max: BYTES_MAX,
            classify,
        };
        let path = format!(
            "/v1/text-to-speech/{}/with-timestamps?output_format={OUTPUT_FORMAT}",
            call.voice_id
        );
        let body = self.body(call);
        let request = || self.request(Method::POST, &path).json(&body);
        let sent = endpoint.send(call.deadline, request).await;
        let answer = sent.inspect_err(|error| self.learn_from(error, call))?;
        let characters = call.text.chars().count() as u64;
        let cost = answer.header("character-cost").parse();
        usage.push(CallUsage {
            provider: ELEVENLABS,
            model: self.config.model.clone(),
            input_units: cost.unwrap_or(characters),
            output_units: 0,
            request_id: answer.header("request-id").to_owned(),
        });
        let speech = read_speech(&answer);
        endpoint.finish(answer, speech)
    }
}

fn read_speech(answer: &Answer) -> Result<Speech, ErrorKind> {
    let malformed = |_| ErrorKind::Malformed;
    let narration: Narration = serde_json::from_slice(&answer.body).map_err(malformed)?;
    let audio = base64::engine::general_purpose::STANDARD.decode(narration.audio_base64.trim());
    let audio = audio.ok().filter(|audio| !audio.is_empty());
    Ok(Speech {
        audio: audio.ok_or(ErrorKind::Malformed)?.into(),
        alignment: Alignment::deserialize(narration.alignment).ok(),
    })
}
