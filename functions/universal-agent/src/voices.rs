//! The voices a story can be read with: the provider's list, kept for a while here and for good in the database, or the
//! built-in names.

use crate::error::{ApiError, Code};
use async_trait::async_trait;
use domain::voice::{self, ALIASES, ConfiguredVoice, DEFAULT_VOICE, ListedVoice, VoiceId};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use store::Store;
use tokio::{sync::Mutex, time::timeout};
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
    store: Store,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    list: Option<List>,
    failed: Option<Instant>,
}

struct List {
    /// When it came from the provider; `None` for one that another process kept in the database.
    fetched: Option<Instant>,
    voices: Vec<Voice>,
}

const FRESH_FOR: Duration = Duration::from_secs(600);
/// A provider that did not answer is not waited for by every request that follows.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);
/// Keeping the list, and finding the kept one, is not worth waiting for a database that is slow.
const DATABASE_PATIENCE: Duration = Duration::from_secs(1);

impl ElevenLabsVoices {
    pub fn new(
        base_url: Url,
        api_key: Option<SecretString>,
        default_voice: Option<ConfiguredVoice>,
        http: reqwest::Client,
        store: Store,
    ) -> Self {
        Self {
            base_url,
            api_key,
            default_voice,
            http,
            store,
            known: Mutex::default(),
        }
    }

    async fn fetch(&self, patience: Duration) -> Result<Vec<ListedVoice>, VoicesError> {
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
        match listed.is_empty() {
            true => Err(VoicesError::NoVoices),
            false => Ok(listed),
        }
    }

    /// Keeps the list for processes that begin while the provider is away.
    async fn keep(&self, listed: &[ListedVoice]) {
        let kept = timeout(DATABASE_PATIENCE, self.store.keep_voices(listed)).await;
        if !matches!(kept, Ok(Ok(()))) {
            tracing::warn!("The list of voices could not be kept");
        }
    }

    /// The list as any process kept it last.
    async fn find_kept(&self) -> Option<List> {
        let kept = timeout(DATABASE_PATIENCE, self.store.kept_voices()).await;
        let listed = kept.ok()?.ok()??;
        Some(List {
            fetched: None,
            voices: account_voices(listed, self.default_voice.as_ref()),
        })
    }
}

#[async_trait]
impl Voices for ElevenLabsVoices {
    async fn list(&self, patience: Duration) -> Result<Vec<Voice>, VoicesError> {
        let mut known = self.known.lock().await;
        if let Some(List { fetched, voices }) = &known.list
            && fetched.is_some_and(|at| at.elapsed() < FRESH_FOR)
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
        match fetched {
            Ok(listed) => {
                self.keep(&listed).await;
                let voices = account_voices(listed, self.default_voice.as_ref());
                known.list = Some(List {
                    fetched: Some(Instant::now()),
                    voices: voices.clone(),
                });
                Ok(voices)
            }
            Err(error) => {
                if !is_away {
                    known.failed = Some(Instant::now());
                }
                // Yesterday's list is truer than none.
                if known.list.is_none() {
                    known.list = self.find_kept().await;
                }
                let voices = known.list.as_ref().map(|list| list.voices.clone());
                voices.ok_or(error)
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
    use crate::test_api::{Database, serve};
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

    /// The account's list, and how often it was asked for. What is kept is kept in `database`.
    async fn account_beside(
        database: &Database,
        answer: Value,
    ) -> (ElevenLabsVoices, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&asked);
        let list = move || {
            counting.fetch_add(1, Ordering::Relaxed);
            let answer = answer.clone();
            async move { Json(answer) }
        };
        let url = serve(Router::new().route("/v1/voices", get(list))).await;
        let key = Some("key".into());
        let http = reqwest::Client::new();
        let store = database.store().await;
        let voices = ElevenLabsVoices::new(url, key, None, http, store);
        (voices, asked)
    }

    async fn account(answer: Value) -> (ElevenLabsVoices, Arc<AtomicUsize>) {
        let database = Database::default();
        database.answers("rpc/kept_voices", 200, Value::Null);
        database.answers("rpc/keep_voices", 200, Value::Null);
        account_beside(&database, answer).await
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

    #[tokio::test]
    async fn a_list_is_kept_and_serves_a_process_that_begins_while_the_provider_is_away() {
        let database = Database::default();
        let entry = json!({"voice_id": "AAAAAAAAAAAAAAAAAAAA", "name": "House voice"});
        let (warm, _) = account_beside(&database, json!({"voices": [entry]})).await;
        let told = warm.list(PATIENCE).await.expect("a list");
        let (_, verb, mut question) = database.questions().pop().expect("it was kept");
        assert_eq!(verb, "rpc/keep_voices");

        database.answers("rpc/kept_voices", 200, question["p_voices"].take());
        let (cold, asked) = account_beside(&database, json!({"detail": "oops"})).await;
        for _ in 0..2 {
            assert_eq!(cold.list(PATIENCE).await.expect("the kept list"), told);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        let reads = database.questions().into_iter();
        let reads = reads.filter(|(_, verb, _)| verb == "rpc/kept_voices");
        assert_eq!(reads.count(), 1, "read once by a process");
    }

    #[tokio::test]
    async fn a_provider_that_is_back_is_asked_although_a_list_was_kept() {
        let database = Database::default();
        let kept = json!([{"id": "AAAAAAAAAAAAAAAAAAAA", "name": "Gone", "description": null,
            "preview_url": null, "labels": null}]);
        database.answers("rpc/kept_voices", 200, kept);
        let entry = json!({"voice_id": "BBBBBBBBBBBBBBBBBBBB", "name": "New"});
        let (voices, _) = account_beside(&database, json!({"voices": [entry]})).await;
        assert_eq!(voices.list(PATIENCE).await.expect("a list")[0].name, "New");
    }

    #[test]
    fn an_alias_is_not_shown_for_one_voice_while_another_bears_the_name() {
        let listed = json!({"voices": [{"voice_id": "EXAVITQu4vr4xnSDxMaL", "name": "Sarah"},
            {"voice_id": "DDDDDDDDDDDDDDDDDDDD", "name": "Bella"}]});
        let voices = account_voices(voice::read_listing(&listed).unwrap(), None);
        assert!(voices.iter().all(|voice| voice.aliases.is_empty()));
    }
}
