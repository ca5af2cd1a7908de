//! Cover and scenes: art direction, picture, and a check of every picture before it is published.

mod check;
mod drafts;
mod drawing;
mod preview;
mod record;
pub(crate) mod sheet;

use super::direction;
use crate::{
    attempt::Attempt,
    failure::StepError,
    prompt::{self, PictureBrief, Wording},
    references::{self, UserReference},
    stand_in_names::HidesNames,
    story_context::StoryContext,
};
use bytes::Bytes;
use check::{Developed, check_and_develop, develop_checked};
use domain::{AssetType, reason::Reason};
use drafts::Drafts;
use drawing::Drawing;
use providers::{CallCount, PictureBytes, PictureFormat, Previews, References};
use record::{Finding, Purchase};
use render::colors::HexColor;
use serde_json::{Value, json};
use std::time::Instant;
use store::{Completion, Draft, FileKind, StoredFile};

pub(super) async fn draw(attempt: &Attempt) -> Result<Completion, StepError> {
    let (story, job) = (&attempt.story, &attempt.job);
    let index = job
        .asset_type
        .picture_index()
        .ok_or(StepError::MissingInput)?;
    let (journey, analysis) = direction::direct(attempt, index).await?;
    let step = journey.steps.get(index).ok_or(StepError::MissingInput)?;
    let scene = match index.checked_sub(1) {
        None => story.title()?.to_owned(),
        Some(beat) => story.beat(beat).await?.scene_description,
    };
    let (references, brought) = references(story, job.asset_type).await?;
    let brief = PictureBrief {
        index,
        characters: &story.work.characters,
        step,
        motif: &journey.motif,
        analysis: &analysis,
        scene: &scene,
        style: job.options["style"]
            .as_str()
            .or_else(|| story.work.request.style()),
        has_reference: !matches!(references, References::None),
    };
    let drawing = draw_until_accepted(attempt, &brief, references);
    let accepted = if index == 0 {
        tracing::info!(target: "AssetGenerationPipeline", "Generating cover with GLOBAL_STYLE, references, and validation");
        let (accepted, ahead) = tokio::join!(drawing, direction::analyse_scenes_ahead(attempt));
        // What was to be saved ahead is bought again at worst: no reason to lose a picture.
        if let Err(error) = ahead {
            tracing::warn!(
                error = runtime::chain(&error),
                "Scenes will be looked at by their own jobs"
            );
        }
        accepted?
    } else {
        drawing.await?
    };

    let Accepted {
        picture,
        published:
            Published {
                file,
                screen,
                thumbnail,
            },
        developed,
        validation,
        prompt,
        wording,
    } = accepted;
    if job.asset_type == AssetType::Cover {
        story.keep_picture(&file.url, picture);
    }
    story.keep_print(&file.url, developed.print);
    preview::end(attempt).await;
    let mut metadata = json!({"paletteStep": step.name, "motif": journey.motif, "analysisComplete": true, "validation": validation,
        "screenUrl": screen, "thumbnailUrl": thumbnail});
    if let Some(unused) = story.unused_references.describe(brought) {
        metadata["unusedReferences"] = unused;
    }
    if wording != Wording::Full {
        metadata["wording"] = json!(wording);
    }
    let colors = developed.colors.iter().map(HexColor::to_string);
    Ok(Completion {
        url: Some(file.url),
        colors: Some(colors.collect()),
        metadata: Some(metadata),
        prompt: Some(prompt),
        bytes: Some(file.bytes),
        sha256: Some(file.sha256),
        ..Completion::default()
    })
}

/// Characters' sheets and pictures for the cover, and what users brought of them; the cover alone for the scenes, which forces new poses
/// (S1-110).
async fn references(
    story: &StoryContext,
    asset: AssetType,
) -> Result<(References, &[UserReference]), StepError> {
    if asset != AssetType::Cover
        && let Some(cover) = story.picture(AssetType::Cover).await?
    {
        return Ok((References::Picture(cover), &[]));
    }
    let brought = story.references().await?;
    let references = match references::with_sheets(&story.deps, &story.work, brought).await? {
        pictures if pictures.is_empty() => References::None,
        pictures => References::Pictures(pictures),
    };
    Ok((references, brought))
}

