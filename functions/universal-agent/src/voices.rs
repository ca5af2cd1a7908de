//! The voices a story can be read with: the provider's list, kept for a while, or the built-in names.

use crate::error::{ApiError, Code};
use async_trait::async_trait;
use domain::voice::{self, ALIASES, ConfiguredVoice, DEFAULT_VOICE, ListedVoice, VoiceId};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Value, json};
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
    #[error("the answer of ElevenLabs lists no voice")]
    NoVoices,
    #[error("the voices could not be fetched a moment ago")]
    AwayOfLate,
}

/// Where voices come from.
#[async_trait]
pub trait Voices: Send + Sync {
    /// All voices of the account, one of them the default; waits for the provider no longer than `patience`.
    async fn list(&self, patience: Duration) -> Result<Vec<Voice>, VoicesError>;

    /// What can be chosen by name whether or not the provider answers, one of them the default.
    fn built_in(&self) -> Vec<Voice>;
}

/// ElevenLabs, `GET /v1/voices` (contract: the provider's OpenAPI document). Nothing is billed for it.
pub struct ElevenLabsVoices {
    base_url: Url,
    api_key: Option<SecretString>,
    default_voice: Option<ConfiguredVoice>,
    http: reqwest::Client,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    list: Option<(Instant, Vec<Voice>)>,
    failed: Option<Instant>,
}

const FRESH_FOR: Duration = Duration::from_secs(600);
/// A provider that did not answer is not waited for by every request that follows.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);

impl ElevenLabsVoices {
    pub fn new(
        base_url: Url,
        api_key: Option<SecretString>,
        default_voice: Option<ConfiguredVoice>,
        http: reqwest::Client,
    ) -> Self {
        Self {
            base_url,
            api_key,
            default_voice,
            http,
            known: Mutex::default(),
        }
    }

    async fn fetch(&self, patience: Duration) -> Result<Vec<Voice>, VoicesError> {
        let key = self.api_key.as_ref().ok_or(VoicesError::NoKey)?;
        let base = self.base_url.as_str().trim_end_matches('/');
        let request = self.http.get(format!("{base}/v1/voices"));
        let response = request
            .header("xi-api-key", key.expose_secret())
            .timeout(patience)
            .send()
            .await
            .and_then(|response| response.error_for_status())
            .map_err(VoicesError::Fetch)?;
        let answer: Value = response.json().await.map_err(VoicesError::Fetch)?;
        let listed = voice::read_listing(&answer).unwrap_or_default();
        if listed.is_empty() {
            return Err(VoicesError::NoVoices);
        }
        Ok(account_voices(listed, self.default_voice.as_ref()))
    }
}

#[async_trait]
impl Voices for ElevenLabsVoices {
    async fn list(&self, patience: Duration) -> Result<Vec<Voice>, VoicesError> {
        let mut known = self.known.lock().await;
        let list = known.list.as_ref();
        if let Some((fetched, voices)) = list
            && fetched.elapsed() < FRESH_FOR
        {
            return Ok(voices.clone());
        }
        let is_away = known
            .failed
            .is_some_and(|at| at.elapsed() < PAUSE_AFTER_FAILURE);
        let fetched = match is_away {
            true => Err(VoicesError::AwayOfLate),
            false => self.fetch(patience).await,
        };
        match (fetched, &known.list) {
            (Ok(voices), _) => {
                known.list = Some((Instant::now(), voices.clone()));
                Ok(voices)
            }
            (Err(error), list) => {
                // Yesterday's list is truer than none.
                let stale = list.as_ref().map(|(_, voices)| voices.clone());
                if !is_away {
                    known.failed = Some(Instant::now());
                }
                stale.ok_or(error)
            }
        }
    }

    fn built_in(&self) -> Vec<Voice> {
        built_in(self.default_voice.as_ref())
    }
}

/// The account's voices as they are answered: each with the aliases it is meant by, one of them the default.
pub(crate) fn account_voices(
    listed: Vec<ListedVoice>,
    configured: Option<&ConfiguredVoice>,
) -> Vec<Voice> {
    let ids = listed.iter().map(|voice| voice.id.as_str());
    let default = voice::default_among(configured, ids).map(str::to_owned);
    let names: Vec<String> = listed
        .iter()
        .map(|voice| voice.name.to_lowercase())
        .collect();
    let mut voices: Vec<Voice> = Vec::new();
    for listed in listed {
        // An id that is listed twice would be the default twice.
        if voices.iter().any(|voice| voice.id == listed.id) {
            continue;
        }
        let mut aliases = aliases(&listed.id);
        // A voice that bears the name itself is meant by it.
        aliases.retain(|alias| {
            listed.name.eq_ignore_ascii_case(alias) || !names.iter().any(|name| name == alias)
        });
        voices.push(Voice {
            aliases,
            is_default: default.as_deref() == Some(listed.id.as_str()),
            id: listed.id,
            name: listed.name,
            description: listed.description,
            preview_url: listed.preview_url,
            labels: listed.labels,
        });
    }
    voices
}

fn aliases(id: &str) -> Vec<&'static str> {
    let of_this = ALIASES.iter().filter(|(_, known)| *known == id);
    of_this.map(|(name, _)| *name).collect()
}

