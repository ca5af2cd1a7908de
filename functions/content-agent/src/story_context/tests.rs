//! What jobs share, and what each keeps of the time it began.

use super::*;
use crate::test_services::{STORY, TestServices, art, code, picture};
use axum::http::Method;
use serde_json::json;

const CDN: &str = "https://assets.example.com";

fn cover_key() -> String {
    format!("stories/{STORY}/cover-v1-a1-1.png")
}

#[tokio::test]
async fn four_scenes_that_begin_together_fetch_the_cover_once() {
    let services = TestServices::default();
    services.hold(&cover_key(), picture(1));
    let story = services
        .story(CDN, Some(&format!("{CDN}/{}", cover_key())))
        .await;
    let fetches = (0..4).map(|_| story.picture(AssetType::Cover));
    for cover in futures::future::join_all(fetches).await {
        assert_eq!(*cover.unwrap().expect("a cover").bytes(), picture(1));
    }
    // So does a book that is bound here later.
    let later = story.with_view(StoryView::clone(&story.view));
    assert!(later.printable(AssetType::Cover).await.unwrap().is_some());
    assert_eq!(services.count(&Method::GET, &cover_key()), 1);
}

#[tokio::test]
async fn a_picture_is_found_wherever_the_cdn_was_when_it_was_published() {
    let services = TestServices::default();
    services.hold(&cover_key(), picture(1));
    for address in [
        format!("https://d1.example.net/{}", cover_key()),
        format!("https://old.example.com/media/v2/{}", cover_key()),
        format!("http://127.0.0.1:1/cdn/{}", cover_key()),
    ] {
        let story = services.story(CDN, Some(&address)).await;
        let cover = story.picture(AssetType::Cover).await.unwrap();
        assert!(cover.is_some(), "under {address}");
    }
}

#[tokio::test]
async fn a_file_of_another_story_is_never_fetched() {
    let services = TestServices::default();
    let other = "stories/00000000-0000-4000-8000-0000000000ff/cover-v1-a1-1.png";
    services.hold(other, picture(1));
    let story = services.story(CDN, Some(&format!("{CDN}/{other}"))).await;
    let error = story.printable(AssetType::Cover).await.unwrap_err();
    assert_eq!(code(error, AssetType::Pdf), "MISSING_REQUIRED_ASSETS");
    assert_eq!(services.count(&Method::GET, other), 0);
}

#[tokio::test]
async fn a_new_version_of_a_picture_is_bound_and_not_the_print_of_the_old_one() {
    let services = TestServices::default();
    let old = format!("{CDN}/{}", cover_key());
    let story = services.story(CDN, Some(&old)).await;
    story.keep_print(&old, Bytes::from_static(b"print"));
    let bound = story.printable(AssetType::Cover).await.unwrap();
    assert_eq!(bound.as_deref(), Some(b"print".as_slice()));

    let new = format!("stories/{STORY}/cover-v2-0123456789abcdef.png");
    services.hold(&new, picture(2));
    let mut view = StoryView::clone(&story.view);
    let cover = view.assets.get_mut(&AssetType::Cover).unwrap();
    cover.url = Some(format!("{CDN}/{new}"));
    let bound = story.with_view(view).printable(AssetType::Cover).await;
    assert_eq!(bound.unwrap(), Some(picture(2)));
    // A job that began before keeps what it began with.
    let bound = story.printable(AssetType::Cover).await.unwrap();
    assert_eq!(bound.as_deref(), Some(b"print".as_slice()));
}

#[tokio::test]
async fn a_regenerated_text_is_what_later_jobs_work_from_and_takes_the_old_art_direction_with_it() {
    let services = TestServices::default();
    let story = services.story(CDN, None).await;
    assert!(story.art.step(0).is_some());
    let mut text = story.text().unwrap().clone();
    text.title = "Another Lamp".to_owned();

    let after = story.with_text(text);
    assert_eq!(after.text().unwrap().title, "Another Lamp");
    assert!(after.art.step(0).is_none());
    assert_eq!(
        story.text().unwrap().title,
        "The Small Lamp",
        "a job that began before keeps its text"
    );
    assert!(story.art.step(0).is_some());
}

#[tokio::test]
async fn art_direction_is_added_to_while_the_text_is_the_same_and_replaced_with_another_one() {
    let services = TestServices::default();
    let story = services.story(CDN, None).await;
    let motif = |story: StoryContext| {
        let checkpoint = story.art.checkpoint();
        let version = story.art.text_version();
        checkpoint[format!("art-{version}")]["journey"]["motif"]
            .as_str()
            .map(str::to_owned)
    };
    let mut view = StoryView::clone(&story.view);
    view.art = art("a bridge");
    assert_eq!(
        motif(story.with_view(view.clone())).as_deref(),
        Some("a lamp")
    );
    let content = view.assets.get_mut(&AssetType::Content).unwrap();
    content.version = 2;
    assert_eq!(
        motif(story.with_view(view.clone())).as_deref(),
        Some("a bridge")
    );
    view.art = json!({"journey": null, "scenes": {}});
    assert_eq!(motif(story.with_view(view)), None);
}
