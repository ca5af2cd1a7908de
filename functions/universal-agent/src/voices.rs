//! The voices a story can be read with: the provider's list or the built-in names, and which of them is meant by a wish.

mod elevenlabs;

pub use elevenlabs::ElevenLabsVoices;

use crate::error::{ApiError, Code};
use async_trait::async_trait;
use domain::voice::{self, ALIASES, ConfiguredVoice, DEFAULT_VOICE, ListedVoice, VoiceId};
use elevenlabs::{DATABASE_PATIENCE, PAUSE_AFTER_FAILURE};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

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
/// on a voice nobody has (C-32). While no list at all is to be had, an alias passes as it is, and nobody can tell of anything
/// else whether it is a voice: 503.
pub(crate) async fn resolve(
    voices: &dyn Voices,
    wish: Option<VoiceId>,
) -> Result<Option<VoiceId>, ApiError> {
    let Some(wish) = wish else {
        return Ok(None);
    };
    // Also while somebody else fetches the list with more patience.
    let limit = CHECK_PATIENCE + DATABASE_PATIENCE + Duration::from_millis(200);
    let listed = match timeout(limit, voices.list(CHECK_PATIENCE)).await {
        Ok(Ok(listed)) => listed,
        _ if wish.is_alias() => return Ok(Some(wish)),
        Ok(Err(error)) => return Err(unavailable(error)),
        Err(late) => return Err(unavailable(late)),
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

fn unavailable(reason: impl std::error::Error + Send + Sync + 'static) -> ApiError {
    ApiError::unavailable(reason).with_retry_after(PAUSE_AFTER_FAILURE.as_secs())
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

    pub(super) fn the_default(voices: &[Voice]) -> &Voice {
        let mut default = voices.iter().filter(|voice| voice.is_default);
        let voice = default.next().expect("a default");
        assert_eq!(default.next(), None, "one default");
        voice
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

    #[test]
    fn an_alias_is_not_shown_for_one_voice_while_another_bears_the_name() {
        let listed = json!({"voices": [{"voice_id": "EXAVITQu4vr4xnSDxMaL", "name": "Sarah"},
            {"voice_id": "DDDDDDDDDDDDDDDDDDDD", "name": "Bella"}]});
        let voices = account_voices(voice::read_listing(&listed).unwrap(), None);
        assert!(voices.iter().all(|voice| voice.aliases.is_empty()));
    }
}