/// A picture that passed its check, or the best of those that did not where that is to be shown.
struct Accepted {
    picture: PictureBytes,
    published: Published,
    developed: Developed,
    /// What was found of it and of those before it.
    validation: Value,
    /// What it was asked for in.
    prompt: String,
    wording: Wording,
}

/// Draws until a picture passes its check. Each one is kept as a draft while it is checked, before anything else is
/// bought, and published once it has passed: one copy inside the bucket is all that stands between the verdict and the
/// database.
async fn draw_until_accepted(
    attempt: &Attempt,
    brief: &PictureBrief<'_>,
    references: References,
) -> Result<Accepted, StepError> {
    let (story, job) = (&attempt.story, &attempt.job);
    let wished = match job.options["simplifyPrompt"] == true {
        true => Wording::Plain,
        false => Wording::Full,
    };
    let prompt = prompt::words(brief, wished);
    let mut drafts = Drafts::of(attempt, prompt.clone(), &references);
    let mut found = drafts.find_earlier_picture().await?;
    let prices = &attempt.deps().config.prices;
    let pictures = HidesNames {
        model: story.deps.pictures.as_ref(),
        names: &story.names,
    };
    let mut drawing = Drawing {
        pictures: &pictures,
        brief,
        references,
        unused: &story.unused_references,
        wording: drafts.wording(wished),
        prices,
        left_usd: 0.0,
        sent: CallCount::default(),
        deadline: story.deadline.instant(),
        prompt,
        previews: Previews::default(),
        orders: drafts.orders(),
    };
    while let Some(number) = drafts.next_try() {
        // A draft that an earlier attempt left has no verdict yet.
        let next = match found.take() {
            Some((picture, draft)) => {
                drafts.note_found(prices.least_picture_usd(None, &drawing.references));
                Ok((picture, Purchase::default(), Some(draft)))
            }
            None if !has_money(attempt, &drafts, &drawing) => break,
            None => buy_picture(attempt, &mut drawing, &mut drafts)
                .await
                .map(|(picture, purchase)| (picture, purchase, None)),
        };
        let (picture, purchase, known) = match next {
            // It was paid for and cannot be read; the reason for it may pass.
            Err(StepError::Picture(error)) => {
                drafts.note_unreadable(number, error).await?;
                continue;
            }
            next => next?,
        };
        attempt.note_progress(70);
        let storing = async {
            match known {
                Some(draft) => Ok(draft),
                None => drafts.store(number, &picture).await,
            }
        };
        let shown = match drawing.wording.shows_characters() {
            true => brief.characters,
            false => &[],
        };
        let checked = check_and_develop(attempt, &picture, shown, storing).await;
        let (draft, developed, verdict) = match checked {
            // Its header promised more than its body holds. It is not stored: a retry would only find it again.
            Err(StepError::Picture(error)) => {
                drafts.note_unreadable(number, error).await?;
                continue;
            }
            checked => checked?,
        };
        let config = &attempt.deps().config;
        let strictness = &config.trait_strictness;
        let asked = prompt::checked_traits(shown, strictness);
        let mut finding = Finding::new(number, verdict, asked, strictness, purchase);
        let is_last = number >= config.picture_tries;
        finding.passed |= is_last && finding.lacks_only_what_is_wanted();
        if finding.passed {
            let validation = drafts.validation(Some(&finding));
            return Ok(Accepted {
                picture,
                published: publish(attempt, &draft, &developed).await?,
                developed,
                validation,
                prompt: drawing.prompt,
                wording: drawing.wording,
            });
        }
        tracing::warn!(
            attempt = number,
            isSafe = finding.safe,
            missingTraits = finding.missing(),
            feedbackLength = finding.feedback.len(),
            "Picture did not pass its check"
        );
        drafts.reject(&draft, finding).await?;
    }
    if let Some((picture, draft)) = drafts.find_best_rejected().await? {
        tracing::warn!("No picture passed its check, the best of them is shown");
        let developed = develop_checked(attempt, &picture).await?;
        return Ok(Accepted {
            published: publish(attempt, &draft, &developed).await?,
            developed,
            picture,
            validation: drafts.validation(None),
            prompt: drawing.prompt,
            wording: drawing.wording,
        });
    }
    Err(drafts.outcome())
}

