//! What is to be seen of a picture while it is drawn.

use super::*;
use crate::test_services::{PreviewEnd, TestServices, Verdict, job, story_work};
use runtime::{Deadline, Shutdown};
use serde_json::Value;

/// One cover, shown while it is drawn; what became of it.
async fn draw_cover(services: &TestServices) -> &'static str {
    let deps = services.deps("https://assets.example.com").await;
    let mut deps = Arc::into_inner(deps).expect("nobody else has it");
    deps.config.shows_previews = true;
    let (_asking, shutdown) = Shutdown::by_hand();
    let deadline = Deadline::after(Duration::from_secs(60));
    let invocation = Invocation::new("request", deadline, shutdown);
    let cover = job(AssetType::Cover, 1, Value::Null, Value::Null);
    let report = run(Arc::new(deps), invocation, story_work(), vec![cover]).await;
    report.assets["cover"]
}

fn previews(services: &TestServices) -> Vec<String> {
    let mut keys = services.keys();
    keys.retain(|key| key.ends_with(".preview.jpg"));
    keys
}

#[tokio::test]
async fn a_glimpse_is_looked_at_published_and_told_at_once_and_is_no_part_of_what_is_made() {
    let services = TestServices::default();
    services.show_previews(PreviewEnd::Told);
    let begun = Instant::now();
    assert_eq!(draw_cover(&services).await, "ready");
    assert_eq!(services.moderated(), 1);
    let told = services.told_previews();
    let [Value::String(url)] = told.as_slice() else {
        panic!("told of {told:?}");
    };
    let [key] = <[String; 1]>::try_from(previews(&services)).expect("one file");
    assert_eq!(*url, format!("https://assets.example.com/{key}"));
    assert!(key.contains("/cover-v1-a1-"), "{key}");
    assert!(
        begun.elapsed() < crate::heartbeat::BEAT,
        "nobody waited for a heartbeat"
    );
    let metadata = &services.completions()[0]["p_result"]["metadata"];
    assert!(metadata["previewUrl"].is_null(), "{metadata}");
}

#[tokio::test]
async fn a_glimpse_that_is_not_for_the_reader_is_seen_by_nobody_and_the_picture_goes_on() {
    let services = TestServices::default();
    services.show_previews(PreviewEnd::Refused);
    assert_eq!(draw_cover(&services).await, "ready");
    assert_eq!(services.moderated(), 1);
    assert!(services.told_previews().is_empty());
    assert!(previews(&services).is_empty());
}

#[tokio::test]
async fn the_glimpse_of_a_picture_that_failed_its_check_is_taken_away_with_the_verdict() {
    let services = TestServices::default();
    services.show_previews(PreviewEnd::Told);
    services.judge([Verdict::Unsafe, Verdict::Passed]);
    assert_eq!(draw_cover(&services).await, "ready");
    let told = services.told_previews();
    let is_shown: Vec<_> = told.iter().map(Value::is_string).collect();
    assert_eq!(is_shown, [true, false, true], "{told:?}");
}
