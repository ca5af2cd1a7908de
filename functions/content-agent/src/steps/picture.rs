//! Cover and scenes: passes 1 to 3, with a check of every picture before it is published.

use crate::{
    art,
    config::ImageFallback,
    failure::StepError,
    prompt::{self, PictureBrief},
    steps::drawing::Drawing,
    studio::Studio,
};
use bytes::Bytes;
use domain::{AssetType, story::PaletteStep};
use providers::{PictureBytes, PictureFormat, References, TextModelRole};
use render::{
    colors::{HexColor, deep_colors_of},
    picture::{PictureError, RgbImage},
};
use serde::Deserialize;
use serde_json::json;
use store::{AssetFiles, Completion, FileKind, LeasedJob, Paid, Placeholder, StoredFile};

/// Pictures drawn within one attempt until one passes its check (S1-073).
const TRIES: u32 = 3;
/// Longest side, in pixels, of what is sent to be checked: "low detail" is 512 x 512 (OpenAI, images and vision guide).
const PREVIEW_SIDE: u32 = 512;
/// Reference pictures a provider takes in one edit.
const REFERENCES_MAX: usize = 16;

#[derive(Deserialize)]
struct Check {
    passed: bool,
    feedback: String,
}

pub(crate) async fn draw(
    studio: &Studio,
    job: &LeasedJob,
    usage: &mut Vec<Paid>,
) -> Result<Completion, StepError> {
    let index = job
        .asset_type
        .picture_index()
        .ok_or(StepError::MissingInput)?;
    let (journey, analysis) = art::direction(studio, job, index, usage).await?;
    let step = journey.steps.get(index).ok_or(StepError::MissingInput)?;
    let story = studio.text()?;
    let references = references(studio, job.asset_type).await?;
    let brief = PictureBrief {
        index,
        characters: &studio.story.characters,
        step,
        motif: &journey.motif,
        analysis: &analysis,
        scene: index.checked_sub(1).map_or(story.title.as_str(), |beat| {
            story.beats[beat].scene_description.as_str()
        }),
        style: job.options["style"].as_str(),
        has_reference: !matches!(references, References::None),
    };
    if index == 0 {
        tracing::info!(target: "AssetGenerationPipeline", storyId = %job.story_id, jobId = %job.job_id,
            "Generating cover with GLOBAL_STYLE, references, and validation");
    }
    let takes_users_references = matches!(references, References::Urls(_));
    let drawn = drawn(studio, job, &brief, references, usage);
    let drawn = if index == 0 {
        let (drawn, ahead) = tokio::join!(drawn, art::scenes_ahead(studio, job));
        if let Err(error) = ahead {
            tracing::warn!(storyId = %job.story_id, error = runtime::chain(&error), "Scenes will be looked at by their own jobs");
        }
        drawn?
    } else {
        drawn.await?
    };

    studio
        .keep(job.asset_type, drawn.picture, drawn.developed.print)
        .await;
    let mut metadata =
        json!({"paletteStep": step.name, "motif": journey.motif, "analysisComplete": true});
    if takes_users_references
        && let Some(unused) = studio.unused_references.told(&studio.story.characters)
    {
        metadata["unusedReferences"] = unused;
    }
    Ok(Completion {
        url: Some(drawn.file.url),
        colors: Some(
            drawn
                .developed
                .colors
                .iter()
                .map(HexColor::to_string)
                .collect(),
        ),
        metadata: Some(metadata),
        bytes: Some(drawn.file.bytes),
        sha256: Some(drawn.file.sha256),
        ..Completion::default()
    })
}

/// A picture that passed its check.
struct Drawn {
    picture: PictureBytes,
    file: StoredFile,
    developed: Developed,
}

/// What is made of a picture once it is decoded: its colours, and a JPEG that the book is bound from.
struct Developed {
    colors: [HexColor; 3],
    print: Bytes,
}

/// The pixels, and a small JPEG: the check is asked for at low detail, which is no more than these.
fn preview(picture: &PictureBytes) -> Result<(RgbImage, Bytes), PictureError> {
    let pixels = render::picture::decode(picture.bytes())?;
    let preview = render::picture::screen_jpeg(&render::picture::within(&pixels, PREVIEW_SIDE))?;
    Ok((pixels, preview.into()))
}

fn develop(pixels: &RgbImage) -> Result<Developed, PictureError> {
    Ok(Developed {
        colors: deep_colors_of(pixels),
        print: render::picture::jpeg(pixels)?.into(),
    })
}