/// Whether what is left of the picture's money reaches for another try.
fn has_money(attempt: &Attempt, drafts: &Drafts<'_>, drawing: &Drawing<'_>) -> bool {
    let prices = &attempt.deps().config.prices;
    let needed_usd = prices.least_picture_usd(None, &drawing.references);
    let left_usd = drafts.left_usd();
    if needed_usd > left_usd {
        tracing::warn!(
            leftUsd = left_usd,
            neededUsd = needed_usd,
            "No money is left for another picture"
        );
    }
    needed_usd <= left_usd
}

async fn buy_picture(
    attempt: &Attempt,
    drawing: &mut Drawing<'_>,
    drafts: &mut Drafts<'_>,
) -> Result<(PictureBytes, Purchase), StepError> {
    let mut billed = Vec::new();
    let (begun, sent) = (Instant::now(), drawing.sent.get());
    drawing.left_usd = drafts.left_usd();
    let wording = drawing.wording;
    let picture = preview::show_while(attempt, drawing, &drafts.feedback(), &mut billed).await;
    if drawing.wording != wording {
        attempt.shown.note_reason(Reason::RefusedByFilter);
    }
    // The lease, or the rejection before it, spoke for one request.
    let requests = drawing.sent.get().saturating_sub(sent);
    attempt.note_extra_calls(requests.saturating_sub(1) as usize, 0);
    let prices = &attempt.deps().config.prices;
    let entries = billed
        .iter()
        .map(|call| crate::usage::picture(call, prices));
    let entries: Vec<_> = entries.collect();
    let purchase = Purchase {
        model: entries.last().map(|entry| entry.model.clone()),
        cost_usd: Some(entries.iter().map(|entry| entry.cost_usd).sum()),
    };
    attempt.usage.add(entries);
    let cost_usd = purchase.cost_usd.unwrap_or_default();
    let picture = match picture {
        Ok(picture) => picture,
        Err(error) => {
            let took = begun.elapsed();
            let is_over = drafts.note_failed(cost_usd, took, drawing.wording).await?;
            return Err(match is_over && error.is_retryable() {
                true => StepError::OutOfTime(error),
                false => error.into(),
            });
        }
    };
    drafts.note_bought(cost_usd, drawing.wording).await?;
    Ok((convert_to_png(attempt, picture).await?, purchase))
}

/// As it is kept and sent on. A model may answer in another format than it was asked for.
async fn convert_to_png(
    attempt: &Attempt,
    picture: PictureBytes,
) -> Result<PictureBytes, StepError> {
    if picture.format() == PictureFormat::Png {
        return Ok(picture);
    }
    let converting = move || {
        let pixels = render::picture::decode(picture.bytes())?;
        render::picture::png(&pixels)
    };
    let permit = attempt.deps().decode_pool.acquire().await;
    let bytes = permit.run_urgent(converting).await?;
    let bytes = bytes.map_err(|error| StepError::Picture(error.into()))?;
    PictureBytes::parse(bytes.into()).map_err(|error| StepError::Picture(error.into()))
}

/// A picture where the CDN serves it, and the addresses of what screens show of it.
struct Published {
    file: StoredFile,
    screen: String,
    thumbnail: String,
}

/// Publishes a picture, and what screens show of it beside it, all at once.
async fn publish(
    attempt: &Attempt,
    draft: &Draft,
    developed: &Developed,
) -> Result<Published, StepError> {
    let (files, version) = (&attempt.deps().files, attempt.version());
    let original = files.to_be_published(&version, draft);
    let beside = |kind, bytes: &Bytes| files.put_beside(&original, kind, bytes.clone());
    let (file, screen, thumbnail) = tokio::try_join!(
        files.publish(&version, draft),
        beside(FileKind::Jpeg, &developed.screen),
        beside(FileKind::Thumbnail, &developed.thumbnail),
    )?;
    Ok(Published {
        file,
        screen: screen.url,
        thumbnail: thumbnail.url,
    })
}

#[cfg(test)]
mod tests;