/// The aliases' voices, and the configured one where it is none of them.
pub(crate) fn built_in(configured: Option<&ConfiguredVoice>) -> Vec<Voice> {
    let voice = |id: &str, name: String| Voice {
        id: id.to_owned(),
        name,
        aliases: aliases(id),
        description: None,
        preview_url: None,
        labels: Value::Null,
        is_default: false,
    };
    let mut voices: Vec<Voice> = Vec::new();
    for (name, id) in ALIASES {
        // A later alias of the same voice is its own name, the earlier one borrowed.
        match voices.iter_mut().find(|voice| voice.id == id) {
            Some(known) => known.name = capitalise(name),
            None => voices.push(voice(id, capitalise(name))),
        }
    }
    let default = configured.map_or(DEFAULT_VOICE, ConfiguredVoice::id);
    if !voices.iter().any(|voice| voice.id == default) {
        voices.insert(0, voice(default, "House voice".to_owned()));
    }
    for voice in &mut voices {
        voice.is_default = voice.id == default;
    }
    voices
}

/// Longest a request waits for the list of voices to check a wish against.
const CHECK_PATIENCE: Duration = Duration::from_millis(1500);

/// The id of the voice that was wished for, by its id, a name of the account's list or an alias: before anything is spent
/// on a voice nobody has (C-32). While the list is not to be had, aliases and ids of the right form pass as they are.
pub(crate) async fn resolve(
    voices: &dyn Voices,
    wish: Option<VoiceId>,
) -> Result<Option<VoiceId>, ApiError> {
    let Some(wish) = wish else {
        return Ok(None);
    };
    // Also while somebody else fetches the list with more patience.
    let limit = CHECK_PATIENCE + Duration::from_millis(200);
    let listed = tokio::time::timeout(limit, voices.list(CHECK_PATIENCE)).await;
    let Ok(Ok(listed)) = listed else {
        return match wish.provider_id() {
            Some(_) => Ok(Some(wish)),
            None => Err(ApiError::invalid(
                "voiceId",
                "voiceId is no voice; GET /api/v1/audio/voices lists them",
            )),
        };
    };
    let names: Vec<(&str, &str)> = listed
        .iter()
        .map(|voice| (voice.id.as_str(), voice.name.as_str()))
        .collect();
    // The documents' own name is nobody's at the provider: where its voice is gone, the default one speaks for it.
    let default = listed.iter().find(|voice| voice.is_default);
    let by_default = || {
        Some(
            default
                .filter(|_| wish.as_str().eq_ignore_ascii_case("alloy"))?
                .id
                .as_str(),
        )
    };
    match voice::find(wish.as_str(), &names).or_else(by_default) {
        Some(id) => Ok(Some(id.parse::<VoiceId>()?)),
        None => Err(ApiError::new(
            Code::VoiceNotFound,
            "There is no such voice; GET /api/v1/audio/voices lists them.",
        )
        .with_data(json!({"field": "voiceId"}))),
    }
}

fn capitalise(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_api::serve;
    use axum::{Json, Router, routing::get};
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    const PATIENCE: Duration = Duration::from_secs(5);

    fn the_default(voices: &[Voice]) -> &Voice {
        let mut default = voices.iter().filter(|voice| voice.is_default);
        let voice = default.next().expect("a default");
        assert_eq!(default.next(), None, "one default");
        voice
    }

    /// The account's list, and how often it was asked for.
    async fn account(answer: Value) -> (ElevenLabsVoices, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&asked);
        let list = move || {
            counting.fetch_add(1, Ordering::Relaxed);
            let answer = answer.clone();
            async move { Json(answer) }
        };
        let url = serve(Router::new().route("/v1/voices", get(list))).await;
        let key = Some("key".into());
        let voices = ElevenLabsVoices::new(url, key, None, reqwest::Client::new());
        (voices, asked)
    }

    #[test]
    fn every_alias_stands_in_the_built_in_list_once_and_one_voice_is_the_default() {
        let voices = built_in(None);
        let names: Vec<_> = voices
            .iter()
            .flat_map(|voice| voice.aliases.clone())
            .collect();
        assert_eq!(names.len(), ALIASES.len());
        let default = the_default(&voices);
        assert_eq!(default.name, "Rachel");
        assert_eq!(default.aliases, ["alloy", "rachel"]);

        let own: ConfiguredVoice = "AAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        assert_eq!(the_default(&built_in(Some(&own))).id, own.id());
    }

    #[tokio::test]
    async fn an_account_without_the_built_in_voice_has_a_default_and_an_odd_entry_costs_no_list() {
        let (voices, asked) = account(json!({"voices": [
            {"voice_id": "CCCCCCCCCCCCCCCCCCCC", "name": null},
            {"voice_id": "AAAAAAAAAAAAAAAAAAAA", "name": "House voice"},
            {"voice_id": "AAAAAAAAAAAAAAAAAAAA", "name": "House voice"}]}))
        .await;
        let list = voices.list(PATIENCE).await.expect("a list");
        assert_eq!(the_default(&list).id, "AAAAAAAAAAAAAAAAAAAA");
        assert_eq!(list.len(), 1);
        voices.list(PATIENCE).await.expect("a list");
        assert_eq!(asked.load(Ordering::Relaxed), 1, "kept");
    }

    #[tokio::test]
    async fn a_provider_that_is_away_is_not_waited_for_by_every_request() {
        let (voices, asked) = account(json!({"detail": "oops"})).await;
        for _ in 0..3 {
            voices.list(PATIENCE).await.expect_err("no list");
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn an_alias_is_not_shown_for_one_voice_while_another_bears_the_name() {
        let listed = json!({"voices": [{"voice_id": "EXAVITQu4vr4xnSDxMaL", "name": "Sarah"},
            {"voice_id": "DDDDDDDDDDDDDDDDDDDD", "name": "Bella"}]});
        let voices = account_voices(voice::read_listing(&listed).unwrap(), None);
        assert!(voices.iter().all(|voice| voice.aliases.is_empty()));
    }
}