/// Characters' pictures for the cover; the cover alone for the scenes, which forces new poses (S1-110).
async fn references(studio: &Studio, asset: AssetType) -> Result<References, StepError> {
    if asset != AssetType::Cover
        && let Some(cover) = studio.picture(AssetType::Cover).await?
    {
        return Ok(References::Picture(cover));
    }
    let urls: Vec<_> = studio
        .story
        .characters
        .iter()
        .flat_map(|character| &character.reference_images)
        .collect();
    if urls.is_empty() {
        return Ok(References::None);
    }
    Ok(References::Urls(
        urls.into_iter().take(REFERENCES_MAX).cloned().collect(),
    ))
}

/// Draws until a picture passes its check. Each one is stored while it is checked, before anything else is bought.
async fn drawn(
    studio: &Studio,
    job: &LeasedJob,
    brief: &PictureBrief<'_>,
    references: References,
    usage: &mut Vec<Paid>,
) -> Result<Drawn, StepError> {
    let softened = job.options["simplifyPrompt"] == true;
    let mut feedback = String::new();
    let mut found = drawn_before(studio, job).await?;
    let mut problem = StepError::CheckFailed;
    let mut drawing = Drawing {
        pictures: studio.deps.pictures.as_ref(),
        job,
        brief,
        references,
        unused: &studio.unused_references,
        softened,
        deadline: studio.deadline.instant(),
    };
    for attempt in 1..=TRIES {
        let (picture, known_file) = match found.take() {
            Some((picture, file)) => (picture, Some(file)),
            None => {
                let mut billed = Vec::new();
                let picture = drawing.picture(&feedback, &mut billed).await;
                usage.extend(billed.iter().map(crate::paid::picture));
                match as_png(studio, picture?).await {
                    Ok(picture) => (picture, None),
                    Err(unreadable @ StepError::Picture(_)) => {
                        problem = unreadable;
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        studio.note_progress(job, 70);
        let examined = examined(studio, job, attempt, &picture, known_file, usage).await;
        let (file, developed, check) = match examined {
            // Its header promised more than its body holds. It is not stored: a retry would only find it again.
            Err(unreadable @ StepError::Picture(_)) => {
                tracing::warn!(storyId = %job.story_id, jobId = %job.job_id, assetType = %job.asset_type, attempt,
                    error = runtime::chain(&unreadable), "Picture cannot be read, drawing another");
                problem = unreadable;
                continue;
            }
            examined => examined?,
        };
        if check.passed {
            return Ok(Drawn {
                picture,
                file,
                developed,
            });
        }
        tracing::warn!(storyId = %job.story_id, jobId = %job.job_id, assetType = %job.asset_type, attempt,
            feedbackLength = check.feedback.len(), "Picture did not pass its check");
        problem = StepError::CheckFailed;
        feedback = format!(
            "\n\nFeedback: {}",
            check
                .feedback
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        );
    }
    Err(problem)
}

/// As it is kept and sent on. A model may answer in another format than it was asked for.
async fn as_png(studio: &Studio, picture: PictureBytes) -> Result<PictureBytes, StepError> {
    if picture.format() == PictureFormat::Png {
        return Ok(picture);
    }
    let converted = move || {
        let pixels = render::picture::decode(picture.bytes())?;
        render::picture::png(&pixels)
    };
    let place = studio.deps.darkroom.place().await;
    let bytes = place.now(converted).await?;
    let bytes = bytes.map_err(|error| StepError::Picture(error.into()))?;
    PictureBytes::parse(bytes.into()).map_err(|error| StepError::Picture(error.into()))
}

async fn stored(
    studio: &Studio,
    job: &LeasedJob,
    attempt: u32,
    picture: &PictureBytes,
    known: Option<StoredFile>,
) -> Result<StoredFile, StepError> {
    if let Some(file) = known {
        return Ok(file);
    }
    let what = format!("a{}-{attempt}", job.attempt);
    let key = AssetFiles::key(
        job.story_id,
        job.asset_type,
        job.asset_version + 1,
        &what,
        FileKind::Png,
    );
    Ok(studio
        .deps
        .files
        .put(key, FileKind::Png, picture.bytes().clone())
        .await?)
}

/// The picture an earlier attempt paid for and could not publish.
async fn drawn_before(
    studio: &Studio,
    job: &LeasedJob,
) -> Result<Option<(PictureBytes, StoredFile)>, StepError> {
    if job.attempt <= 1 {
        return Ok(None);
    }
    let prefix = AssetFiles::prefix(job.story_id, job.asset_type, job.asset_version + 1);
    let keys = studio.deps.files.list(&prefix).await?;
    let Some(key) = keys.iter().rev().find(|key| !key.contains("placeholder")) else {
        return Ok(None);
    };
    let bytes = studio.deps.files.get(key).await?;
    let file = studio.deps.files.file(key.clone(), &bytes);
    let Ok(picture) = PictureBytes::parse(bytes) else {
        return Ok(None);
    };
    tracing::info!(storyId = %job.story_id, jobId = %job.job_id, "Picture of an earlier attempt found, not bought again");
    Ok(Some((picture, file)))
}

/// Asks whether the picture shows the characters as they are (traits that are switched off are not asked for), and stores
/// and develops it meanwhile.
async fn examined(
    studio: &Studio,
    job: &LeasedJob,
    attempt: u32,
    picture: &PictureBytes,
    known: Option<StoredFile>,
    usage: &mut Vec<Paid>,
) -> Result<(StoredFile, Developed, Check), StepError> {
    let unreadable = |error: PictureError| StepError::Picture(error.into());
    let place = studio.deps.darkroom.place().await;
    let undeveloped = picture.clone();
    let (pixels, preview) = place
        .now(move || preview(&undeveloped))
        .await?
        .map_err(unreadable)?;
    let question = prompt::image_check(
        job.asset_type.name(),
        &studio.story.characters,
        &studio.deps.config.unchecked_traits,
        preview,
    );
    let developing = async {
        let developed = place.in_time(move || develop(&pixels)).await;
        drop(place);
        developed
    };
    let checking = studio.ask::<Check>(TextModelRole::Analysis, question, usage);
    let storing = stored(studio, job, attempt, picture, known);
    let (file, developed, checked) = tokio::join!(storing, developing, checking);
    Ok((file?, developed?.map_err(unreadable)?, checked?.0))
}

/// A tasteful stand-in in the colours of the scene, unless the configuration prefers an empty place.
pub(crate) async fn placeholder(studio: &Studio, job: &LeasedJob) -> Option<Placeholder> {
    if studio.deps.config.image_fallback == ImageFallback::Fail {
        return None;
    }
    let index = job.asset_type.picture_index()?;
    let step = studio.art.step(index).await;
    let palette = step
        .and_then(|step| deep_palette(&step))
        .unwrap_or(DEFAULT_PALETTE);
    let place = studio.deps.darkroom.place().await;
    let drawn = place
        .now(move || render::placeholder::placeholder_png(1024, palette))
        .await;
    let key = AssetFiles::key(
        job.story_id,
        job.asset_type,
        job.asset_version + 1,
        &format!("placeholder-a{}", job.attempt),
        FileKind::Png,
    );
    let stored = match drawn {
        Ok(png) => studio
            .deps
            .files
            .put(key, FileKind::Png, png.into())
            .await
            .map_err(StepError::from),
        Err(error) => Err(error),
    };
    match stored {
        Ok(file) => {
            tracing::warn!(storyId = %job.story_id, assetType = %job.asset_type, "[preview-images] using generated placeholder for scene {index}");
            Some(Placeholder {
                url: file.url,
                colors: palette.iter().map(HexColor::to_string).collect(),
            })
        }
        Err(error) => {
            tracing::error!(storyId = %job.story_id, assetType = %job.asset_type, code = "placeholder_failed",
                error = runtime::chain(&error), "[preview-images] Even placeholder failed for scene {index}");
            None
        }
    }
}

/// Dusk over hills, for a story whose colours are not known yet.
const DEFAULT_PALETTE: [HexColor; 3] = [
    HexColor::new(0x2b, 0x3a, 0x67),
    HexColor::new(0x6a, 0x3d, 0x5b),
    HexColor::new(0x2f, 0x5d, 0x50),
];

pub(crate) fn deep_palette(step: &PaletteStep) -> Option<[HexColor; 3]> {
    let colors: Vec<HexColor> = step
        .colors
        .iter()
        .filter_map(|color| color.parse().ok())
        .collect();
    <[HexColor; 3]>::try_from(colors)
        .ok()
        .map(|colors| colors.map(HexColor::readable_under_white))
}
