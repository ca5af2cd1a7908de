//! ElevenLabs' list of voices, kept for a while here and for good in the database.

use super::{Voice, Voices, VoicesError, account_voices, built_in};
use async_trait::async_trait;
use domain::voice::{self, ConfiguredVoice, ListedVoice};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::time::{Duration, Instant};
use store::Store;
use tokio::{sync::Mutex, time::timeout};
use url::Url;

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
pub(super) const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);
/// Keeping the list, and finding the kept one, is not worth waiting for a database that is slow.
pub(super) const DATABASE_PATIENCE: Duration = Duration::from_secs(1);

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        test_api::{Database, serve},
        voices::tests::the_default,
    };
    use axum::{Json, Router, routing::get};
    use serde_json::json;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    const PATIENCE: Duration = Duration::from_secs(5);

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
}
