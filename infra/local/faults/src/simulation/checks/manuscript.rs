//! What is begun from the outline of a text is shown with the text, or comes to nothing with it.

use super::is_late;
use crate::prelude::*;
use std::sync::Arc;

async fn save(database: &TestDatabase, text: &Lease, beats: usize) -> Vec<Lease> {
    let standing =
        json!({"outline": {"title": "A"}, "beats": vec![json!({"text": "One."}); beats]});
    let then = json!({"owner": "writer", "limit": 9, "leaseSeconds": 60, "maxInFlight": 100, "holding": []});
    let arguments = json!({"p_job_id": text.job, "p_lease_token": text.token, "p_manuscript": standing,
        "p_continue": then});
    leases(&database.call("save_manuscript", arguments).await["leased"])
}

/// The cover waits for the text, the narration goes home with its writer, and a text that fails takes both along.
pub(crate) async fn a_story_is_begun_from_its_outline(database: Arc<TestDatabase>) {
    let story = database.story(&EVERYTHING).await;
    let text = database.start_content(&story, "writer").await;
    let begun = save(&database, &text, 1).await;
    let names: Vec<_> = begun.iter().map(|lease| lease.asset.as_str()).collect();
    let has = |name: &str| names.contains(&name);
    assert!(has("cover") && has("audio"), "{names:?}");
    for lease in &begun {
        assert!(is_late(&database, lease).await, "it came too early");
    }
    database.fail(&text, true).await;
    let audio = database.job(&story, "audio").await;
    assert_eq!(audio["status"], "queued", "its writer is gone");
    let text = database.claim_asset(&story, "content").await;
    database.fail(&text, false).await;
    let kept = database.job(&story, "content").await["checkpoint"].clone();
    assert_eq!(kept["manuscript-1"], Value::Null);
    assert_eq!(database.row(&story).await["content"], json!({}));
}
