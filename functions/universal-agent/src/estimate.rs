//! What assets cost and how long they take, before anybody asks for them.

use domain::{
    AssetType,
    price::{PICTURE_USD, speech_usd, text_call_usd},
};

/// A price and a time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) usd: f64,
    pub(crate) seconds: u64,
}

/// Letters of the text a prompt asks for: four beats of 70 to 110 words.
pub(crate) const TYPICAL_TEXT_CHARS: u64 = 2_000;
/// Storage and delivery of one book; no provider is asked.
const BOOK_USD: f64 = 0.001;

/// Seconds an asset takes once it has begun: the middle of the documented timings (001, "Timing Breakdown"), but the book
/// by our own measure.
pub(crate) const fn typical_seconds(asset: AssetType) -> u64 {
    match asset {
        AssetType::Content => 45,
        AssetType::Cover
        | AssetType::Scene1
        | AssetType::Scene2
        | AssetType::Scene3
        | AssetType::Scene4 => 38,
        AssetType::Audio => 68,
        AssetType::Activities => 15,
        AssetType::Pdf => 2,
    }
}

/// List prices of the calls behind one asset; `text_chars` is the length of what would be read aloud.
pub(crate) fn estimate(asset: AssetType, text_chars: u64) -> Estimate {
    let usd = match asset {
        AssetType::Content => text_call_usd(1_500, 2_500),
        // The picture, its scene analysis and its check.
        AssetType::Cover
        | AssetType::Scene1
        | AssetType::Scene2
        | AssetType::Scene3
        | AssetType::Scene4 => PICTURE_USD + 2.0 * text_call_usd(1_500, 250),
        AssetType::Audio => speech_usd(text_chars),
        AssetType::Activities => text_call_usd(1_200, 900),
        AssetType::Pdf => BOOK_USD,
    };
    Estimate {
        usd,
        seconds: typical_seconds(asset),
    }
}

/// Seconds until the last of these is there when all that can be made at once is made at once. What is not among them is
/// taken to be there.
pub(crate) fn critical_path_seconds(assets: &[AssetType]) -> u64 {
    fn finish_seconds(asset: AssetType, assets: &[AssetType]) -> u64 {
        let inputs = asset.inputs().iter();
        let begun = inputs
            .map(|input| finish_seconds(*input, assets))
            .max()
            .unwrap_or(0);
        let takes = if assets.contains(&asset) {
            typical_seconds(asset)
        } else {
            0
        };
        begun + takes
    }
    let ends = assets.iter().map(|asset| finish_seconds(*asset, assets));
    ends.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_critical_path_of_everything_is_text_cover_scene_book() {
        assert_eq!(critical_path_seconds(&AssetType::ALL), 45 + 38 + 38 + 2);
    }

    #[test]
    fn what_runs_side_by_side_takes_as_long_as_the_longest() {
        assert_eq!(
            critical_path_seconds(&[AssetType::Audio, AssetType::Cover]),
            68
        );
        assert_eq!(
            critical_path_seconds(&[AssetType::Cover, AssetType::Pdf]),
            40
        );
        assert_eq!(critical_path_seconds(&[]), 0);
    }

    #[test]
    fn a_longer_text_costs_more_to_read() {
        let (short, long) = (
            estimate(AssetType::Audio, 1_000),
            estimate(AssetType::Audio, 4_000),
        );
        assert!((short.usd - 0.15).abs() < 1e-9);
        assert!(long.usd > short.usd);
    }
}
