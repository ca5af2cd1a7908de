//! Death, duplicates and silence: nothing is lost, nothing is bought twice.

use super::{demo, paid_calls};
use crate::stack::own;
use serde_json::json;
use stack::lambda::InstanceActivity;
use std::time::{Duration, Instant};

/// Paid calls of one undisturbed story: text, palette, five scene analyses, five pictures, five checks, voice, activities.
const CALLS_PER_STORY: usize = 1 + 1 + 5 + 5 + 5 + 1 + 1;

#[test]
fn events_delivered_twice_cost_nothing() {
    let shared = own("duplicates", |options| options.duplicate_rate = 1.0);
    shared.run(async {
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        let story = user.settled(&id).await;
        assert_eq!(story["asset_generation_status"]["overall"], "ready");
        assert_eq!(paid_calls(&shared), CALLS_PER_STORY);
    });
}

#[test]
fn a_story_whose_every_invocation_is_lost_is_found_by_the_sweep() {
    let shared = own("lost-events", |options| {
        options.schedule = Some(Duration::from_secs(3600))
    });
    shared.run(async {
        let user = demo(&shared);
        let emulator = shared.stack().emulator();
        emulator.set_faults(stack::lambda::Faults {
            drop_rate: 1.0,
            ..Default::default()
        });
        let id = user.ask_for_story().await;
        emulator.set_faults(stack::lambda::Faults::default());
        // The grace of the direct invocation runs out while the worker, once ticked, waits for it.
        let began = Instant::now();
        emulator
            .tick("storytailor-asset-worker-production")
            .expect("the rule exists");
        let story = user.settled(&id).await;
        assert_eq!(story["asset_generation_status"]["overall"], "ready");
        assert!(began.elapsed() < Duration::from_secs(60));
        assert_eq!(paid_calls(&shared), CALLS_PER_STORY);
    });
}

#[test]
fn a_killed_worker_s_jobs_start_again_within_the_lease_and_what_was_stored_is_not_bought_again() {
    let lease = Duration::from_secs(5);
    let shared = own("kill", |options| {
        options.latency = Some("text=200,image=1500,speech=200".to_owned());
        options.schedule = Some(Duration::from_secs(1));
        options
            .overrides
            .insert("JOB_LEASE_SECONDS".to_owned(), lease.as_secs().to_string());
    });
    shared.run(async {
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        // The cover is settled and the scenes are being drawn.
        user.until(&id, |status| {
            status["assets"]["scene_1"]["status"] == "generating"
        })
        .await;
        for instance in shared.stack().emulator().instances() {
            if let ("content-agent", Some(pid)) = (instance.function.as_str(), instance.pid) {
                let killed = std::process::Command::new("kill")
                    .args(["-9", &pid.to_string()])
                    .status();
                assert!(killed.expect("kill runs").success());
            }
        }
        let died = Instant::now();
        user.until(&id, |status| {
            status["assets"]["scene_1"]["status"] == "retrying"
                || status["assets"]["scene_1"]["status"] == "ready"
        })
        .await;
        assert!(
            died.elapsed() < lease + Duration::from_secs(5),
            "{:?}",
            died.elapsed()
        );
        let story = user.settled(&id).await;
        assert_eq!(story["asset_generation_status"]["overall"], "ready");
        // The four pictures in flight are bought again; text, voice and cover are not.
        assert!(
            paid_calls(&shared) <= CALLS_PER_STORY + 4 + 4,
            "{} paid calls",
            paid_calls(&shared)
        );
    });
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
