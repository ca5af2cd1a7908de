//! What assets cost and how long they take, before anybody asks for them.

use domain::{
    AssetType,
    estimate::Medians,
    picture_quality::PictureQuality,
    price::{PICTURE_USD, Price, speech_usd, text_call_usd},
};

/// A price and a time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) usd: f64,
    pub(crate) seconds: u64,
}

/// Letters of the text a prompt asks for: four beats of 70 to 110 words.
const TYPICAL_TEXT_CHARS: u64 = 2_000;
/// Storage and delivery of one book; no provider is asked.
const BOOK_USD: f64 = 0.001;

/// What one asset costs and takes: by our own medians, else by list prices of the calls behind it and documented times.
/// `text_chars` is the length of what would be read aloud, once it is known; a voice is paid by it.
pub(crate) fn estimate(
    asset: AssetType,
    text_chars: Option<u64>,
    quality: PictureQuality,
    medians: &Medians,
) -> Estimate {
    let by_length = text_chars.filter(|_| asset == AssetType::Audio);
    let usd = match (by_length, medians.cost_usd(asset)) {
        (Some(chars), _) => speech_usd(chars),
        (None, Some(usd)) => usd,
        (None, None) => list_price_usd(asset, quality),
    };
    Estimate {
        usd,
        seconds: whole_seconds(medians.seconds(asset)),
    }
}

/// At least one: nothing is made in no time.
pub(crate) fn whole_seconds(seconds: f64) -> u64 {
    seconds.ceil().max(1.0) as u64
}

fn list_price_usd(asset: AssetType, quality: PictureQuality) -> f64 {
    match asset {
        AssetType::Content => text_call_usd(1_500, 2_500),
        // The picture, its scene analysis and its check.
        AssetType::Cover
        | AssetType::Scene1
        | AssetType::Scene2
        | AssetType::Scene3
        | AssetType::Scene4 => {
            let picture = Price::Picture(PICTURE_USD).usd(0, quality.tokens());
            picture + 2.0 * text_call_usd(1_500, 250)
        }
        AssetType::Audio => speech_usd(TYPICAL_TEXT_CHARS),
        AssetType::Activities => text_call_usd(1_200, 900),
        AssetType::Pdf => BOOK_USD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::estimate::Median;

    const MEDIUM: PictureQuality = PictureQuality::Medium;

    #[test]
    fn a_longer_text_costs_more_to_read() {
        let read = |chars| estimate(AssetType::Audio, Some(chars), MEDIUM, &Medians::default());
        let (short, long) = (read(1_000), read(4_000));
        assert!((short.usd - 0.15).abs() < 1e-9);
        assert!(long.usd > short.usd);
    }

    #[test]
    fn a_finer_picture_is_estimated_at_its_own_price() {
        let scene = |quality| estimate(AssetType::Scene1, None, quality, &Medians::default()).usd;
        let more = scene(PictureQuality::High) - scene(MEDIUM);
        assert!((more - 0.1).abs() < 1e-3, "{more}");
    }

    #[test]
    fn what_was_measured_goes_before_the_list_but_for_a_text_whose_length_is_known() {
        let median = |asset_type| Median {
            asset_type,
            seconds: 12.3,
            cost_usd: Some(0.5),
        };
        let medians = Medians::from_iter([median(AssetType::Audio), median(AssetType::Cover)]);
        let cover = estimate(AssetType::Cover, Some(1_000), MEDIUM, &medians);
        assert_eq!((cover.usd, cover.seconds), (0.5, 13));
        assert_eq!(estimate(AssetType::Audio, None, MEDIUM, &medians).usd, 0.5);
        let known = estimate(AssetType::Audio, Some(1_000), MEDIUM, &medians);
        assert!((known.usd - 0.15).abs() < 1e-9);
        let scene = estimate(AssetType::Scene1, None, MEDIUM, &medians);
        assert_eq!(
            scene,
            estimate(AssetType::Scene1, None, MEDIUM, &Medians::default())
        );
    }
}
