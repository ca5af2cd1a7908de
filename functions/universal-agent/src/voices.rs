//! The voices a story can be read with: the provider's list, kept for a while, or the built-in names.

use async_trait::async_trait;
use domain::voice::{ALIASES, DEFAULT_VOICE};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use url::Url;

/// One voice as `GET /audio/voices` shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Voice {
    /// The provider's id; `voiceId` takes it, and each alias.
    pub id: String,
    pub name: String,
    pub aliases: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview_url: Option<String>,
    /// Accent, age, gender and the like, as the provider words them.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub labels: Value,
    pub is_default: bool,
}

/// The provider's list is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum VoicesError {
    #[error("no ElevenLabs key is set")]
    NoKey,
    #[error("could not fetch the voices from ElevenLabs")]
    Fetch(#[source] reqwest::Error),
}

/// Where voices come from.
#[async_trait]
pub trait Voices: Send + Sync {
    /// All voices of the account.
    async fn list(&self) -> Result<Vec<Voice>, VoicesError>;
}

/// ElevenLabs, `GET /v1/voices` (contract: the provider's OpenAPI document). Nothing is billed for it.
pub struct ElevenLabsVoices {
    base_url: Url,
    api_key: Option<String>,
    http: reqwest::Client,
    known: Mutex<Option<(Instant, Vec<Voice>)>>,
}

const FRESH_FOR: Duration = Duration::from_secs(600);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Listing {
    voices: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    voice_id: String,
    name: String,
    description: Option<String>,
    preview_url: Option<String>,
    #[serde(default)]
    labels: Value,
}

impl ElevenLabsVoices {
    pub fn new(base_url: Url, api_key: Option<String>, http: reqwest::Client) -> Self {
        Self {
            base_url,
            api_key,
            http,
            known: Mutex::default(),
        }
    }

    async fn fetch(&self) -> Result<Vec<Voice>, VoicesError> {
        let key = self.api_key.as_deref().ok_or(VoicesError::NoKey)?;
        let base = self.base_url.as_str().trim_end_matches('/');
        let request = self.http.get(format!("{base}/v1/voices"));
        let response = request
            .header("xi-api-key", key)
            .timeout(FETCH_TIMEOUT)
            .send()
            .await
            .and_then(|response| response.error_for_status())
            .map_err(VoicesError::Fetch)?;
        let listing: Listing = response.json().await.map_err(VoicesError::Fetch)?;
        Ok(listing.voices.into_iter().map(Voice::from).collect())
    }
}

#[async_trait]
impl Voices for ElevenLabsVoices {
    async fn list(&self) -> Result<Vec<Voice>, VoicesError> {
        let mut known = self.known.lock().await;
        if let Some((fetched, voices)) = known.as_ref()
            && fetched.elapsed() < FRESH_FOR
        {
            return Ok(voices.clone());
        }
        let voices = self.fetch().await?;
        *known = Some((Instant::now(), voices.clone()));
        Ok(voices)
    }
}

impl From<Listed> for Voice {
    fn from(listed: Listed) -> Self {
        Self {
            aliases: aliases(&listed.voice_id),
            is_default: listed.voice_id == DEFAULT_VOICE,
            id: listed.voice_id,
            name: listed.name,
            description: listed.description,
            preview_url: listed.preview_url,
            labels: listed.labels,
        }
    }
}

fn aliases(id: &str) -> Vec<&'static str> {
    let of_this = ALIASES.iter().filter(|(_, known)| *known == id);
    of_this.map(|(name, _)| *name).collect()
}

/// What can be chosen by name whether or not the provider answers.
pub(crate) fn built_in() -> Vec<Voice> {
    let mut voices: Vec<Voice> = Vec::new();
    for (name, id) in ALIASES {
        // A later alias of the same voice is its own name, the earlier one borrowed.
        if let Some(voice) = voices.iter_mut().find(|voice| voice.id == id) {
            voice.name = capitalised(name);
            continue;
        }
        voices.push(Voice {
            id: id.to_owned(),
            name: capitalised(name),
            aliases: aliases(id),
            description: None,
            preview_url: None,
            labels: Value::Null,
            is_default: id == DEFAULT_VOICE,
        });
    }
    voices
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_stands_in_the_built_in_list_once_and_one_voice_is_the_default() {
        let voices = built_in();
        let names: Vec<_> = voices
            .iter()
            .flat_map(|voice| voice.aliases.clone())
            .collect();
        assert_eq!(names.len(), ALIASES.len());
        let default: Vec<_> = voices.iter().filter(|voice| voice.is_default).collect();
        assert_eq!(default.len(), 1);
        assert_eq!(default[0].name, "Rachel");
        assert_eq!(default[0].aliases, ["alloy", "rachel"]);
    }
}
