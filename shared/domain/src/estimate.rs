//! How long assets take and what they cost, before they are made: by our own medians, and by the documented figures for
//! assets of which too few were made yet (C-41).

use crate::{AssetType, asset::TextNeeded, story::BEATS};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The middle of what was made of late.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Median {
    pub asset_type: AssetType,
    /// From the start of the attempt that brought it to its end.
    pub seconds: f64,
    /// US dollars of all billed calls for it; `None` where none is billed.
    pub cost_usd: Option<f64>,
}

/// The medians there are; none at first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Medians(BTreeMap<AssetType, Median>);

impl FromIterator<Median> for Medians {
    fn from_iter<I: IntoIterator<Item = Median>>(medians: I) -> Self {
        let by_asset = |median: Median| (median.asset_type, median);
        Self(medians.into_iter().map(by_asset).collect())
    }
}

impl Medians {
    /// Seconds an asset takes once it has begun.
    pub fn seconds(&self, asset: AssetType) -> f64 {
        self.0
            .get(&asset)
            .map_or_else(|| documented_seconds(asset), |median| median.seconds)
    }

    /// US dollars an asset costs by our own measure.
    pub fn cost_usd(&self, asset: AssetType) -> Option<f64> {
        self.0.get(&asset)?.cost_usd
    }

    /// Seconds until the last of these is there when all that can be made at once is made at once. What is not among them
    /// is taken to be there.
    pub fn critical_path_seconds(&self, assets: &[AssetType]) -> f64 {
        let ends = assets.iter().map(|asset| self.end(*asset, assets));
        ends.fold(0.0, f64::max)
    }

    fn end(&self, asset: AssetType, assets: &[AssetType]) -> f64 {
        let takes = match assets.contains(&asset) {
            true => self.seconds(asset),
            false => 0.0,
        };
        let inputs = asset.inputs().iter().map(|input| match input {
            AssetType::Content => self.end(*input, assets) * share_of_text_needed(asset),
            input => self.end(*input, assets),
        });
        let end = inputs.fold(0.0, f64::max) + takes;
        match asset {
            AssetType::Content => end,
            _ => end.max(self.end(AssetType::Content, assets) + takes * share_after_text(asset)),
        }
    }
}

/// The share of its text that is written when an asset may be begun: outline and beats come evenly.
pub const fn share_of_text_needed(asset: AssetType) -> f64 {
    match asset.text_needed() {
        Some(TextNeeded::Outline) => 0.2,
        Some(TextNeeded::Beat) => 0.4,
        Some(TextNeeded::Whole) | None => 1.0,
    }
}

/// The share of an asset that can only be made once its text is whole: the last beat of four is recorded then.
pub const fn share_after_text(asset: AssetType) -> f64 {
    match asset.text_needed() {
        Some(TextNeeded::Beat) => 1.0 / BEATS as f64,
        Some(TextNeeded::Outline | TextNeeded::Whole) | None => 0.0,
    }
}

/// Seconds an asset takes once it has begun: the middle of the documented timings (S1, "Timing Breakdown"), but the book by
/// our own measure.
pub const fn documented_seconds(asset: AssetType) -> f64 {
    match asset {
        AssetType::Content => 45.0,
        AssetType::Cover
        | AssetType::Scene1
        | AssetType::Scene2
        | AssetType::Scene3
        | AssetType::Scene4 => 38.0,
        AssetType::Audio => 68.0,
        AssetType::Activities => 15.0,
        AssetType::Pdf => 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(medians: &Medians, assets: &[AssetType]) -> f64 {
        medians.critical_path_seconds(assets)
    }

    #[test]
    fn the_critical_path_of_everything_is_outline_cover_scene_book() {
        let documented = Medians::default();
        assert_eq!(path(&documented, &AssetType::ALL), 9.0 + 38.0 + 38.0 + 2.0);
        let slow_voice = Median {
            asset_type: AssetType::Audio,
            seconds: 100.0,
            cost_usd: None,
        };
        let medians = Medians::from_iter([slow_voice]);
        assert_eq!(path(&medians, &AssetType::ALL), 18.0 + 100.0);
    }

    #[test]
    fn nothing_is_there_before_the_text_it_was_begun_from() {
        let quick = |asset_type, seconds| Median {
            asset_type,
            seconds,
            cost_usd: None,
        };
        let (text, cover, audio) = (AssetType::Content, AssetType::Cover, AssetType::Audio);
        let medians = Medians::from_iter([quick(cover, 5.0), quick(audio, 8.0)]);
        assert_eq!(path(&medians, &[text, cover]), 45.0);
        assert_eq!(path(&medians, &[text, audio]), 45.0 + 2.0);
    }

    #[test]
    fn what_runs_side_by_side_takes_as_long_as_the_longest() {
        let documented = Medians::default();
        let (audio, cover, book) = (AssetType::Audio, AssetType::Cover, AssetType::Pdf);
        assert_eq!(path(&documented, &[audio, cover]), 68.0);
        assert_eq!(path(&documented, &[cover, book]), 40.0);
        assert_eq!(path(&documented, &[]), 0.0);
    }

    #[test]
    fn a_median_goes_before_the_documented_figure_of_its_asset_alone() {
        let read = r#"[{"assetType": "cover", "seconds": 21.5, "costUsd": 0.05}]"#;
        let medians: Vec<Median> = serde_json::from_str(read).unwrap();
        let medians = Medians::from_iter(medians);
        assert_eq!(medians.seconds(AssetType::Cover), 21.5);
        assert_eq!(medians.cost_usd(AssetType::Cover), Some(0.05));
        assert_eq!(medians.seconds(AssetType::Scene1), 38.0);
        assert_eq!(medians.cost_usd(AssetType::Scene1), None);
    }
}
