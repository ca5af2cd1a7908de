//! What was found of every picture that was looked at: kept with the job, and shown to the owner as `metadata.validation`.

use super::check::Verdict;
use crate::trait_strictness::{Strictness, TraitStrictness};
use domain::traits::Trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One picture that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    /// Which of the tries it was, from 1.
    pub(super) attempt: u32,
    pub(super) passed: bool,
    pub(super) safe: bool,
    /// Codes of the traits that were asked for and answered, and whether each is shown.
    pub(super) traits: BTreeMap<String, bool>,
    /// Those among them for which a picture is drawn again, and which the last may lack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) wanted: Vec<String>,
    /// What to change, on one line so that it cannot open one of a prompt.
    pub(super) feedback: String,
    /// Who drew it; nobody knows of a picture that an earlier attempt left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    /// Of the drawing, US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cost_usd: Option<f64>,
}

/// Who drew a picture, and for how much.
#[derive(Clone, Debug, Default)]
pub(super) struct Purchase {
    pub(super) model: Option<String>,
    pub(super) cost_usd: Option<f64>,
}

impl Finding {
    pub(super) fn new(
        attempt: u32,
        verdict: Verdict,
        asked: impl Iterator<Item = Trait>,
        strictness: &TraitStrictness,
        purchase: Purchase,
    ) -> Self {
        let mut traits = BTreeMap::new();
        let mut wanted = Vec::new();
        for known in asked {
            let mut checks = verdict.checks.iter();
            if let Some(check) = checks.find(|check| check.words == known.description()) {
                if strictness.of(known) == Strictness::Wanted {
                    wanted.push(known.code().to_owned());
                }
                traits.insert(known.code().to_owned(), check.present);
            }
        }
        let words: Vec<_> = verdict.feedback.split_whitespace().collect();
        Self {
            attempt,
            passed: verdict.passed && verdict.safe && traits.values().all(|present| *present),
            safe: verdict.safe,
            traits,
            wanted,
            feedback: words.join(" "),
            model: purchase.model,
            cost_usd: purchase.cost_usd,
        }
    }

    /// Nothing is wrong with it but that it lacks what is wanted and not required.
    pub(super) fn lacks_only_what_is_wanted(&self) -> bool {
        let mut missing = self.traits.iter().filter(|(_, present)| !**present);
        self.safe
            && !self.passed
            && self.traits_shown() < self.traits.len()
            && missing.all(|(code, _)| self.wanted.contains(code))
    }

    /// Codes of the traits that are not shown.
    pub(super) fn missing(&self) -> String {
        let missing = self.traits.iter().filter(|(_, present)| !**present);
        let codes: Vec<_> = missing.map(|(code, _)| code.as_str()).collect();
        codes.join(",")
    }

    pub(super) fn traits_shown(&self) -> usize {
        self.traits.values().filter(|present| **present).count()
    }
}

/// `metadata.validation` of an asset.
pub(super) fn validation<'a>(findings: impl Iterator<Item = &'a Finding>) -> Value {
    let tries: Vec<_> = findings.collect();
    json!({"passed": tries.last().is_some_and(|last| last.passed), "tries": tries})
}
