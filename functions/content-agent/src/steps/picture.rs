//! Cover and scenes: passes 1 to 3, with a check of every picture before it is published.

use crate::{
    art,
    failure::StepError,
    prompt::{self, PictureBrief},
    steps::drawing::Drawing,
    studio::Studio,
};
use bytes::Bytes;
use domain::AssetType;
use providers::{PictureBytes, PictureFormat, References, TextModelRole};
use render::{
    colors::{HexColor, deep_colors_of},
    picture::{PictureError, RgbImage},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    AssetVersion, Completion, Draft, FileKind, Fingerprint, LeasedJob, StoredFile, UsageEntry,
};

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
    usage: &mut Vec<UsageEntry>,
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

    if job.asset_type == AssetType::Cover {
        studio.keep_picture(&drawn.file.url, drawn.picture);
    }
    studio.keep_print(&drawn.file.url, drawn.developed.print);
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

/// Draws until a picture passes its check. Each one is kept as a draft while it is checked, before anything else is
/// bought, and published once it has passed: one copy inside the bucket is all that stands between the verdict and the
/// database.
async fn drawn(
    studio: &Studio,
    job: &LeasedJob,
    brief: &PictureBrief<'_>,
    references: References,
    usage: &mut Vec<UsageEntry>,
) -> Result<Drawn, StepError> {
    let softened = job.options["simplifyPrompt"] == true;
    let mut feedback = String::new();
    let wish = wish(studio, brief, &references, softened);
    let rejected_before = Rejected::before(job, &wish);
    let mut found = drawn_before(studio, job, &wish).await?;
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
    for attempt in 1 + rejected_before..=TRIES {
        let (picture, known) = match found.take() {
            Some((picture, draft)) => (picture, Some(draft)),
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
        let storing = stored(studio, job, &wish, attempt, &picture, known);
        let examined = examined(studio, job, &picture, storing, usage).await;
        let (draft, developed, check) = match examined {
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
            let version = AssetVersion::made_by(job);
            let file = studio.deps.files.publish(&version, &draft).await?;
            return Ok(Drawn {
                picture,
                file,
                developed,
            });
        }
        tracing::warn!(storyId = %job.story_id, jobId = %job.job_id, assetType = %job.asset_type, attempt,
            feedbackLength = check.feedback.len(), "Picture did not pass its check");
        rejected(studio, job, &wish, &draft, attempt, usage).await?;
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

/// What decides how the pictures of an attempt turn out. What follows from answers (plainer words after a refusal, the
/// feedback of a check) follows for every attempt with the same wish.
fn wish(
    studio: &Studio,
    brief: &PictureBrief<'_>,
    references: &References,
    softened: bool,
) -> Fingerprint {
    let prompt = if softened {
        prompt::softened(brief)
    } else {
        prompt::picture(brief)
    };
    let models = studio.deps.config.image_models.join(",");
    let mut parts = vec![Bytes::from_static(b"picture"), prompt.into(), models.into()];
    match references {
        References::None => {}
        References::Urls(urls) => {
            parts.extend(urls.iter().map(|url| Bytes::from(url.to_string())));
        }
        References::Picture(picture) => parts.push(picture.bytes().clone()),
    }
    Fingerprint::of(parts)
}

/// How many pictures of one wish did not pass their check, kept with the job: three are drawn in all, however many
/// invocations it takes.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rejected {
    wish: String,
    rejected: u32,
}

impl Rejected {
    fn before(job: &LeasedJob, wish: &Fingerprint) -> u32 {
        Self::deserialize(&job.checkpoint["picture"])
            .ok()
            .filter(|known| known.wish == wish.to_string())
            .map_or(0, |known| known.rejected.min(TRIES - 1))
    }
}

/// Forgets a picture that did not pass its check, so that no later attempt finds it, and remembers that there was one.
async fn rejected(
    studio: &Studio,
    job: &LeasedJob,
    wish: &Fingerprint,
    draft: &Draft,
    attempt: u32,
    usage: &mut Vec<UsageEntry>,
) -> Result<(), StepError> {
    let known = Rejected {
        wish: wish.to_string(),
        // Whoever asks for it again after the last one has three tries again.
        rejected: attempt % TRIES,
    };
    let checkpoint = studio.checkpoint(job, json!({"picture": known}), 70, None, usage);
    let (discarded, remembered) = tokio::join!(studio.deps.files.discard(draft), checkpoint);
    if let Err(error) = discarded {
        // It is looked at again if an attempt finds it, and never published unseen.
        tracing::warn!(storyId = %job.story_id, jobId = %job.job_id, assetType = %job.asset_type,
            error = runtime::chain(&error), "Rejected picture could not be deleted; the bucket forgets it with the drafts");
    }
    remembered
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
    wish: &Fingerprint,
    attempt: u32,
    picture: &PictureBytes,
    known: Option<Draft>,
) -> Result<Draft, StepError> {
    if let Some(draft) = known {
        return Ok(draft);
    }
    let version = AssetVersion::made_by(job);
    let key = version.draft_key(wish, job.attempt, attempt, FileKind::Png);
    let bytes = picture.bytes().clone();
    let files = &studio.deps.files;
    Ok(files.put_draft(key, FileKind::Png, bytes).await?)
}

/// The picture an earlier attempt with the same wish paid for and could not publish.
async fn drawn_before(
    studio: &Studio,
    job: &LeasedJob,
    wish: &Fingerprint,
) -> Result<Option<(PictureBytes, Draft)>, StepError> {
    if job.attempt <= 1 {
        return Ok(None);
    }
    let (files, version) = (&studio.deps.files, AssetVersion::made_by(job));
    let mut keys = files.drafts(&version, wish, FileKind::Png).await?;
    let Some(key) = keys.pop() else {
        return Ok(None);
    };
    let (draft, bytes) = files.get_draft(key, FileKind::Png).await?;
    let Ok(picture) = PictureBytes::parse(bytes) else {
        return Ok(None);
    };
    tracing::info!(storyId = %job.story_id, jobId = %job.job_id, "Picture of an earlier attempt found, not bought again");
    Ok(Some((picture, draft)))
}

/// Asks whether the picture shows the characters as they are (traits that are switched off are not asked for), and stores
/// and develops it meanwhile.
async fn examined(
    studio: &Studio,
    job: &LeasedJob,
    picture: &PictureBytes,
    storing: impl Future<Output = Result<Draft, StepError>>,
    usage: &mut Vec<UsageEntry>,
) -> Result<(Draft, Developed, Check), StepError> {
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
    let (draft, developed, checked) = tokio::join!(storing, developing, checking);
    Ok((draft?, developed?.map_err(unreadable)?, checked?.0))
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
