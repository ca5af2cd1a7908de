//! ElevenLabs: speech with the time of every character.
//! Wire facts: the provider's OpenAPI document and Python SDK; `detail` comes in three shapes.

mod models;
mod refusal;
mod voices;
#[cfg(test)]
mod wire_tests;

use crate::{
    Alignment, CallCount, CallTimeouts, CallUsage, ErrorKind, ListedModel, ProviderError, Speech,
    SpeechCall, SpeechFacts, SpeechModel,
    answer::{Answer, Endpoint, Sending},
    breaker::Breaker,
    catalog,
    chain::Chain,
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
    collections::HashMap,
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
    /// Tried in order.
    pub models: Vec<String>,
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
    models: Arc<Chain>,
    known: Arc<HashMap<String, Known>>,
    voices: Arc<DefaultVoices>,
}

impl fmt::Debug for ElevenLabs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ElevenLabs")
    }
}

/// What is known of a configured model.
struct Known {
    facts: ModelFacts,
    /// As known of the model, or less, once a shorter text was refused as too long.
    characters_max: AtomicUsize,
}

#[derive(Deserialize)]
struct Narration {
    audio_base64: String,
    /// Null, missing or of another form than documented: the sound is paid for and stands without it.
    #[serde(default)]
    alignment: Value,
    /// The same of the text as it was read, with its numbers in words.
    #[serde(default)]
    normalized_alignment: Value,
}

impl ElevenLabs {
    pub fn new(config: ElevenLabsConfig, http: reqwest::Client) -> Self {
        let breaker = Breaker::new(PROVIDER, config.timeouts);
        let voices = DefaultVoices::new(config.default_voice.clone(), config.timeouts);
        let models = Chain::new("speech", &config.models);
        let known = config.models.iter().map(|model| {
            let model = model.trim();
            let facts = facts_of(model);
            let characters_max = AtomicUsize::new(facts.characters_max);
            let known = Known {
                facts,
                characters_max,
            };
            (model.to_owned(), known)
        });
        Self {
            known: Arc::new(known.collect()),
            config,
            http,
            breaker,
            models: Arc::new(models),
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
        let mut body = json!({"text": call.text, "model_id": call.model,
            "voice_settings": {"stability": 0.5, "similarity_boost": 0.75, "style": 0.0, "use_speaker_boost": true, "speed": 0.95}});
        if self.facts_of(&call.model).takes_context {
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

    fn facts_of(&self, model: &str) -> ModelFacts {
        let known = self.known.get(model);
        known.map_or_else(|| facts_of(model), |known| known.facts)
    }

    /// Keeps what a refusal teaches of the voice or of the model.
    fn learn_from(&self, error: &ProviderError, call: &SpeechCall) {
        match error.kind {
            ErrorKind::VoiceNotFound | ErrorKind::VoiceNotInPlan => {
                self.voices.note_refused(&call.voice_id, &error.kind);
            }
            ErrorKind::TextTooLong => {
                let half = call.text.chars().count() / 2;
                if let Some(known) = self.known.get(&call.model) {
                    known.characters_max.fetch_min(half, Ordering::Relaxed);
                }
            }
            _ if error.kind.may_spare_other_models() => {
                self.models.remember_failure(&call.model, &error.kind);
            }
            _ => (),
        }
    }
}

#[async_trait::async_trait]
impl SpeechModel for ElevenLabs {
    fn facts(&self) -> SpeechFacts {
        let model = self.models.first();
        let facts = self.facts_of(&model);
        let known = self.known.get(&model);
        let learnt = known.map(|known| known.characters_max.load(Ordering::Relaxed));
        SpeechFacts {
            model,
            format: OUTPUT_FORMAT,
            characters_max: learnt.unwrap_or(facts.characters_max),
            times_drift: facts.times_drift,
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
            model: Some(call.model.clone()),
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
        let mut lost = Vec::new();
        let sending = Sending {
            deadline: call.deadline,
            has_stand_in: false,
            listening: None,
            lost: &mut lost,
            sent: CallCount::default(),
            fields: None,
        };
        let sent = endpoint.send_to_model(request, sending).await;
        let characters = call.text.chars().count() as u64;
        let billed = |cost: Option<u64>, id: &str| CallUsage {
            provider: ELEVENLABS,
            model: call.model.clone(),
            input_units: cost.unwrap_or(characters),
            output_units: 0,
            request_id: id.to_owned(),
        };
        // They began as a success and broke off: it was read aloud, and nobody heard it to its end.
        usage.extend(lost.iter().map(|id| billed(None, id)));
        let answer = sent.inspect_err(|error| self.learn_from(error, call))?;
        let cost = answer.header("character-cost").parse();
        usage.push(billed(cost.ok(), answer.header("request-id")));
        let speech = read_speech(&answer, &call.text);
        let speech = endpoint.finish(answer, speech);
        match &speech {
            Ok(_) => self.models.remember_success(&call.model),
            Err(error) => self.learn_from(error, call),
        }
        speech
    }
}

fn read_speech(answer: &Answer, text: &str) -> Result<Speech, ErrorKind> {
    // A sign that was cut in two, among the times, spoils no sound.
    let narration = domain::sanitize::from_slice::<Narration>(&answer.body);
    let narration = narration.map_err(|_| ErrorKind::Malformed)?;
    let audio = base64::engine::general_purpose::STANDARD.decode(narration.audio_base64.trim());
    let audio = audio.ok().filter(|audio| !audio.is_empty());
    Ok(Speech {
        audio: audio.ok_or(ErrorKind::Malformed)?.into(),
        alignment: times_of(narration.alignment, narration.normalized_alignment, text),
    })
}

/// The times of the text's own characters; where there are none, those of the text as it was read, if it was read as it stands.
fn times_of(own: Value, as_read: Value, text: &str) -> Option<Alignment> {
    let own = Alignment::deserialize(own).ok();
    if own.as_ref().is_some_and(|own| !own.characters.is_empty()) {
        return own;
    }
    let letters = |text: &str| {
        text.chars()
            .filter(|c| !c.is_whitespace())
            .collect::<String>()
    };
    let as_read = Alignment::deserialize(as_read).ok();
    let as_read = as_read.filter(|read| letters(&read.characters.concat()) == letters(text));
    as_read.or(own)
}
