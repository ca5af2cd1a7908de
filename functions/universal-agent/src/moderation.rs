//! A user's words before anything is made of them: what does not belong in a child's story is refused while it costs nothing.

use crate::error::{ApiError, Code};
use domain::request::NewStory;
use reqwest::Client;
use runtime::chain;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, Instant},
};
use url::Url;

/// OpenAI's `POST /moderations` (contract: the provider's OpenAPI document), which is not billed. It is not the last door:
/// what is made of the words meets the providers' own filters, and each picture its check. So a service that is away holds
/// nobody up.
pub struct Moderation {
    address: String,
    api_key: Option<SecretString>,
    http: Client,
    failed: Mutex<Option<Instant>>,
}

/// A field by the name its sender knows, and what it says.
pub(crate) type Words = (String, String);

const MODEL: &str = "omni-moderation-latest";
/// Longest a request waits for it.
const PATIENCE: Duration = Duration::from_millis(800);
/// A service that did not answer is not waited for by every request that follows.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);
/// From which score on a category is refused: for readers up to 7, and where nobody says how old they are; up to 12; above. A tale may have a wolf in it, so
/// violence is let pass furthest. Kinds of a category (`violence/graphic`) go by its name.
const LIMITS: [(&str, &str, [f64; 3]); 6] = [
    ("harassment", "being cruel to others", [0.5, 0.6, 0.8]),
    ("hate", "hatred of people", [0.3, 0.4, 0.6]),
    ("illicit", "something against the law", [0.4, 0.5, 0.7]),
    ("self-harm", "people who hurt themselves", [0.2, 0.3, 0.5]),
    ("sexual", "something for adults", [0.15, 0.2, 0.3]),
    ("violence", "violence", [0.5, 0.65, 0.8]),
];

#[derive(Deserialize)]
struct Answer {
    results: Vec<Verdict>,
}

/// Of one string. A category that a model does not know may be null.
#[derive(Deserialize)]
struct Verdict {
    #[serde(default)]
    categories: BTreeMap<String, Option<bool>>,
    #[serde(default)]
    category_scores: BTreeMap<String, Option<f64>>,
}

#[derive(Debug, thiserror::Error)]
enum ModerationError {
    #[error("could not ask OpenAI about the words of a request")]
    Ask(#[source] reqwest::Error),
    #[error("OpenAI told {told} verdicts of {asked} texts")]
    Incomplete { told: usize, asked: usize },
}

impl Moderation {
    /// Without a key nothing is asked, and nothing refused.
    pub fn new(base_url: &Url, api_key: Option<SecretString>, http: Client) -> Self {
        let base = base_url.as_str().trim_end_matches('/');
        Self {
            address: format!("{base}/moderations"),
            api_key,
            http,
            failed: Mutex::default(),
        }
    }

    /// Refuses words that do not belong in a story for a reader of this age, in years, and says which and why.
    pub(crate) async fn check(&self, age: Option<u32>, words: &[Words]) -> Result<(), ApiError> {
        let Some(key) = self.api_key.as_ref().filter(|_| !words.is_empty()) else {
            return Ok(());
        };
        if self.is_away() {
            return Ok(());
        }
        let began = Instant::now();
        let asked = self.ask(key, words).await;
        let outcome = if asked.is_ok() {
            "delivered"
        } else {
            "unavailable"
        };
        let took = began.elapsed().as_millis() as u64;
        tracing::info!(
            provider = "openai",
            kind = "moderation",
            model = MODEL,
            attempt = 1,
            durationMs = took,
            outcome,
            "Provider called"
        );
        let verdicts = match asked {
            Ok(verdicts) => verdicts,
            Err(error) => {
                *self.failed.lock().expect("no holder panics") = Some(Instant::now());
                tracing::warn!(
                    error = chain(&error),
                    "Words of a request could not be looked at, letting them pass"
                );
                return Ok(());
            }
        };
        let found = words.iter().zip(&verdicts);
        let unsafe_words: Vec<_> = found
            .filter_map(|((field, _), verdict)| Some((field.as_str(), verdict.reason(age)?)))
            .collect();
        match unsafe_words.is_empty() {
            true => Ok(()),
            false => Err(refusal(age, &unsafe_words)),
        }
    }

    async fn ask(
        &self,
        key: &SecretString,
        words: &[Words],
    ) -> Result<Vec<Verdict>, ModerationError> {
        let texts: Vec<_> = words.iter().map(|(_, text)| text).collect();
        let request = self.http.post(&self.address).timeout(PATIENCE);
        let response = request
            .bearer_auth(key.expose_secret())
            .json(&json!({"model": MODEL, "input": texts}))
            .send()
            .await
            .and_then(|response| response.error_for_status())
            .map_err(ModerationError::Ask)?;
        let Answer { results } = response.json().await.map_err(ModerationError::Ask)?;
        match results.len() == words.len() {
            true => Ok(results),
            false => Err(ModerationError::Incomplete {
                told: results.len(),
                asked: words.len(),
            }),
        }
    }

