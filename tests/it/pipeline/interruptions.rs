//! A story that is cancelled while it is made. Deaths, duplicates and lost events are fault tests.

use super::demo;
use crate::stack::own;
use serde_json::{Value, json};
use stack::lambda::{InstanceActivity, LogLine};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;

/// The next line of the API with this message.
async fn written_by_the_api(log: &mut Receiver<LogLine>, message: &str) -> Value {
    loop {
        let line = log.recv().await.expect("no line is lost");
        if line.function == "universal-agent" && line.text.contains(message) {
            return serde_json::from_str(&line.text).expect("a line is JSON");
        }
    }
}

#[test]
fn cancelling_stops_the_work_and_the_story_never_comes_back() {
    let shared = own("cancel", |options| {
        options.latency = Some("text=100,image=3000,speech=3000".to_owned());
        options
            .overrides
            .insert("JOB_LEASE_SECONDS".to_owned(), "5".to_owned());
    });
    shared.run(async {
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        // The cover is begun before the text is there.
        user.until(&id, |status| {
            status["assets"]["cover"]["status"] == "generating"
                && status["assets"]["content"]["status"] == "ready"
        })
        .await;
        let mut log = shared.stack().emulator().log_lines();
        user.api
            .steer(&id, "cancel", &json!({}))
            .await
            .expect("cancelled");
        let story = user.settled(&id).await;
        assert_eq!(story["asset_generation_status"]["overall"], "partial");
        let version = story["version"].clone();
        let changed = written_by_the_api(&mut log, "Story status changed").await;
        assert_eq!(
            [&changed["from"], &changed["to"]],
            ["generating", "partial"]
        );
        let finished = written_by_the_api(&mut log, "Story finished").await;
        // The text, and the activities where these were quicker than the cancelling.
        let assets = story["asset_generation_status"]["assets"].as_object();
        let assets = assets.expect("assets").values();
        let ready = assets.filter(|asset| asset["status"] == "ready").count();
        assert!((1..=2).contains(&ready), "{story}");
        assert_eq!(finished["assetsReady"], ready, "{finished}");
        // Everything in flight has ended, one way or the other.
        let emulator = shared.stack().emulator();
        while emulator.instances().iter().any(|instance| {
            matches!(instance.activity, InstanceActivity::Busy { .. })
                && instance.function == "content-agent"
        }) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let later = user.api.story(&id).await.expect("the story");
        assert_eq!(later["version"], version, "a cancelled story changed again");
    });
}
