//! What is read from rows.

use super::*;
use serde_json::json;

#[test]
fn an_entry_of_the_status_keeps_all_it_holds_and_a_status_nobody_knows_is_refused() {
    let entry = json!({"status": "ready", "progress": 100, "url": "https://cdn.example.com/a.png", "version": 2,
        "startedAt": "2026-01-01T00:00:00+00:00", "metadata": {"motif": "lamp"}});
    let read: AssetEntry = serde_json::from_value(entry.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), entry);
    let status = |overall: &str, asset: &str| {
        let assets = json!({"cover": {"status": asset, "progress": 0}});
        serde_json::from_value::<AssetGenerationStatus>(
            json!({"overall": overall, "assets": assets}),
        )
    };
    assert!(status("generating", "pending").is_ok());
    assert!(status("generating", "dreaming").is_err());
    assert!(status("almost", "pending").is_err());
}
