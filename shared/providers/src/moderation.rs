//! Whether words and pictures belong in a child's story: OpenAI's moderation, with limits of our own by the reader's age.

use crate::{
    ErrorKind,
    call_log::CallLog,
    exchanges::{Answered, Begun, raw},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::reason::Reason;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    error::Error as _,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use url::Url;

/// OpenAI's `POST /moderations` (contract: the provider's OpenAPI document), which is not billed. It is one of several doors:
/// models have filters of their own, and each picture its check. So a service that is away holds nobody up.
pub struct Moderation {
    address: String,
    api_key: Option<SecretString>,
    http: Client,
    /// Longest anybody waits for it.
    patience: Duration,
    failed: Mutex<Option<Instant>>,
}

const PROVIDER: &str = "OpenAI";
const KIND: &str = "moderation";
const MODEL: &str = "omni-moderation-latest";
/// A service that did not answer is not waited for by everybody who follows.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);
/// From which score on a category is too much: for readers up to 7, and where nobody says how old they are; up to 12; above.
/// A tale may have a wolf in it, so violence is let pass furthest. Kinds of a category (`violence/graphic`) go by its name.
const LIMITS: [(&str, Concern, [f64; 3]); 6] = [
    (
        "harassment",
        Concern::new(Reason::ModeratedHarassment, "being cruel to others"),
        [0.5, 0.6, 0.8],
    ),
    (
        "hate",
        Concern::new(Reason::ModeratedHate, "hatred of people"),
        [0.3, 0.4, 0.6],
    ),
    (
        "illicit",
        Concern::new(Reason::ModeratedIllicit, "something against the law"),
        [0.4, 0.5, 0.7],
    ),
    (
        "self-harm",
        Concern::new(Reason::ModeratedSelfHarm, "people who hurt themselves"),
        [0.2, 0.3, 0.5],
    ),
    (
        "sexual",
        Concern::new(Reason::ModeratedSexual, "something for adults"),
        [0.15, 0.2, 0.3],
    ),
    (
        "violence",
        Concern::new(Reason::ModeratedViolence, "violence"),
        [0.5, 0.65, 0.8],
    ),
];

/// What is too much for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concern {
    pub reason: Reason,
    /// For a parent.
    pub words: &'static str,
}

impl Concern {
    const fn new(reason: Reason, words: &'static str) -> Self {
        Self { reason, words }
    }
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Verdict>,
}

/// Of one text. A category that a model does not know may be null.
#[derive(Deserialize)]
struct Verdict {
    #[serde(default)]
    categories: BTreeMap<String, Option<bool>>,
    #[serde(default)]
    category_scores: BTreeMap<String, Option<f64>>,
}

#[derive(Debug, thiserror::Error)]
enum ModerationError {
    #[error("could not ask OpenAI about words or a picture")]
    Ask(#[source] reqwest::Error),
    #[error("could not read what OpenAI found of words")]
    Read(#[source] serde_json::Error),
    #[error("OpenAI told {told} verdicts where {asked} were asked for")]
    Incomplete { told: usize, asked: usize },
}

impl ModerationError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Ask(error) if error.is_timeout() => ErrorKind::TimedOut,
            Self::Ask(_) => ErrorKind::Unavailable,
            Self::Read(_) | Self::Incomplete { .. } => ErrorKind::Malformed,
        }
    }
}

impl Moderation {
    /// Without a key nothing is asked, and nothing found.
    pub fn new(
        base_url: &Url,
        api_key: Option<SecretString>,
        http: Client,
        patience: Duration,
    ) -> Self {
        let base = base_url.as_str().trim_end_matches('/');
        Self {
            address: format!("{base}/moderations"),
            api_key,
            http,
            patience,
            failed: Mutex::default(),
        }
    }

    /// What each text speaks of that is too much for a reader of this age, in years. Nothing is found while the service is away.
    pub async fn find_unsafe(&self, age: Option<u32>, texts: &[&str]) -> Vec<Option<Concern>> {
        let nothing = vec![None; texts.len()];
        if texts.is_empty() {
            return nothing;
        }
        let verdicts = self.look_at(&json!(texts), texts.len()).await;
        verdicts.map_or(nothing, |verdicts| {
            verdicts
                .iter()
                .map(|verdict| verdict.concern(age))
                .collect()
        })
    }

    /// The same of a picture that a user brought, a JPEG.
    pub async fn find_unsafe_picture(&self, age: Option<u32>, jpeg: &[u8]) -> Option<Concern> {
        self.look_at_picture(jpeg).await?.concern(age)
    }

    /// Whether a picture, a JPEG, was looked at and may be shown to a reader of this age. None may while the service is away.
    pub async fn lets_picture_pass(&self, age: Option<u32>, jpeg: &[u8]) -> bool {
        let verdict = self.look_at_picture(jpeg).await;
        verdict.is_some_and(|verdict| verdict.concern(age).is_none())
    }

