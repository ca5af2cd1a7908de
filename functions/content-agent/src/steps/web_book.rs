//! The book's page: made with the PDF, and made again with the voice where that comes later.

use super::book::language;
use crate::{attempt::Attempt, failure::StepError, story_context::text_version};
use domain::{
    AssetType,
    story::{Activities, StoryText},
};
use render::{
    book::Phrases,
    html::{Picture, WebBook, web_book},
};
use serde::Deserialize;
use std::sync::Arc;
use store::{BookPage, FileKind, StoryView};

/// Publishes the page of the book that this attempt bound; with the voice, if there is one of the same text. Answers its
/// address.
pub(super) async fn of_book(attempt: &Attempt) -> Result<String, StepError> {
    let story = &attempt.story;
    let (text, view) = story.as_bound().ok_or(StepError::MissingInput)?;
    let mut parts = story.for_the_web().lock().await;
    let here = parts.voice.as_ref();
    let here = here.filter(|(version, _)| *version == story.text_version());
    let voice = here.map(|(_, url)| url.clone());
    let voice = voice.or_else(|| url_of(&view, AssetType::Audio).map(str::to_owned));
    let page = publish(attempt, &text, &view, voice.as_deref()).await?;
    parts.bound = Some((text, view, attempt.version().version));
    Ok(page)
}

/// Publishes the page of the book anew with the voice that this attempt recorded, if there is a book of the same text.
pub(super) async fn of_voice(
    attempt: &Attempt,
    voice: &str,
) -> Result<Option<BookPage>, StepError> {
    let story = &attempt.story;
    let mut parts = story.for_the_web().lock().await;
    parts.voice = Some((story.text_version(), voice.to_owned()));
    // Bound here while the voice was recorded, or before that.
    let here = parts.bound.clone();
    let here = here.filter(|(_, view, _)| text_version(view) == story.text_version());
    let before = || {
        let (text, view) = story.as_bound()?;
        let book = view.assets.get(&AssetType::Pdf)?;
        let of = book.url.is_some().then_some(book.version)?;
        Some((text, view, of))
    };
    let Some((text, view, of)) = here.or_else(before) else {
        return Ok(None);
    };
    let url = publish(attempt, &text, &view, Some(voice)).await?;
    Ok(Some(BookPage { url, of }))
}

async fn publish(
    attempt: &Attempt,
    text: &Arc<StoryText>,
    view: &StoryView,
    voice: Option<&str>,
) -> Result<String, StepError> {
    let language = language(&attempt.story, text);
    let activities = view.assets.get(&AssetType::Activities);
    let activities = activities.and_then(|asset| asset.data.as_ref());
    let scenes =
        (1..=text.beats.len()).map(|index| picture_of(view, AssetType::from_picture_index(index)?));
    let scenes: Vec<_> = scenes.collect();
    let page = web_book(&WebBook {
        text,
        language,
        phrases: &Phrases::in_language(language),
        cover: picture_of(view, AssetType::Cover),
        scenes: &scenes,
        voice: voice.map(name_of),
        activities: activities
            .and_then(|data| Activities::deserialize(data).ok())
            .as_ref(),
    });
    let files = &attempt.deps().files;
    let file = files
        .put_public(&attempt.version(), FileKind::Html, page.into())
        .await?;
    Ok(file.url)
}

fn picture_of(view: &StoryView, asset: AssetType) -> Option<Picture<'_>> {
    let asset = view.assets.get(&asset)?;
    Some(Picture {
        name: asset.url.as_deref().map(name_of)?,
        screen: asset.screen_url.as_deref().map(name_of),
        thumbnail: asset.thumbnail_url.as_deref().map(name_of),
    })
}

fn url_of(view: &StoryView, asset: AssetType) -> Option<&str> {
    view.assets.get(&asset)?.url.as_deref()
}

/// All files of a story lie in one folder.
fn name_of(url: &str) -> &str {
    url.rsplit_once('/').map_or(url, |(_, name)| name)
}
