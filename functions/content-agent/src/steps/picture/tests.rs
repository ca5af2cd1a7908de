//! What becomes of a picture before anybody accepted it.

use super::*;
use crate::test_services::{STORY, TestServices, Verdict, code, job};
use serde_json::Value;

const CDN: &str = "https://assets.example.com";

/// One attempt at the cover: its address, or the code of its failure.
async fn attempt(
    services: &TestServices,
    number: u32,
    options: Value,
) -> Result<String, &'static str> {
    let story = services.story(CDN, None).await;
    let job = job(AssetType::Cover, number, options, services.checkpoint());
    match draw(&Attempt::new(story.into(), job)).await {
        Ok(result) => Ok(result.url.expect("an address")),
        Err(error) => Err(code(error, AssetType::Cover)),
    }
}

fn in_style(style: &str) -> Value {
    json!({ "style": style })
}

#[tokio::test]
async fn a_picture_is_published_once_it_has_passed_under_a_key_nobody_guesses() {
    let services = TestServices::default();
    let url = attempt(&services, 1, Value::Null).await.unwrap();
    let published = format!("stories/{STORY}/cover-v1-a1-");
    let digest = url
        .strip_prefix(&format!("{CDN}/{published}"))
        .and_then(|rest| rest.strip_suffix(".png"))
        .expect("an address of the cover");
    assert_eq!(digest.len(), 16);
    assert!(digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let public = services
        .keys()
        .into_iter()
        .filter(|key| key.starts_with("stories/"));
    assert_eq!(public.count(), 1);
}

#[tokio::test]
async fn a_rejected_picture_is_never_public_and_never_found_again() {
    let services = TestServices::default();
    services.judge([Verdict::Rejected; 3]);
    let failed = attempt(&services, 1, Value::Null).await;
    assert_eq!(failed, Err("IMAGE_VALIDATION_FAILED"));
    assert_eq!(services.keys(), Vec::<String>::new());
    // The same wish once more: nothing is left of it, so it is drawn, and has three tries again.
    services.judge([Verdict::Rejected, Verdict::Rejected, Verdict::Passed]);
    assert!(attempt(&services, 2, Value::Null).await.is_ok());
    assert_eq!(services.prompts().len(), 3 + 3);
    let keys = services.keys();
    assert_eq!(keys.len(), 2, "a draft and its copy: {keys:?}");
}

#[tokio::test]
async fn what_an_attempt_left_without_a_verdict_is_looked_at_again_and_not_bought_again() {
    let services = TestServices::default();
    services.judge([Verdict::Unknown]);
    let failed = attempt(&services, 1, in_style("pencil")).await;
    assert_eq!(failed, Err("PROVIDER_UNAVAILABLE"));
    assert!(services.keys().iter().all(|key| key.starts_with("drafts/")));
    assert!(attempt(&services, 2, in_style("pencil")).await.is_ok());
    assert_eq!(services.prompts().len(), 1);
}

#[tokio::test]
async fn what_an_attempt_left_is_not_taken_for_another_wish() {
    for wish in [in_style("watercolour"), json!({"simplifyPrompt": true})] {
        let services = TestServices::default();
        services.judge([Verdict::Unknown]);
        let failed = attempt(&services, 1, in_style("pencil")).await;
        assert_eq!(failed, Err("PROVIDER_UNAVAILABLE"));
        assert!(attempt(&services, 2, wish.clone()).await.is_ok());
        let prompts = services.prompts();
        assert_eq!(prompts.len(), 2, "for {wish}");
        assert!(prompts[0].contains("pencil") && !prompts[1].contains("pencil"));
    }
}

#[tokio::test]
async fn three_pictures_are_drawn_for_one_wish_however_many_attempts_it_takes() {
    let services = TestServices::default();
    services.judge([Verdict::Rejected, Verdict::Unknown]);
    let failed = attempt(&services, 1, Value::Null).await;
    assert_eq!(failed, Err("PROVIDER_UNAVAILABLE"));
    services.judge([Verdict::Rejected; 3]);
    let failed = attempt(&services, 2, Value::Null).await;
    assert_eq!(failed, Err("IMAGE_VALIDATION_FAILED"));
    assert_eq!(services.prompts().len(), 3);
}
