//! A story that is cancelled while it is made. Deaths, duplicates and lost events are fault tests.

use super::demo;
use crate::stack::own;
use serde_json::json;
use stack::lambda::InstanceActivity;
use std::time::Duration;

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
        user.until(&id, |status| {
            status["assets"]["cover"]["status"] == "generating"
        })
        .await;
        user.api
            .steer(&id, "cancel", &json!({}))
            .await
            .expect("cancelled");
        let story = user.settled(&id).await;
        assert_eq!(story["asset_generation_status"]["overall"], "partial");
        let version = story["version"].clone();
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