    /// It looks at pictures for violence, self-harm and what is sexual alone.
    async fn look_at_picture(&self, jpeg: &[u8]) -> Option<Verdict> {
        let url = format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg));
        let input = json!([{"type": "image_url", "image_url": {"url": url}}]);
        self.look_at(&input, 1).await?.pop()
    }

    /// Nothing where nobody looks.
    async fn look_at(&self, input: &Value, count: usize) -> Option<Vec<Verdict>> {
        let key = self.api_key.as_ref().filter(|_| !self.is_away())?;
        let log = CallLog::start(PROVIDER, KIND, Some(MODEL), 1);
        match self.ask(key, input, count).await {
            Ok(verdicts) => {
                log.end(None);
                Some(verdicts)
            }
            Err(error) => {
                log.end(Some(&error.kind()));
                *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                tracing::warn!(
                    error = %error,
                    cause = error.source().map(ToString::to_string),
                    "Moderation is away: what users send and models write passes, and no preview is shown"
                );
                None
            }
        }
    }

    /// One verdict is told for each of several texts, and one for a picture.
    async fn ask(
        &self,
        key: &SecretString,
        input: &Value,
        count: usize,
    ) -> Result<Vec<Verdict>, ModerationError> {
        let request = self.http.post(&self.address).timeout(self.patience);
        let (client, request) = request
            .bearer_auth(key.expose_secret())
            .json(&json!({"model": MODEL, "input": input}))
            .build_split();
        let request = request.map_err(ModerationError::Ask)?;
        let begun = Begun::of(PROVIDER, KIND, &request, None);
        let response = client.execute(request).await;
        let response = response.and_then(|response| response.error_for_status());
        let response = response.map_err(ModerationError::Ask)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.map_err(ModerationError::Ask)?;
        if let Some(begun) = begun {
            begun.end(Answered::Whole(raw(status, &headers, body.clone())));
        }
        let Answer { results } = serde_json::from_slice(&body).map_err(ModerationError::Read)?;
        match results.len() == count {
            true => Ok(results),
            false => Err(ModerationError::Incomplete {
                told: results.len(),
                asked: count,
            }),
        }
    }

    fn is_away(&self) -> bool {
        let failed = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|at| at.elapsed() < PAUSE_AFTER_FAILURE)
    }
}

impl Verdict {
    /// The gravest category that is too much for this age.
    fn concern(&self, age: Option<u32>) -> Option<Concern> {
        let column = match age {
            None | Some(0..=7) => 0,
            Some(8..=12) => 1,
            Some(_) => 2,
        };
        let excess = LIMITS.iter().map(|(name, concern, limits)| {
            let is_kind = |category: &str| category.split('/').next() == Some(name);
            let scores = self.category_scores.iter();
            let scores = scores.filter(|(category, _)| is_kind(category));
            let score = scores.filter_map(|(_, score)| *score).fold(0.0, f64::max);
            let mut flags = self.categories.iter();
            let is_flagged = flags.any(|(category, flag)| is_kind(category) && *flag == Some(true));
            let score = if is_flagged { score.max(1.0) } else { score };
            (score / limits[column], *concern)
        });
        let worst = excess.max_by(|(one, _), (other, _)| one.total_cmp(other));
        worst
            .filter(|(excess, _)| *excess >= 1.0)
            .map(|(_, concern)| concern)
    }
}

/// The reader, as refusals speak of one. Where no age is known it is a small child, whose limits hold.
pub fn describe_reader(age: Option<u32>) -> String {
    age.map_or("a small child".to_owned(), |age| {
        format!("a child of {age}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(category: &str, score: f64, flag: bool) -> Verdict {
        serde_json::from_value(json!({"categories": {category: flag, "illicit": null},
            "category_scores": {category: score, "illicit": null}}))
        .expect("a verdict")
    }

    #[test]
    fn what_is_too_much_for_a_small_child_may_be_told_to_a_bigger_one() {
        let found = |verdict: Verdict, age| verdict.concern(age).map(|found| found.reason);
        let wolf = || verdict("violence", 0.6, false);
        let violence = Some(Reason::ModeratedViolence);
        assert_eq!(found(wolf(), Some(5)), violence);
        assert_eq!(found(wolf(), Some(10)), None);
        assert_eq!(found(wolf(), None), violence, "nobody knows how small");
        let flagged = verdict("sexual/minors", 0.01, true);
        assert_eq!(found(flagged, Some(18)), Some(Reason::ModeratedSexual));
        assert_eq!(found(verdict("violence/graphic", 0.1, false), None), None);
    }
}
