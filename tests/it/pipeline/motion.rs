//! While a provider works, whoever watches the story sees every asset move.

use super::demo;
use crate::stack::own;
use serde_json::json;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// What the row shows of the assets that are being made.
async fn shown(pool: &sqlx::PgPool, story: &str) -> (bool, BTreeMap<String, i64>) {
    let status: serde_json::Value = sqlx::query_scalar(
        "select asset_generation_status from public.stories where id = $1::uuid",
    )
    .bind(story)
    .fetch_one(pool)
    .await
    .expect("the story");
    let assets = status["assets"].as_object().expect("assets").iter();
    let being_made = assets
        .filter(|(_, asset)| asset["status"] == "generating")
        .map(|(name, asset)| (name.clone(), asset["progress"].as_i64().expect("percent")))
        .collect();
    (status["overall"] == "generating", being_made)
}

#[test]
fn every_asset_moves_every_three_seconds_while_a_provider_works_and_never_back() {
    let shared = own("motion", |options| {
        options.latency = Some("text=6500,image=9500,speech=12500".to_owned());
    });
    shared.run(async {
        let user = demo(&shared);
        let hero = shared.stack().variable("DEMO_CHARACTER_ID");
        let wish = json!({"character_ids": [hero], "story_type": "adventure", "themes": [],
            "assetTypes": ["cover", "audio"]});
        let story = user.api.create_story(&wish).await.expect("a story");
        let id = story["id"].as_str().expect("an id").to_owned();
        let pool = shared.stack().pool();

        let mut seen: BTreeMap<String, (i64, Instant)> = BTreeMap::new();
        let mut longest: BTreeMap<String, Duration> = BTreeMap::new();
        loop {
            let (goes_on, now) = shown(pool, &id).await;
            seen.retain(|asset, _| now.contains_key(asset));
            for (asset, percent) in now {
                assert!(percent <= 95, "{asset} is at {percent} without a result");
                let (before, since) = *seen
                    .entry(asset.clone())
                    .or_insert((percent, Instant::now()));
                assert!(percent >= before, "{asset} went from {before} to {percent}");
                let still = longest.entry(asset.clone()).or_default();
                *still = (*still).max(since.elapsed());
                if percent > before {
                    seen.insert(asset, (percent, Instant::now()));
                }
            }
            if !goes_on {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(
            longest.len() >= 3,
            "text, cover and voice were watched: {longest:?}"
        );
        for (asset, still) in longest {
            // A tenth for the round trip and for looking.
            assert!(
                still <= Duration::from_millis(3_300),
                "{asset} stood still for {still:?}"
            );
        }
        let story = user.settled(&id).await;
        assert_eq!(story["asset_generation_status"]["overall"], "ready");
    });
}
