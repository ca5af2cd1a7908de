//! Why a command left an asset as it is, so that a page can tell "nothing to do" from "done".

use domain::{AssetStatus, AssetType};
use serde::Serialize;
use std::collections::BTreeMap;
use store::{AssetCommand, AssetEntry};

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

    fn find(command: &AssetCommand, status: Option<AssetStatus>) -> Self {
        use AssetCommand as C;
        use AssetStatus as S;
        let Some(status) = status else {
            return Self::NotRequested;
        };
        match (command, status) {
            (C::Cancel { .. }, status) if status.is_settled() => Self::AlreadySettled,
            (C::Continue { .. }, S::Ready | S::Cancelled | S::Skipped) => Self::NotFailed,
            (_, S::Ready) => Self::AlreadyReady,
            (_, S::Failed) => Self::FailedUseRetry,
            (C::Retry { force: false, .. }, S::Cancelled | S::Skipped) => Self::NotFailed,
            (_, S::Cancelled | S::Skipped) => Self::NotMadeUseGenerate,
            (_, S::Pending | S::Generating | S::Retrying) => Self::BeingMade,
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
    status: Option<AssetStatus>,
    reason: Reason,
}

/// What the command named and is not among `done`. Whoever named nothing and got something is told of that alone; where
/// nothing happened at all, every asset of the story says why.
pub(crate) fn unchanged_assets(
    command: &AssetCommand,
    done: &[AssetType],
    assets: &BTreeMap<AssetType, AssetEntry>,
) -> Vec<Unchanged> {
    let named: Vec<AssetType> = match command.assets() {
        Some(named) => named.to_vec(),
        None if done.is_empty() => assets.keys().copied().collect(),
        None => Vec::new(),
    };
    let left = named.into_iter().filter(|asset| !done.contains(asset));
    left.map(|asset_type| {
        let status = assets.get(&asset_type).map(|entry| entry.status);
        Unchanged {
            asset_type,
            status,
            reason: Reason::find(command, status),
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use store::AssetOptions;

    fn entry(status: &str) -> AssetEntry {
        serde_json::from_value(json!({"status": status, "progress": 0})).unwrap()
    }

    fn retry(assets: Option<&[AssetType]>, force: bool) -> AssetCommand {
        AssetCommand::Retry {
            assets: assets.map(<[_]>::to_vec),
            options: AssetOptions::default(),
            force,
            cascade: true,
        }
    }

    #[test]
    fn every_command_says_why_it_left_an_asset_alone() {
        let assets = vec![AssetType::Audio];
        let options = AssetOptions::default();
        let generate = AssetCommand::Generate {
            assets: assets.clone(),
            options: options.clone(),
        };
        let regenerate = AssetCommand::Regenerate {
            assets: assets.clone(),
            options,
            cascade: true,
        };
        let restore = AssetCommand::Restore {
            asset: AssetType::Audio,
            version: 1,
        };
        let retries = [false, true].map(|force| retry(Some(&assets), force));
        let cancel = AssetCommand::Cancel {
            assets: Some(assets),
        };
        let proceed = AssetCommand::Continue { skip_failed: true };
        for (command, status, reason) in [
            (&generate, "ready", "ALREADY_READY"),
            (&generate, "pending", "BEING_MADE"),
            (&generate, "retrying", "BEING_MADE"),
            (&generate, "failed", "FAILED_USE_RETRY"),
            (&retries[0], "ready", "ALREADY_READY"),
            (&retries[0], "cancelled", "NOT_FAILED"),
            (&retries[1], "generating", "BEING_MADE"),
            (&regenerate, "generating", "BEING_MADE"),
            (&regenerate, "skipped", "NOT_MADE_USE_GENERATE"),
            (&restore, "ready", "ALREADY_READY"),
            (&cancel, "ready", "ALREADY_SETTLED"),
            (&cancel, "cancelled", "ALREADY_SETTLED"),
            (&proceed, "ready", "NOT_FAILED"),
            (&proceed, "generating", "BEING_MADE"),
        ] {
            let assets = BTreeMap::from([(AssetType::Audio, entry(status))]);
            let told = unchanged_assets(command, &[], &assets);
            assert_eq!(
                serde_json::to_value(&told).unwrap(),
                json!([{"assetType": "audio", "status": status, "reason": reason}]),
                "{command:?} {status}"
            );
        }
    }

    #[test]
    fn what_was_never_asked_for_has_no_status_and_what_was_done_is_not_told() {
        let (audio, cover) = (AssetType::Audio, AssetType::Cover);
        let assets = BTreeMap::from([(cover, entry("pending"))]);
        let told = unchanged_assets(&retry(Some(&[audio, cover]), false), &[cover], &assets);
        assert_eq!(
            serde_json::to_value(&told).unwrap(),
            json!([{"assetType": "audio", "reason": "NOT_REQUESTED"}])
        );
        assert!(unchanged_assets(&retry(None, false), &[cover], &assets).is_empty());
        let cancel = AssetCommand::Cancel { assets: None };
        assert_eq!(unchanged_assets(&cancel, &[], &assets).len(), 1);
    }
}
