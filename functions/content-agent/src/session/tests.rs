//! What becomes of a job whose work stops in an unexpected way.

use super::*;
use crate::test_services::{STORY, TestServices, Verdict, job, story_work};
use domain::FailureCode;
use runtime::{Deadline, Shutdown};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Completion;

#[tokio::test]
async fn what_a_job_paid_for_before_it_panicked_is_recorded_with_its_failure() {
    let services = TestServices::default();
    services.judge([Verdict::Panic]);
    let deps = services.deps("https://assets.example.com").await;
    let (_asking, shutdown) = Shutdown::by_hand();
    let invocation = Invocation::new(
        "request",
        Deadline::after(Duration::from_secs(60)),
        shutdown,
    );
    let cover = job(AssetType::Cover, 1, Value::Null, Value::Null);

    let report = run(deps, invocation, story_work(), vec![cover]).await;

    assert_eq!(report.assets["cover"], "failed");
    let failures = services.failures();
    let [failure] = failures.as_slice() else {
        panic!("told of {} failures", failures.len());
    };
    assert_eq!(failure["p_error_code"], json!(FailureCode::Internal));
    assert_eq!(failure["p_usage"][0]["kind"], "picture", "{failure}");
}

#[tokio::test]
async fn what_a_job_paid_for_is_told_when_its_process_is_to_end_and_it_is_handed_back() {
    let services = TestServices::default();
    services.judge([Verdict::Pending]);
    let deps = services.deps("https://assets.example.com").await;
    let (ask, shutdown) = Shutdown::by_hand();
    let invocation = Invocation::new(
        "request",
        Deadline::after(Duration::from_secs(60)),
        shutdown,
    );
    let cover = job(AssetType::Cover, 1, Value::Null, Value::Null);
    let seen = services.clone();
    let ending = async move {
        // Its picture is bought by then, and waits for its verdict.
        while seen.checks() == 0 {
            tokio::task::yield_now().await;
        }
        ask.send_replace(true);
    };
    let (report, ()) = tokio::join!(run(deps, invocation, story_work(), vec![cover]), ending);
    assert_eq!(report.assets["cover"], "released");
    let releases = services.releases();
    assert_eq!(releases.len(), 1);
    assert_eq!(releases[0]["p_usage"][0]["kind"], "picture");
    assert_eq!(releases[0]["p_usage"][0]["priceVersion"], "2026-11-26");
}

#[tokio::test]
async fn scenes_after_a_cover_that_was_begun_before_its_text_are_drawn_from_the_text() {
    let services = TestServices::default();
    let deps = services.deps("https://assets.example.com").await;
    let (_asking, shutdown) = Shutdown::by_hand();
    let long = Deadline::after(Duration::from_secs(300));
    let invocation = Invocation::new("request", long, shutdown);
    // Another invocation writes the text: this one knows its outline.
    let mut story = story_work();
    let text = std::mem::replace(&mut story.content, json!({}));
    story.manuscript = json!({"beats": [], "outline": {"hero": "Ember", "want": "light", "obstacle": "the dark",
        "turn": "a lamp", "ending": "home", "title": "The Small Lamp", "coverScene": "Ember at a window"}});
    let scene = json!({"jobId": STORY, "storyId": STORY, "assetType": "scene_1", "leaseToken": STORY, "attempt": 1,
        "retryCount": 0, "maxRetries": 3, "assetVersion": 0, "checkpoint": {}, "options": {}});
    services.settle([json!({"accepted": true, "leased": [scene], "text": text})]);
    let cover = job(AssetType::Cover, 1, Value::Null, Value::Null);

    let report = run(deps, invocation, story, vec![cover]).await;

    assert_eq!(report.assets["cover"], "ready");
    assert_eq!(
        report.assets["scene_1"],
        "ready",
        "{:?}",
        services.failures()
    );
    let asked = services.completions().remove(0);
    assert_eq!(asked["p_continue"]["needsText"], true);
}

#[tokio::test]
async fn what_was_made_ahead_of_its_text_is_settled_as_it_is_and_nothing_is_bought() {
    let services = TestServices::default();
    let deps = services.deps("https://assets.example.com").await;
    let (_asking, shutdown) = Shutdown::by_hand();
    let long = Deadline::after(Duration::from_secs(300));
    let invocation = Invocation::new("request", long, shutdown);
    let mut cover = job(AssetType::Cover, 2, Value::Null, Value::Null);
    let finished = Completion {
        url: Some("https://assets.example.com/cover.png".to_owned()),
        colors: Some(vec!["#102030".to_owned()]),
        ..Completion::default()
    };
    cover.finished = Some(Box::new(finished.clone()));

    let report = run(deps, invocation, story_work(), vec![cover]).await;

    assert_eq!(report.assets["cover"], "ready");
    let [asked] = services.completions().try_into().expect("one completion");
    let told = Completion::deserialize(&asked["p_result"]).expect("a result");
    assert_eq!(told, finished);
    assert_eq!(asked["p_usage"], json!([]));
    assert!(services.keys().is_empty(), "{:?}", services.keys());
}
