//! What becomes of a picture before anybody accepted it.

use super::*;
use crate::{
    config::{ImageFallback, PictureBudget},
    story_context::StoryContext,
    test_services::{STORY, TestServices, Verdict, code, job, story_work},
    trait_strictness::TraitStrictness,
};
use runtime::{Deadline, Variables};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

const CDN: &str = "https://assets.example.com";

/// One attempt at the cover: its address, or the code of its failure.
async fn attempt(
    services: &TestServices,
    number: u32,
    options: Value,
) -> Result<String, &'static str> {
    attempt_from(services, number, options, services.checkpoint()).await
}

/// The same, with what the job remembers.
async fn attempt_from(
    services: &TestServices,
    number: u32,
    options: Value,
    checkpoint: Value,
) -> Result<String, &'static str> {
    let story = services.story(CDN, None).await;
    let job = job(AssetType::Cover, number, options, checkpoint);
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
    let mut beside =
        [".jpg", ".png", ".small.jpg"].map(|kind| format!("{published}{digest}{kind}"));
    beside.sort();
    let mut public = services.keys();
    public.retain(|key| key.starts_with("stories/"));
    assert_eq!(public, beside, "what screens show of it lies beside it");
}

/// What the job remembers once somebody asked for it again.
fn without_tries(services: &TestServices) -> Value {
    let mut checkpoint = services.checkpoint();
    checkpoint.as_object_mut().unwrap().remove("picture");
    checkpoint
}

