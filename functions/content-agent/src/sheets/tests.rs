//! Sheets that are drawn: how often, and what is told of them.

use super::*;
use crate::test_services::{TestServices, Verdict};
use runtime::Shutdown;
use serde_json::{Value, json};

const HERO: &str = "00000000-0000-4000-8000-000000000009";

fn invocation() -> Invocation {
    let (_, shutdown) = Shutdown::by_hand();
    Invocation::new("r", Deadline::after(Duration::from_secs(300)), shutdown)
}

fn leased() -> Value {
    let hero = json!({"id": HERO, "name": "Ember", "species": "dragon", "traits": ["glasses"]});
    json!({"leased": {"hero": hero, "looks": "abc", "leaseToken": HERO, "references": {}}, "more": false})
}

async fn draw_once(services: &TestServices) -> u64 {
    let deps = services.deps("https://cdn.example").await;
    services.lease_sheets([leased()]);
    let character = HERO.parse().unwrap();
    draw(&deps, Some(character), &invocation()).await.unwrap()
}

fn last_outcome(services: &TestServices) -> Value {
    services.noted_sheets().pop().unwrap()["p_outcome"].take()
}

#[tokio::test]
async fn a_sheet_is_drawn_once_and_kept_and_every_call_is_told_before_the_next() {
    let services = TestServices::default();
    assert_eq!(draw_once(&services).await, 1);
    let key = format!("characters/{HERO}/sheet-abc.png");
    assert_eq!(services.keys(), [key]);
    let noted = services.noted_sheets();
    let told: Vec<_> = noted.iter().map(|told| told["p_outcome"].clone()).collect();
    assert_eq!(told, [Value::Null, Value::Null, json!({"status": "ready"})]);
    let kinds: Vec<_> = noted
        .iter()
        .map(|told| &told["p_usage"][0]["kind"])
        .collect();
    assert_eq!(
        kinds,
        ["picture".into(), "image_check".into(), Value::Null].each_ref()
    );
    let [prompt] = services.prompts().try_into().unwrap();
    assert!(
        prompt.contains("character sheet") && prompt.contains("dragon"),
        "{prompt}"
    );
    assert!(!prompt.contains("Ember"), "{prompt}");
    // The same again, by one who does not know that the first could not tell.
    assert_eq!(draw_once(&services).await, 1);
    assert_eq!(services.prompts().len(), 1);
}

#[tokio::test]
async fn a_sheet_is_drawn_once_more_with_what_was_wrong_and_then_given_up() {
    let services = TestServices::default();
    services.judge([Verdict::Rejected, Verdict::Rejected]);
    assert_eq!(draw_once(&services).await, 0);
    let failed = json!({"status": "failed", "reason": "IMAGE_VALIDATION_FAILED"});
    assert_eq!(last_outcome(&services), failed);
    let prompts = services.prompts();
    assert_eq!(prompts.len(), 2);
    assert!(prompts[1].ends_with("Feedback: wings 1"), "{}", prompts[1]);
    assert_eq!(services.keys(), [""; 0]);
}

#[tokio::test]
async fn a_sheet_that_could_not_be_had_is_tried_again_later() {
    let services = TestServices::default();
    services.silence_pictures();
    assert_eq!(draw_once(&services).await, 0);
    let pending = json!({"status": "pending", "reason": "PROVIDER_TIMEOUT"});
    assert_eq!(last_outcome(&services), pending);
}

#[tokio::test]
async fn nothing_more_is_bought_for_a_sheet_that_is_somebody_elses_by_now() {
    let services = TestServices::default();
    services.refuse_notes();
    assert_eq!(draw_once(&services).await, 0);
    assert_eq!((services.prompts().len(), services.checks()), (1, 0));
    assert_eq!(services.keys(), [""; 0]);
}

#[tokio::test]
async fn what_nobody_asked_for_is_not_drawn() {
    let services = TestServices::default();
    let deps = services.deps("https://cdn.example").await;
    let drawn = draw(&deps, Some(HERO.parse().unwrap()), &invocation()).await;
    assert_eq!(drawn.unwrap(), 0);
    assert_eq!(services.prompts().len(), 0);
}