    fn is_away(&self) -> bool {
        let failed = *self.failed.lock().expect("no holder panics");
        failed.is_some_and(|at| at.elapsed() < PAUSE_AFTER_FAILURE)
    }
}

impl Verdict {
    /// The gravest category that is too much for this age, in words for a parent.
    fn reason(&self, age: Option<u32>) -> Option<&'static str> {
        let column = match age {
            None | Some(0..=7) => 0,
            Some(8..=12) => 1,
            Some(_) => 2,
        };
        let excess = LIMITS.iter().map(|(name, words, limits)| {
            let is_kind = |category: &str| category.split('/').next() == Some(name);
            let scores = self.category_scores.iter();
            let scores = scores.filter(|(category, _)| is_kind(category));
            let score = scores.filter_map(|(_, score)| *score).fold(0.0, f64::max);
            let mut flags = self.categories.iter();
            let is_flagged = flags.any(|(category, flag)| is_kind(category) && *flag == Some(true));
            let score = if is_flagged { score.max(1.0) } else { score };
            (score / limits[column], *words)
        });
        let worst = excess.max_by(|(one, _), (other, _)| one.total_cmp(other));
        worst
            .filter(|(excess, _)| *excess >= 1.0)
            .map(|(_, words)| words)
    }
}

fn refusal(age: Option<u32>, found: &[(&str, &'static str)]) -> ApiError {
    let reader = age.map_or("a small child".to_owned(), |age| {
        format!("a child of {age}")
    });
    let sentence = |(field, reason): &(&str, &str)| {
        format!("{field} speaks of {reason}, which does not belong in a story for {reader}")
    };
    let sentences: Vec<_> = found.iter().map(sentence).collect();
    let fields: Vec<Value> = found
        .iter()
        .map(|one| json!({"field": one.0, "message": sentence(one)}))
        .collect();
    let message = format!("{}. Please find other words.", sentences.join("; "));
    let first = found.first().map(|(field, _)| field);
    ApiError::new(Code::UnsafeContent, message).with_data(json!({"field": first, "fields": fields}))
}

/// All that a wish for a story says in the user's own words.
pub(crate) fn words_of_story(story: &NewStory) -> Vec<Words> {
    let themes = story
        .themes()
        .iter()
        .map(|theme| ("themes", theme.as_str()));
    let single = [
        ("title", story.title()),
        ("idea", story.idea()),
        ("story_type", Some(story.story_type())),
        ("style", story.style()),
    ];
    let single = single
        .into_iter()
        .filter_map(|(field, text)| Some((field, text?)));
    let words = single.chain(themes);
    words
        .map(|(field, text)| (field.to_owned(), text.to_owned()))
        .collect()
}

/// All that a character, or a change of one, says in the user's own words: name, kind, looks, personality.
pub(crate) fn words_of_character(character: &Value) -> Vec<Words> {
    let mut words = Vec::new();
    for field in ["name", "species"] {
        if let Some(text) = character[field].as_str() {
            words.push((field.to_owned(), text.to_owned()));
        }
    }
    for (part, look) in character["appearance"].as_object().into_iter().flatten() {
        let look = look.as_str().unwrap_or_default();
        words.push((format!("appearance.{part}"), format!("{part}: {look}")));
    }
    for trait_of_mind in character["personality"].as_array().into_iter().flatten() {
        let text = trait_of_mind.as_str().unwrap_or_default();
        words.push(("personality".to_owned(), text.to_owned()));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(category: &str, score: f64, flag: bool) -> Verdict {
        serde_json::from_value(json!({"categories": {category: flag, "illicit": null},
            "category_scores": {category: score, "illicit": null}}))
        .unwrap()
    }

    #[test]
    fn what_is_too_much_for_a_small_child_may_be_told_to_a_bigger_one() {
        let wolf = verdict("violence", 0.6, false);
        assert_eq!(wolf.reason(Some(5)), Some("violence"));
        assert_eq!(wolf.reason(Some(10)), None);
        assert_eq!(
            wolf.reason(None),
            Some("violence"),
            "nobody knows how small"
        );
        let flagged = verdict("sexual/minors", 0.01, true);
        assert_eq!(flagged.reason(Some(18)), Some("something for adults"));
        assert_eq!(verdict("violence/graphic", 0.1, false).reason(None), None);
    }
}