#[tokio::test]
async fn a_rejected_picture_is_never_public_and_never_found_again() {
    let services = TestServices::default();
    services.judge([Verdict::Rejected; 3]);
    let failed = attempt(&services, 1, Value::Null).await;
    assert_eq!(failed, Err("IMAGE_VALIDATION_FAILED"));
    assert_eq!(services.keys(), Vec::<String>::new());
    // Asked for again, which forgets the tries: nothing is left of them, so it is drawn.
    services.judge([Verdict::Rejected, Verdict::Rejected, Verdict::Passed]);
    let asked_again = attempt_from(&services, 2, Value::Null, without_tries(&services)).await;
    assert!(asked_again.is_ok());
    assert_eq!(services.prompts().len(), 3 + 3);
    let keys = services.keys();
    assert_eq!(
        keys.len(),
        4,
        "a draft, its copy and what screens show of it: {keys:?}"
    );
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

#[tokio::test]
async fn whoever_takes_over_after_the_third_rejection_draws_no_fourth_picture() {
    let services = TestServices::default();
    services.judge([Verdict::Rejected; 3]);
    // Its process dies before the failure is told: the job is taken up again as it was.
    let failed = attempt(&services, 1, Value::Null).await;
    assert_eq!(failed, Err("IMAGE_VALIDATION_FAILED"));
    let failed = attempt(&services, 2, Value::Null).await;
    assert_eq!(failed, Err("IMAGE_VALIDATION_FAILED"));
    assert_eq!(services.prompts().len(), 3);
}

#[tokio::test]
async fn a_rejected_picture_that_could_not_be_deleted_is_not_offered_again() {
    let services = TestServices::default();
    services.refuse_deletes();
    services.judge([Verdict::Rejected; 3]);
    let failed = attempt(&services, 1, Value::Null).await;
    assert_eq!(failed, Err("IMAGE_VALIDATION_FAILED"));
    assert_eq!(services.keys().len(), 3, "all of them are still there");
    let passed = attempt_from(&services, 2, Value::Null, without_tries(&services)).await;
    assert!(passed.is_ok());
    assert_eq!(services.prompts().len(), 3 + 1, "a new one was drawn");
}

#[tokio::test]
async fn three_pictures_that_cannot_be_read_are_the_last_however_many_attempts_it_takes() {
    let services = TestServices::default();
    services.break_pictures(usize::MAX);
    for number in [1, 2] {
        let failed = attempt(&services, number, Value::Null).await;
        assert_eq!(failed, Err("UNUSABLE_PICTURE"));
        assert_eq!(services.prompts().len(), 3);
    }
}

/// The cover of a hero who wears glasses, where this becomes of a picture that cannot be made.
async fn cover_with_glasses(
    services: &TestServices,
    fallback: ImageFallback,
    number: u32,
) -> Result<Completion, StepError> {
    let mut deps = Arc::into_inner(services.deps(CDN).await).expect("nobody else has it");
    deps.config.image_fallback = fallback;
    let mut work = story_work();
    let hero = json!({"id": STORY, "name": "Ember", "traits": ["glasses"]});
    work.characters = vec![serde_json::from_value(hero).expect("a character")];
    let deadline = Deadline::after(Duration::from_secs(60));
    let story = Arc::new(StoryContext::new(Arc::new(deps), work, deadline));
    let job = job(AssetType::Cover, number, Value::Null, services.checkpoint());
    draw(&Attempt::new(story, job)).await
}

#[tokio::test]
async fn every_picture_looked_at_is_on_record_and_all_feedback_goes_into_the_next_prompt() {
    let services = TestServices::default();
    services.judge([
        Verdict::RejectedWithoutGlasses,
        Verdict::Unsafe,
        Verdict::Passed,
    ]);
    let cover = cover_with_glasses(&services, ImageFallback::Fail, 1).await;
    let cover = cover.expect("the third passes");
    let validation = &cover.metadata.expect("metadata")["validation"];
    assert_eq!(validation["passed"], true);
    let tries = validation["tries"].as_array().expect("a list");
    let found: Vec<_> = tries
        .iter()
        .map(|found| (&found["passed"], &found["safe"], &found["traits"]))
        .collect();
    let (yes, no) = (Value::Bool(true), Value::Bool(false));
    let (with, without) = (json!({"glasses": true}), json!({"glasses": false}));
    assert_eq!(
        found,
        [
            (&no, &yes, &without),
            (&no, &no, &with),
            (&yes, &yes, &with)
        ]
    );
    assert!(tries.iter().all(|found| found["costUsd"].is_number()));
    let prompts = services.prompts();
    assert!(!prompts[0].contains("Feedback"));
    assert!(prompts[2].ends_with("\n\nFeedback: wings 1 wings 2"));
    assert_eq!(cover.prompt.as_ref(), prompts.last());
}

#[tokio::test]
async fn feedback_of_an_earlier_attempt_goes_into_the_next_prompt_too() {
    let services = TestServices::default();
    services.judge([Verdict::Rejected, Verdict::Unknown]);
    let failed = cover_with_glasses(&services, ImageFallback::Fail, 1).await;
    assert!(failed.is_err());
    services.judge([Verdict::Rejected, Verdict::Passed]);
    let cover = cover_with_glasses(&services, ImageFallback::Fail, 2).await;
    assert!(cover.is_ok());
    let prompts = services.prompts();
    assert!(
        prompts[2].ends_with("Feedback: wings 1 wings 3"),
        "{}",
        prompts[2]
    );
}

#[tokio::test]
async fn the_safe_picture_that_shows_most_serves_where_the_best_may_and_no_unsafe_one_ever() {
    let best = [
        Verdict::RejectedWithoutGlasses,
        Verdict::Rejected,
        Verdict::Unsafe,
    ];
    let services = TestServices::default();
    services.judge(best);
    let cover = cover_with_glasses(&services, ImageFallback::Best, 1).await;
    let cover = cover.expect("the second serves");
    let metadata = cover.metadata.expect("metadata");
    assert_eq!(metadata["validation"]["passed"], false);
    let second = crate::test_services::picture(2);
    assert_eq!(cover.bytes, Some(second.len()));
    let published: Vec<_> = services.keys();
    let is_public = |key: &&String| key.starts_with("stories/") && key.ends_with(".png");
    assert_eq!(published.iter().filter(is_public).count(), 1);
    let (screen, thumbnail) = (&metadata["screenUrl"], &metadata["thumbnailUrl"]);
    let url = cover.url.expect("an address").replace(".png", "");
    assert_eq!(*screen, format!("{url}.jpg"));
    assert_eq!(*thumbnail, format!("{url}.small.jpg"));

    for (fallback, verdicts) in [
        (ImageFallback::Best, [Verdict::Unsafe; 3]),
        (ImageFallback::Placeholder, best),
    ] {
        let services = TestServices::default();
        services.judge(verdicts);
        let failed = cover_with_glasses(&services, fallback, 1).await;
        let error = failed.expect_err("none may serve");
        assert_eq!(code(error, AssetType::Cover), "IMAGE_VALIDATION_FAILED");
        assert_eq!(services.keys(), Vec::<String>::new());
    }
}

/// The cover of a hero with glasses and freckles, of which the first is only wanted: what was found, and the pictures drawn.
async fn cover_that_lacks_glasses(verdicts: [Verdict; 3]) -> (Result<Value, &'static str>, usize) {
    let services = TestServices::default();
    services.judge(verdicts);
    let mut deps = Arc::into_inner(services.deps(CDN).await).expect("nobody else has it");
    let setting = [("IMAGE_CHECK_TRAITS", "glasses=wanted")];
    let strictness = TraitStrictness::from_variables(&Variables::from_pairs(setting));
    deps.config.trait_strictness = strictness.expect("a setting");
    let mut work = story_work();
    let hero = json!({"id": STORY, "name": "Ember", "traits": ["glasses", "freckles"]});
    work.characters = vec![serde_json::from_value(hero).expect("a character")];
    let deadline = Deadline::after(Duration::from_secs(60));
    let story = Arc::new(StoryContext::new(Arc::new(deps), work, deadline));
    let job = job(AssetType::Cover, 1, Value::Null, Value::Null);
    let drawn = draw(&Attempt::new(story, job)).await;
    let found = drawn.map(|cover| cover.metadata.expect("metadata")["validation"].take());
    let found = found.map_err(|error| code(error, AssetType::Cover));
    (found, services.prompts().len())
}

#[tokio::test]
async fn a_trait_that_is_only_wanted_is_asked_for_again_and_the_last_picture_may_lack_it() {
    let (found, drawn) = cover_that_lacks_glasses([Verdict::RejectedWithoutGlasses; 3]).await;
    let found = found.expect("the last one serves");
    assert_eq!((drawn, &found["passed"]), (3, &json!(true)));
    let last = &found["tries"][2];
    assert_eq!(last["traits"]["glasses"], false);
    assert_eq!(last["wanted"], json!(["glasses"]));
    // An earlier one serves where the last is not fit to be seen.
    let (lacks, unsafe_one) = (Verdict::RejectedWithoutGlasses, Verdict::Unsafe);
    let (found, _) = cover_that_lacks_glasses([lacks, unsafe_one, unsafe_one]).await;
    assert_eq!(found.expect("the first serves")["passed"], false);
    // What is wrong beside it still fails the picture.
    let (found, _) = cover_that_lacks_glasses([Verdict::Rejected; 3]).await;
    assert_eq!(found.expect_err("none serves"), "IMAGE_VALIDATION_FAILED");
}

#[tokio::test]
async fn a_picture_is_painted_in_the_style_of_its_story_unless_another_is_wished_for() {
    for (wished, painted) in [
        (Value::Null, "ink and wash"),
        (in_style("pencil"), "pencil"),
    ] {
        let services = TestServices::default();
        let mut work = story_work();
        let mut request = serde_json::to_value(&work.request).expect("JSON");
        request["style"] = json!("ink and wash");
        work.request = serde_json::from_value(request).expect("a request");
        let deadline = Deadline::after(Duration::from_secs(60));
        let story = StoryContext::new(services.deps(CDN).await, work, deadline);
        let job = job(AssetType::Cover, 1, wished, Value::Null);
        draw(&Attempt::new(story.into(), job))
            .await
            .expect("a picture");
        let style = format!("Style: {painted}\n");
        assert!(
            services.prompts()[0].contains(&style),
            "{:?}",
            services.prompts()
        );
    }
}

#[tokio::test]
async fn a_picture_that_is_drawn_again_and_its_check_are_told_to_the_pace_of_the_provider() {
    let services = TestServices::default();
    services.judge([Verdict::Rejected, Verdict::Rejected, Verdict::Passed]);
    assert!(attempt(&services, 1, Value::Null).await.is_ok());
    assert_eq!(services.told_extra_calls(), [2, 2]);
}

/// One attempt at the cover that may take so much; whether it is worth another one where it failed.
async fn attempt_within(
    services: &TestServices,
    number: u32,
    budget: PictureBudget,
) -> Result<(), (&'static str, bool)> {
    let mut deps = Arc::into_inner(services.deps(CDN).await).expect("nobody else has it");
    deps.config.picture_budget = budget;
    let deadline = Deadline::after(Duration::from_secs(60));
    let story = Arc::new(StoryContext::new(Arc::new(deps), story_work(), deadline));
    let job = job(AssetType::Cover, number, Value::Null, services.checkpoint());
    let drawn = draw(&Attempt::new(story, job)).await;
    drawn.map(drop).map_err(|error| {
        let failure = error.into_failure(AssetType::Cover);
        (failure.code.code(), failure.retryable)
    })
}

#[tokio::test]
async fn the_money_for_one_picture_is_one_sum_however_many_attempts_spend_it() {
    let services = TestServices::default();
    services.judge([Verdict::Rejected, Verdict::Unknown, Verdict::Rejected]);
    // Two pictures of USD 0.034.
    let budget = PictureBudget {
        usd: 0.07,
        time: Duration::from_secs(240),
    };
    for (number, failed) in [
        (1, ("PROVIDER_UNAVAILABLE", true)),
        (2, ("IMAGE_VALIDATION_FAILED", false)),
        (3, ("IMAGE_VALIDATION_FAILED", false)),
    ] {
        assert_eq!(attempt_within(&services, number, budget).await, Err(failed));
    }
    assert_eq!(services.prompts().len(), 2);
}

#[tokio::test]
async fn a_picture_that_failed_for_too_long_is_not_tried_again() {
    for (seconds, is_tried_again) in [(240, true), (0, false)] {
        let services = TestServices::default();
        services.silence_pictures();
        let budget = PictureBudget {
            usd: 1.0,
            time: Duration::from_secs(seconds),
        };
        let failed = attempt_within(&services, 1, budget).await;
        assert_eq!(failed, Err(("PROVIDER_TIMEOUT", is_tried_again)));
    }
}
