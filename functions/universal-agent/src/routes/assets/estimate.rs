//! What assets would cost and how long they would take, asked before they are.

use super::requests::EstimateRequest;
use crate::{
    answer::Answer,
    deps::AppState,
    error::ApiError,
    estimate::{estimate as estimate_asset, whole_seconds},
    extract::{Body, PathStoryId, SignedIn},
    store_error::story_not_found,
};
use axum::extract::State;
use domain::AssetType;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// US dollars and seconds.
#[derive(Serialize)]
struct Cost {
    cost: f64,
    time: u64,
}

/// Sums, as documented; and the seconds that pass when what can be made at once is made at once (C-41).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Total {
    cost: f64,
    time: u64,
    critical_path_time: u64,
}

#[derive(Serialize)]
pub(crate) struct Estimates {
    estimates: BTreeMap<AssetType, Cost>,
    total: Total,
    tier: String,
    /// The caller's plan covers all of it.
    included: bool,
}

/// `POST …/assets/estimate`: changes nothing.
pub(crate) async fn estimate(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathStoryId(id): PathStoryId,
    Body(EstimateRequest { assets }): Body<EstimateRequest>,
) -> Result<Answer<Estimates>, ApiError> {
    let store = &deps.store;
    let quality = deps.config.picture_quality;
    let medians = async { Ok(deps.medians().await) };
    let (story, usage, medians) = tokio::try_join!(
        store.story(caller.user_id, id),
        store.user_usage(&caller),
        medians
    )?;
    let story = story.ok_or_else(story_not_found)?;
    let text_chars = text_chars(&story.content);

    let each = assets.iter().map(|asset| {
        (
            *asset,
            estimate_asset(*asset, text_chars, quality, &medians),
        )
    });
    let estimates: BTreeMap<_, _> = each
        .map(|(asset, estimate)| {
            let cost = tenths_of_a_cent(estimate.usd);
            let time = estimate.seconds;
            (asset, Cost { cost, time })
        })
        .collect();
    let total = Total {
        cost: tenths_of_a_cent(estimates.values().map(|one| one.cost).sum()),
        time: estimates.values().map(|one| one.time).sum(),
        critical_path_time: whole_seconds(medians.critical_path_seconds(&assets)),
    };
    let included = assets.iter().all(|asset| usage.asset_types.contains(asset));
    Ok(Answer::ok(Estimates {
        estimates,
        total,
        tier: usage.tier,
        included,
    }))
}

/// Characters that would be read aloud, once there is a text.
fn text_chars(content: &Value) -> Option<u64> {
    let beats = content["beats"].as_array()?.iter();
    let texts = beats.filter_map(|beat| beat["text"].as_str());
    Some(texts.map(|text| text.chars().count() as u64).sum())
}

fn tenths_of_a_cent(usd: f64) -> f64 {
    (usd * 1_000.0).ceil() / 1_000.0
}
