//! Why a verb left an asset as it is, so that a page can tell "nothing to do" from "done".

use domain::AssetType;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a user asks of an existing story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Generate,
    Retry,
    /// Retry of settled assets of any kind.
    RetryForced,
    Regenerate,
    Continue,
    Cancel,
    Narrate,
}

impl Verb {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Retry | Self::RetryForced => "retry",
            Self::Regenerate => "regenerate",
            Self::Continue => "continue",
            Self::Cancel => "cancel",
            Self::Narrate => "narrate",
        }
    }
}

/// Why nothing happened to an asset; the same list stands in `openapi.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Reason {
    /// It is there: `regenerate` makes another.
    AlreadyReady,
    /// It is ready, failed, cancelled or skipped: there is nothing to stop.
    AlreadySettled,
    /// It is being made, or waits for its turn.
    BeingMade,
    /// It failed: `retry` tries again.
    FailedUseRetry,
    /// It did not fail: `generate` makes what was cancelled or skipped.
    NotFailed,
    /// It was cancelled or skipped: `generate` makes it.
    NotMadeUseGenerate,
    /// This story was never asked for it: `generate` makes it.
    NotRequested,
}

impl Reason {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 7] = [
        Self::AlreadyReady,
        Self::AlreadySettled,
        Self::BeingMade,
        Self::FailedUseRetry,
        Self::NotFailed,
        Self::NotMadeUseGenerate,
        Self::NotRequested,
    ];

    fn of(verb: Verb, status: Option<&str>) -> Self {
        match (verb, status) {
            (_, None) => Self::NotRequested,
            (Verb::Cancel, Some("ready" | "failed" | "cancelled" | "skipped")) => {
                Self::AlreadySettled
            }
            (Verb::Continue, Some("ready" | "cancelled" | "skipped")) => Self::NotFailed,
            (_, Some("ready")) => Self::AlreadyReady,
            (_, Some("failed")) => Self::FailedUseRetry,
            (Verb::Retry, Some("cancelled" | "skipped")) => Self::NotFailed,
            (_, Some("cancelled" | "skipped")) => Self::NotMadeUseGenerate,
            (_, Some(_)) => Self::BeingMade,
        }
    }
}

/// An asset that was asked for and stayed as it was.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Unchanged {
    asset_type: AssetType,
    /// As in `asset_generation_status`; absent when the story was never asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    reason: Reason,
}

/// What of `asked` is not among `done`. Whoever named nothing and got something is told of that alone; where nothing
/// happened at all, every asset of the story says why.
pub(crate) fn unchanged(
    verb: Verb,
    asked: Option<&[AssetType]>,
    done: &[AssetType],
    assets: &BTreeMap<AssetType, serde_json::Value>,
) -> Vec<Unchanged> {
    let asked: Vec<AssetType> = match asked {
        Some(asked) => asked.to_vec(),
        None if done.is_empty() => assets.keys().copied().collect(),
        None => Vec::new(),
    };
    let left = asked.into_iter().filter(|asset| !done.contains(asset));
    left.map(|asset_type| {
        let status = assets
            .get(&asset_type)
            .and_then(|entry| entry["status"].as_str());
        Unchanged {
            asset_type,
            status: status.map(str::to_owned),
            reason: Reason::of(verb, status),
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_verb_says_why_it_left_an_asset_alone() {
        for (verb, status, reason) in [
            (Verb::Generate, "ready", "ALREADY_READY"),
            (Verb::Generate, "pending", "BEING_MADE"),
            (Verb::Generate, "retrying", "BEING_MADE"),
            (Verb::Generate, "failed", "FAILED_USE_RETRY"),
            (Verb::Narrate, "ready", "ALREADY_READY"),
            (Verb::Retry, "ready", "ALREADY_READY"),
            (Verb::Retry, "cancelled", "NOT_FAILED"),
            (Verb::RetryForced, "generating", "BEING_MADE"),
            (Verb::Regenerate, "generating", "BEING_MADE"),
            (Verb::Regenerate, "skipped", "NOT_MADE_USE_GENERATE"),
            (Verb::Cancel, "ready", "ALREADY_SETTLED"),
            (Verb::Cancel, "cancelled", "ALREADY_SETTLED"),
            (Verb::Continue, "ready", "NOT_FAILED"),
            (Verb::Continue, "generating", "BEING_MADE"),
        ] {
            let assets = BTreeMap::from([(AssetType::Audio, json!({"status": status}))]);
            let told = unchanged(verb, Some(&[AssetType::Audio]), &[], &assets);
            assert_eq!(
                serde_json::to_value(&told).unwrap(),
                json!([{"assetType": "audio", "status": status, "reason": reason}]),
                "{verb:?} {status}"
            );
        }
    }

    #[test]
    fn what_was_never_asked_for_has_no_status_and_what_was_done_is_not_told() {
        let (audio, cover) = (AssetType::Audio, AssetType::Cover);
        let assets = BTreeMap::from([(cover, json!({"status": "pending"}))]);
        let told = unchanged(Verb::Retry, Some(&[audio, cover]), &[cover], &assets);
        assert_eq!(
            serde_json::to_value(&told).unwrap(),
            json!([{"assetType": "audio", "reason": "NOT_REQUESTED"}])
        );
        assert!(unchanged(Verb::Retry, None, &[cover], &assets).is_empty());
        assert_eq!(unchanged(Verb::Cancel, None, &[], &assets).len(), 1);
    }
}
