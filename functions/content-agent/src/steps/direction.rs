//! The art direction of pictures, made once and kept with the jobs that asked for it.
//!
//! Pass 1 finds a motif and five colour moods in the story's outline; pass 2 looks at each scene as a camera would. Neither
//! needs the other, so both are asked at once; the other four scenes are looked at while the cover is being drawn, each as
//! soon as its beat is written.

use crate::{attempt::Attempt, failure::StepError, prompt};
use domain::story::{BEATS, PaletteJourney, SceneAnalysis};
use futures::future::join_all;
use providers::TextModelRole;
use serde_json::json;

/// What picture `index` is drawn from: the palette journey of the story and the analysis of its scene. Both passes are
/// asked at once, and what was bought is checkpointed in one round trip before anything builds on it.
pub(super) async fn direct(
    attempt: &Attempt,
    index: usize,
) -> Result<(PaletteJourney, SceneAnalysis), StepError> {
    let art = &attempt.story.art;
    let were_known = art.step(index).is_some() && art.scene(index).is_some();
    let (journey, analysis) = tokio::join!(find_journey(attempt), analyse_scene(attempt, index));
    // A failed call may have been billed as well, and a good answer beside it is not to be bought again.
    if !were_known || !attempt.usage.unrecorded().is_empty() {
        let metadata = journey.as_ref().ok().map(|journey| {
            let mood = journey.steps.get(index).map(|step| &step.name);
            json!({"motif": journey.motif, "paletteStep": mood, "analysisComplete": analysis.is_ok()})
        });
        attempt.checkpoint(art.checkpoint(), 25, metadata).await?;
    }
    Ok((journey?.clone(), analysis?))
}

/// Looks at the four scenes while the cover is being drawn, and saves all of them in one round trip. Not sooner: by then
/// the account has shown that it has money, which a few calls should find out and not all of them.
pub(super) async fn analyse_scenes_ahead(attempt: &Attempt) -> Result<(), StepError> {
    let art = &attempt.story.art;
    let unknown = (1..=BEATS).filter(|index| art.scene(*index).is_none());
    let answers = join_all(unknown.map(|index| analyse_scene(attempt, index))).await;
    let mut is_any_new = false;
    for answer in answers {
        match answer {
            Ok(_) => is_any_new = true,
            Err(error) => {
                tracing::warn!(
                    error = runtime::chain(&error),
                    "A scene will be looked at by its own job"
                )
            }
        }
    }
    if !is_any_new {
        return Ok(());
    }
    attempt.checkpoint(art.checkpoint(), 40, None).await
}

/// Pass 1, unless it is known.
async fn find_journey(attempt: &Attempt) -> Result<&PaletteJourney, StepError> {
    attempt.story.art.journey(|| ask_journey(attempt)).await
}

async fn ask_journey(attempt: &Attempt) -> Result<PaletteJourney, StepError> {
    let story = &attempt.story;
    let question = prompt::palette_journey(&story.plot()?);
    let usable = |journey: PaletteJourney| {
        journey.check()?;
        Ok(journey)
    };
    let (journey, tokens) = attempt
        .ask_usable(TextModelRole::Analysis, question, usable)
        .await?;
    let mut characters = story.work.characters.iter();
    // A name is a user's, and stands in no log.
    let motif = if characters.any(|character| journey.motif.contains(&character.name)) {
        "(names a character)"
    } else {
        &journey.motif
    };
    tracing::info!(target: "AssetGenerationPipeline", motif,
        paletteSteps = journey.steps.len(), tokensUsed = tokens, "Story palette journey generated");
    Ok(journey)
}

/// Pass 2 for one scene, unless it is known.
async fn analyse_scene(attempt: &Attempt, index: usize) -> Result<SceneAnalysis, StepError> {
    let story = &attempt.story;
    if let Some(known) = story.art.scene(index) {
        return Ok(known);
    }
    let characters = &story.work.characters;
    let question = match index.checked_sub(1) {
        None => prompt::cover_analysis(&story.plot()?, characters),
        Some(beat) => prompt::scene_analysis(&story.beat(beat).await?, characters, index),
    };
    let usable = |analysis: SceneAnalysis| {
        analysis.check()?;
        Ok(analysis)
    };
    let (analysis, tokens) = attempt
        .ask_usable(TextModelRole::Analysis, question, usable)
        .await?;
    let length = serde_json::to_string(&analysis)?.len();
    tracing::info!(target: "AssetGenerationPipeline", isCover = index == 0,
        outputLength = length, tokensUsed = tokens, "Scene analysis complete");
    if index == 0 {
        tracing::info!(target: "AssetGenerationPipeline", analysisLength = length, "Cover scene analysis complete");
    }
    story.art.keep_scene(index, analysis.clone());
    Ok(analysis)
}
