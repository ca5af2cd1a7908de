//! Pictures that users bring, from the web and from the bucket: what is kept of them, and what of the others.

use super::*;
use crate::test_services::{PreviewEnd, TestServices, picture};
use axum::http::Method;
use runtime::Shutdown;
use serde_json::{Value, json};

const HERO: &str = "00000000-0000-4000-8000-000000000009";
const UPLOAD: &str = "upload:00000000-0000-4000-8000-000000000008";

fn invocation() -> Invocation {
    let deadline = Deadline::after(Duration::from_secs(300));
    let (_, shutdown) = Shutdown::by_hand();
    Invocation::new("r", deadline, shutdown)
}

fn leased(attempts: u32, sources: &[&str]) -> Value {
    json!({"leased": [{"characterId": HERO, "leaseToken": HERO, "attempts": attempts, "sources": sources}],
        "states": {}, "more": false})
}

/// What the database is told of these references, at their first claim or a later one.
async fn prepare_at(services: &TestServices, attempts: u32, sources: &[&str]) -> Value {
    let deps = services.deps("https://cdn.example").await;
    services.lease_references([leased(attempts, sources)]);
    let character = HERO.parse().unwrap();
    prepare(&deps, character, &invocation()).await.unwrap();
    services.noted_references().pop().unwrap()["p_outcomes"].take()
}

fn kept(services: &TestServices) -> Vec<String> {
    let mut keys = services.keys();
    keys.retain(|key| key.starts_with("characters/"));
    keys
}

#[tokio::test]
async fn a_picture_of_the_web_is_fetched_once_and_kept_as_a_jpeg_under_a_key_of_its_own() {
    let services = TestServices::default();
    services.publish("/img.example.com/a.png", picture(1));
    let source = "https://img.example.com/a.png";
    let outcomes = prepare_at(&services, 1, &[source]).await;
    assert_eq!(outcomes, json!({source: "ready"}));
    let [key] = kept(&services).try_into().unwrap();
    assert!(key.starts_with(&format!("characters/{HERO}/reference-")) && key.ends_with(".jpg"));
    assert!(services.object(&key).starts_with(b"\xff\xd8"));
    assert_eq!(services.fetches("/img.example.com/a.png"), 1);
}

#[tokio::test]
async fn what_is_no_picture_too_long_too_large_or_not_there_is_of_no_use_for_good() {
    let services = TestServices::default();
    let giant = {
        let mut header = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        header.extend([0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 8, 2, 0, 0, 0]);
        header
    };
    let half = picture(1).slice(..picture(1).len() / 2);
    let endless: &[u8] = &vec![7; BYTES_MAX + 1];
    let files: [(&str, &[u8]); 6] = [
        ("page.png", b"<!doctype html><html></html>"),
        ("a.gif", b"GIF89a\x00\x04\x00\x04\xf0\x00\x00"),
        ("a.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        ("bomb.png", &giant),
        ("half.png", &half),
        ("long.png", endless),
    ];
    let mut expected = json!({"https://img.example.com/gone.png": "unreadable"});
    for (name, bytes) in files {
        services.publish(&format!("/img.example.com/{name}"), bytes.to_vec().into());
        expected[format!("https://img.example.com/{name}")] = "unreadable".into();
    }
    let sources: Vec<_> = expected.as_object().unwrap().keys().cloned().collect();
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    assert_eq!(prepare_at(&services, 1, &sources).await, expected);
    assert_eq!(kept(&services), [""; 0]);
}

#[tokio::test]
async fn what_stands_behind_a_picture_is_not_kept_with_it() {
    let services = TestServices::default();
    let mut polyglot = picture(2).to_vec();
    polyglot.extend(b"<script>alert(1)</script>");
    services.publish("/img.example.com/p.png", polyglot.into());
    let source = "https://img.example.com/p.png";
    assert_eq!(
        prepare_at(&services, 1, &[source]).await,
        json!({source: "ready"})
    );
    let [key] = kept(&services).try_into().unwrap();
    let bytes = services.object(&key);
    assert!(!bytes.windows(7).any(|part| part == b"<script"));
}

#[tokio::test]
async fn a_host_that_is_away_is_asked_again_later_and_given_up_at_the_third_time() {
    let source = "https://img.example.com/busy";
    for (attempts, status) in [(1, "pending"), (2, "pending"), (3, "unreadable")] {
        let services = TestServices::default();
        let outcomes = prepare_at(&services, attempts, &[source]).await;
        assert_eq!(outcomes, json!({source: status}), "{attempts}");
    }
}

#[tokio::test]
async fn an_upload_is_kept_like_any_other_and_what_was_sent_is_deleted() {
    let services = TestServices::default();
    let id = UPLOAD.strip_prefix("upload:").unwrap();
    let sent = format!("uploads/{HERO}/{id}");
    services.hold(&sent, picture(1));
    assert_eq!(
        prepare_at(&services, 1, &[UPLOAD]).await,
        json!({UPLOAD: "ready"})
    );
    assert_eq!(kept(&services).len(), 1);
    assert!(!services.keys().contains(&sent));
    // Nothing was sent, or to another character.
    let services = TestServices::default();
    services.hold(
        &format!("uploads/00000000-0000-4000-8000-000000000001/{id}"),
        picture(1),
    );
    assert_eq!(
        prepare_at(&services, 1, &[UPLOAD]).await,
        json!({UPLOAD: "unreadable"})
    );
}

#[tokio::test]
async fn an_upload_whose_outcome_is_not_believed_stays_for_who_holds_the_lease() {
    let services = TestServices::default();
    let id = UPLOAD.strip_prefix("upload:").unwrap();
    let sent = format!("uploads/{HERO}/{id}");
    services.hold(&sent, picture(1));
    services.refuse_notes();
    prepare_at(&services, 1, &[UPLOAD]).await;
    assert!(services.keys().contains(&sent));
}

#[tokio::test]
async fn a_picture_that_does_not_belong_in_a_childs_story_is_refused_and_not_kept() {
    let services = TestServices::default();
    services.publish("/img.example.com/a.png", picture(1));
    let deps = services.deps("https://cdn.example").await;
    let source = "https://img.example.com/a.png";
    services.show_previews(PreviewEnd::Refused);
    services.lease_references([leased(1, &[source])]);
    let report = prepare(&deps, HERO.parse().unwrap(), &invocation()).await;
    assert_eq!(report.unwrap().unused, 1);
    let noted = services.noted_references();
    assert_eq!(noted[0]["p_outcomes"], json!({source: "refused"}));
    assert_eq!(kept(&services), [""; 0]);
    let looked_at = services.last_moderated();
    let url = looked_at["input"][0]["image_url"]["url"].as_str().unwrap();
    assert!(url.starts_with("data:image/jpeg;base64,/9j/"), "{url:.40}");
}

#[tokio::test]
async fn a_picture_waits_for_who_fetches_and_fetches_nothing_itself() {
    let services = TestServices::default();
    let deps = services.deps("https://cdn.example").await;
    let source = "https://img.example.com/a.png";
    let told =
        |status: &str| json!({"leased": [], "states": {HERO: {source: status}}, "more": false});
    services.lease_references([told("pending"), told("ready")]);
    let deadline = Deadline::after(Duration::from_secs(60));
    let states = ensure(&deps, &[HERO.parse().unwrap()], deadline)
        .await
        .unwrap();
    let state = states[&HERO.parse().unwrap()].get(&ReferenceSource::parse(source).unwrap());
    assert_eq!(state, Some(ReferenceStatus::Ready));
    assert_eq!(services.count(&Method::GET, "img.example.com/a.png"), 0);
}
