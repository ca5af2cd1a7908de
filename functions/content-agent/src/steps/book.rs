//! The printable book: text, pictures and questions as one PDF.

use crate::{failure::StepError, studio::Studio};
use bytes::Bytes;
use domain::{
    AssetType,
    story::{Activities, StoryText},
};
use render::{
    book::{Beat, Book, PdfOptions, Phrases, Picture, RenderError, pdf},
    colors::HexColor,
    language::language_of,
};
use serde::Deserialize;
use store::{AssetVersion, Completion, FileKind, LeasedJob};

pub(crate) async fn bind(studio: &Studio, job: &LeasedJob) -> Result<Completion, StepError> {
    let story = studio.text()?;
    let cover = studio
        .printable(AssetType::Cover)
        .await?
        .ok_or(StepError::MissingInput)?;
    let scenes = futures::future::try_join_all((1..=story.beats.len()).map(|index| async move {
        match AssetType::from_picture_index(index) {
            Some(asset) => studio.printable(asset).await,
            None => Ok(None),
        }
    }))
    .await?;
    let palette = colors(studio, AssetType::Cover);
    let book = Book {
        title: story.title.clone(),
        subtitle: None,
        dedication: None,
        hero_names: studio
            .story
            .characters
            .iter()
            .map(|character| character.name.clone())
            .collect(),
        cover: Some(picture(cover, &story.title)),
        beats: beats(studio, story, scenes),
        moral: Some(story.moral.clone()).filter(|moral| !moral.trim().is_empty()),
        questions: questions(studio),
        palette,
    };
    let language = language_of(&whole_text(story));
    let options = PdfOptions {
        language: language.to_owned(),
        phrases: Phrases::in_language(language),
        document_id: Some(job.story_id.to_string()),
        ..PdfOptions::default()
    };
    let place = studio.deps.darkroom.place().await;
    let bytes = place
        .now(move || pdf(&book, &options))
        .await?
        .map_err(|error| match error {
            RenderError::MissingLetters { scripts } => StepError::MissingLetters { scripts },
            error => StepError::Book(error.into()),
        })?;
    let version = AssetVersion::made_by(job);
    let files = &studio.deps.files;
    let file = files
        .put_public(&version, FileKind::Pdf, bytes.into())
        .await?;
    Ok(Completion {
        url: Some(file.url),
        bytes: Some(file.bytes),
        sha256: Some(file.sha256),
        ..Completion::default()
    })
}

/// All that is printed of the story, to tell its language from.
fn whole_text(story: &StoryText) -> String {
    let beats = story.beats.iter().map(|beat| beat.text.as_str());
    let texts = beats.chain([story.title.as_str(), story.moral.as_str()]);
    texts.collect::<Vec<_>>().join("\n")
}

fn picture(bytes: Bytes, description: &str) -> Picture {
    Picture {
        bytes: bytes.to_vec(),
        description: Some(description.to_owned()),
    }
}

fn beats(studio: &Studio, story: &StoryText, scenes: Vec<Option<Bytes>>) -> Vec<Beat> {
    let indexed = story.beats.iter().zip(scenes).enumerate();
    indexed
        .map(|(index, (beat, scene))| Beat {
            heading: beat.heading.clone(),
            text: beat.text.clone(),
            // The lines stand in the text already.
            dialogue: Vec::new(),
            picture: scene.map(|scene| picture(scene, &beat.scene_description)),
            colors: AssetType::from_picture_index(index + 1)
                .map_or(FALLBACK, |asset| colors(studio, asset)),
        })
        .collect()
}

const FALLBACK: [HexColor; 3] = [
    HexColor::new(0x2b, 0x3a, 0x67),
    HexColor::new(0x6a, 0x3d, 0x5b),
    HexColor::new(0x2f, 0x5d, 0x50),
];

fn colors(studio: &Studio, asset: AssetType) -> [HexColor; 3] {
    let known = studio.colors_of(asset);
    let parsed: Vec<HexColor> = known
        .iter()
        .filter_map(|color| color.parse().ok())
        .collect();
    parsed.try_into().unwrap_or(FALLBACK)
}

fn questions(studio: &Studio) -> Vec<String> {
    let data = studio
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
