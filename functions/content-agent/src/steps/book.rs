//! The printable book: text, pictures and questions as one PDF, and beside it as a page of the web.

use super::{
    palette::{DEFAULT_PALETTE, parse_palette},
    web_book,
};
use crate::{attempt::Attempt, failure::StepError, story_context::StoryContext};
use bytes::Bytes;
use domain::{
    AssetType,
    story::{Activities, StoryText},
};
use render::{
    book::{Beat, Book, PdfOptions, Phrases, Picture, RenderError, pdf},
    colors::HexColor,
    language::{UNDETERMINED, language_of},
};
use serde::Deserialize;
use serde_json::json;
use store::{Completion, FileKind};

pub(super) async fn bind(attempt: &Attempt) -> Result<Completion, StepError> {
    let story = &attempt.story;
    let text = story.text()?;
    let cover = story
        .printable(AssetType::Cover)
        .await?
        .ok_or(StepError::MissingInput)?;
    let scenes = futures::future::try_join_all((1..=text.beats.len()).map(|index| async move {
        match AssetType::from_picture_index(index) {
            Some(asset) => story.printable(asset).await,
            None => Ok(None),
        }
    }))
    .await?;
    let characters = story.work.characters.iter();
    let book = Book {
        title: text.title.clone(),
        subtitle: None,
        dedication: None,
        hero_names: characters.map(|one| one.name.clone()).collect(),
        cover: Some(picture(cover, &text.title)),
        beats: beats(story, text, scenes),
        moral: Some(text.moral.clone()).filter(|moral| !moral.trim().is_empty()),
        questions: questions(story),
        palette: colors(story, AssetType::Cover),
    };
    let language = language(story, text);
    let options = PdfOptions {
        language: language.to_owned(),
        phrases: Phrases::in_language(language),
        document_id: Some(attempt.job.story_id.to_string()),
        ..PdfOptions::default()
    };
    // Setting the book decodes its pictures.
    let permit = attempt.deps().decode_pool.acquire().await;
    let bytes = permit
        .run_urgent(move || pdf(&book, &options))
        .await?
        .map_err(|error| match error {
            RenderError::MissingLetters { scripts } => StepError::MissingLetters { scripts },
            error => StepError::Book(error.into()),
        })?;
    let files = &attempt.deps().files;
    let version = attempt.version();
    let file = files.put_public(&version, FileKind::Pdf, bytes.into());
    let (file, page) = tokio::join!(file, web_book::of_book(attempt));
    let (file, page) = (file?, page?);
    Ok(Completion {
        url: Some(file.url),
        metadata: Some(json!({ "htmlUrl": page })),
        bytes: Some(file.bytes),
        sha256: Some(file.sha256),
        ..Completion::default()
    })
}

/// The language of a text as a tag of BCP 47. What was written counts, for it may not be what was asked for.
pub(super) fn language<'a>(story: &'a StoryContext, text: &StoryText) -> &'a str {
    match language_of(&whole_text(text)) {
        UNDETERMINED => story.work.request.language().unwrap_or(UNDETERMINED),
        told => told,
    }
}

/// All that is printed of the story, to tell its language from.
fn whole_text(text: &StoryText) -> String {
    let beats = text.beats.iter().map(|beat| beat.text.as_str());
    let texts = beats.chain([text.title.as_str(), text.moral.as_str()]);
    texts.collect::<Vec<_>>().join("\n")
}

fn picture(bytes: Bytes, description: &str) -> Picture {
    Picture {
        bytes: bytes.to_vec(),
        description: Some(description.to_owned()),
    }
}

fn beats(story: &StoryContext, text: &StoryText, scenes: Vec<Option<Bytes>>) -> Vec<Beat> {
    let indexed = text.beats.iter().zip(scenes).enumerate();
    indexed
        .map(|(index, (beat, scene))| Beat {
            heading: beat.heading.clone(),
            text: beat.text.clone(),
            // The lines stand in the text already.
            dialogue: Vec::new(),
            picture: scene.map(|scene| picture(scene, &beat.scene_description)),
            colors: AssetType::from_picture_index(index + 1)
                .map_or(DEFAULT_PALETTE, |asset| colors(story, asset)),
        })
        .collect()
}

fn colors(story: &StoryContext, asset: AssetType) -> [HexColor; 3] {
    parse_palette(&story.colors_of(asset)).unwrap_or(DEFAULT_PALETTE)
}

fn questions(story: &StoryContext) -> Vec<String> {
    let data = story
        .asset(AssetType::Activities)
        .and_then(|view| view.data.as_ref());
    let activities = data.and_then(|data| Activities::deserialize(data).ok());
    activities
        .map(|activities| {
            activities
                .questions
                .into_iter()
                .map(|question| question.question)
                .collect()
        })
        .unwrap_or_default()
}
