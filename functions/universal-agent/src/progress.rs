//! How far a story is, as one figure, and when each asset will be there.

use domain::{
    AssetStatus, AssetType,
    estimate::{Medians, share_after_text, share_of_text_needed},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use store::AssetEntry;

/// The assets of a story as their entries stand in `asset_generation_status`.
pub(crate) type Assets = BTreeMap<AssetType, AssetEntry>;

/// 0 to 100: each asset counts as much as it usually takes. 100 only when nothing is left to wait for; a story that was
/// cancelled before it had a text is as far as it came.
pub(crate) fn percent(assets: &Assets, medians: &Medians) -> u64 {
    let text = assets.get(&AssetType::Content);
    let is_cancelled = text.is_some_and(|text| text.status == AssetStatus::Cancelled);
    let mut done = 0;
    let mut all = 0;
    for (asset, entry) in assets {
        let weight = (medians.seconds(*asset) * 1_000.0).max(1.0) as u64;
        let progress = match entry.status.is_settled() && !is_cancelled {
            true => 100,
            false => u64::from(entry.progress).min(99),
        };
        done += weight * progress;
        all += weight;
    }
    done.checked_div(all).unwrap_or(0)
}

/// When an unsettled asset will be there if everything takes as long as usual; never in the past.
pub(crate) fn expect(
    asset: AssetType,
    assets: &Assets,
    medians: &Medians,
    now: Timestamp,
) -> Option<Timestamp> {
    let entry = assets
        .get(&asset)
        .filter(|entry| !entry.status.is_settled())?;
    let takes = medians.seconds(asset);
    let text = match asset {
        AssetType::Content => None,
        _ => expect(AssetType::Content, assets, medians, now),
    };
    // As much of the text as it needs is written sooner than all of it.
    let text_still_takes =
        medians.seconds(AssetType::Content) * (1.0 - share_of_text_needed(asset));
    let text_needed = text.map(|end| end - SignedDuration::from_secs_f64(text_still_takes));
    let others = asset
        .inputs()
        .iter()
        .filter(|input| **input != AssetType::Content);
    let others = others.filter_map(|input| expect(*input, assets, medians, now));
    let inputs_ready = others.chain(text_needed).max();
    let began = match (entry.status, &entry.started_at) {
        (AssetStatus::Generating, Some(moment)) => moment.parse().ok(),
        _ => None,
    };
    let begins: Timestamp = began.or(inputs_ready).unwrap_or(now);
    let seconds = SignedDuration::from_secs_f64;
    let after_text = text.map(|end| end + seconds(takes * share_after_text(asset)));
    let soonest = now + SignedDuration::from_secs(1);
    let end = begins + seconds(takes);
    Some(after_text.map_or(end, |after| end.max(after)).max(soonest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::estimate::Median;
    use serde_json::{Value, json};

    fn assets<const N: usize>(entries: [(AssetType, Value); N]) -> Assets {
        entries
            .map(|(asset, entry)| (asset, serde_json::from_value(entry).unwrap()))
            .into()
    }

    #[test]
    fn a_story_is_at_a_hundred_only_when_nothing_is_left_to_wait_for() {
        let ready = json!({"status": "ready", "progress": 100});
        let almost = json!({"status": "generating", "progress": 100});
        let failed = json!({"status": "failed", "progress": 40});
        let (text, book) = (AssetType::Content, AssetType::Pdf);
        let documented = Medians::default();
        assert_eq!(
            percent(
                &assets([(text, ready.clone()), (book, failed)]),
                &documented
            ),
            100
        );
        assert!(percent(&assets([(text, ready), (book, almost)]), &documented) < 100);
        assert_eq!(percent(&Assets::new(), &documented), 0);
        let cancelled = json!({"status": "cancelled", "progress": 0});
        let cancelled = assets([(text, cancelled.clone()), (book, cancelled)]);
        assert_eq!(percent(&cancelled, &documented), 0);
    }

    #[test]
    fn what_waits_is_expected_after_what_it_waits_for() {
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let assets = assets([
            (
                AssetType::Cover,
                json!({"status": "generating", "progress": 50, "startedAt": "2026-01-01T11:59:50+00:00"}),
            ),
            (
                AssetType::Scene1,
                json!({"status": "pending", "progress": 0}),
            ),
            (
                AssetType::Audio,
                json!({"status": "ready", "progress": 100}),
            ),
        ]);
        let documented = Medians::default();
        let at = |asset| expect(asset, &assets, &documented, now).map(|moment| moment.to_string());
        assert_eq!(at(AssetType::Cover).unwrap(), "2026-01-01T12:00:28Z");
        assert_eq!(at(AssetType::Scene1).unwrap(), "2026-01-01T12:01:06Z");
        assert_eq!(at(AssetType::Audio), None);
        let text = (
            AssetType::Content,
            json!({"status": "generating", "progress": 0, "startedAt": "2026-01-01T12:00:00Z"}),
        );
        let cover = (
            AssetType::Cover,
            json!({"status": "pending", "progress": 0}),
        );
        let beginning = self::assets([text, cover]);
        let cover =
            expect(AssetType::Cover, &beginning, &documented, now).map(|moment| moment.to_string());
        assert_eq!(
            cover.unwrap(),
            "2026-01-01T12:00:47Z",
            "from the outline, after 9 s"
        );
        let late = now + SignedDuration::from_secs(3600);
        assert!(expect(AssetType::Cover, &assets, &documented, late).unwrap() > late);
        let quick = Medians::from_iter([Median {
            asset_type: AssetType::Cover,
            seconds: 14.0,
            cost_usd: None,
        }]);
        let soon = expect(AssetType::Cover, &assets, &quick, now).unwrap();
        assert_eq!(soon.to_string(), "2026-01-01T12:00:04Z");
    }
}
