//! The voice of a narration nobody chose one for, and which voices were refused of late.

use super::{PROVIDER, refusal::classify};
use crate::{CallTimeouts, ErrorKind, ProviderError, answer::Endpoint, breaker::Breaker};
use domain::voice::{self, ConfiguredVoice};
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A voice may come back, and a plan may grow: after this time it is asked for again.
const REMEMBERED_FOR: Duration = Duration::from_secs(600);
const TIMEOUT: Duration = Duration::from_secs(10);
const BYTES_MAX: usize = 16 << 20;

pub(super) struct DefaultVoices {
    configured: Option<ConfiguredVoice>,
    refused: Mutex<HashMap<String, (Instant, ErrorKind)>>,
    /// Ids in the provider's order. Held while it is fetched: several narrations may need it at once.
    account: tokio::sync::Mutex<Option<(Instant, Vec<String>)>>,
    /// Its own: a key that may speak and not list is a good key.
    breaker: Breaker,
}

impl DefaultVoices {
    pub(super) fn new(configured: Option<ConfiguredVoice>, timeouts: CallTimeouts) -> Self {
        Self {
            configured,
            refused: Mutex::default(),
            account: tokio::sync::Mutex::default(),
            breaker: Breaker::new(PROVIDER, timeouts),
        }
    }

    pub(super) fn note_refused(&self, voice_id: &str, kind: &ErrorKind) {
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(voice_id.to_owned(), (Instant::now(), kind.clone()));
    }

    fn why_refused(&self, voice_id: &str) -> Option<ErrorKind> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, kind) = refused.get(voice_id)?;
        (at.elapsed() < REMEMBERED_FOR).then(|| kind.clone())
    }

    fn usable<'a>(&self, ids: impl Iterator<Item = &'a str>) -> Option<String> {
        ids.filter(|id| self.why_refused(id).is_none())
            .map(str::to_owned)
            .next()
    }

    /// The first voice that was not refused of late: the configured one, the built-in one, those of the account.
    ///
    /// # Errors
    /// When there is none, or when the account's list is needed and not to be had for the moment.
    pub(super) async fn pick(
        &self,
        deadline: Instant,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<String, ProviderError> {
        let configured = self.configured.as_ref().map(ConfiguredVoice::id);
        let known = [configured, Some(voice::DEFAULT_VOICE)];
        if let Some(id) = self.usable(known.into_iter().flatten()) {
            return Ok(id);
        }
        let account = self.account(deadline, request).await?;
        if let Some(id) = self.usable(account.iter().map(String::as_str)) {
            return Ok(id);
        }
        // No plan lacks every voice there is: an account whose every voice is refused for money has none.
        let mut all = account.iter().filter_map(|id| self.why_refused(id));
        let is_unpaid = !account.is_empty() && all.all(|kind| kind == ErrorKind::VoiceNotInPlan);
        Err(no_voice(if is_unpaid {
            ErrorKind::OutOfCredits
        } else {
            ErrorKind::VoiceNotFound
        }))
    }

    /// The ids of the account's voices, `GET /v1/voices`. Nothing is billed for it.
    pub(super) async fn account(
        &self,
        deadline: Instant,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<Vec<String>, ProviderError> {
        let mut account = self.account.lock().await;
        if let Some((fetched, ids)) = account.as_ref()
            && fetched.elapsed() < REMEMBERED_FOR
        {
            return Ok(ids.clone());
        }
        let endpoint = Endpoint {
            provider: PROVIDER,
            kind: "voices",
            model: None,
            attempted: "list its voices",
            timeout: TIMEOUT,
            breaker: self.breaker.clone(),
            bytes_max: BYTES_MAX,
            classify,
        };
        let answer = match endpoint.send(deadline, request).await {
            Ok(answer) => answer,
            Err(error) if error.is_retryable() => return Err(error),
            // Without the list there is no other voice, and no later attempt finds one.
            Err(error) => {
                tracing::warn!(error = %error, "The account's voices cannot be listed");
                return Err(no_voice(ErrorKind::VoiceNotFound));
            }
        };
        let listing = serde_json::from_slice::<Value>(&answer.body).ok();
        let voices = listing.and_then(|listing| voice::read_listing(&listing));
        let voices = endpoint.finish(answer, voices.ok_or(ErrorKind::Malformed))?;
        let ids: Vec<String> = voices.into_iter().map(|voice| voice.id).collect();
        *account = Some((Instant::now(), ids.clone()));
        Ok(ids)
    }
}

fn no_voice(kind: ErrorKind) -> ProviderError {
    ProviderError::new(PROVIDER, "offer a voice to read with", kind)
}
