//! Art direction of a story: passes 1 and 2 of its pictures, made once and kept with the cover's job.
//!
//! Pass 1 finds a motif and five colour moods in the whole text; pass 2 looks at each scene as a camera would. The cover
//! needs the first mood and its own scene only, so the other four scenes are looked at while the cover is being drawn.

use crate::{
    failure::StepError,
    prompt,
    studio::{Question, Studio},
};
use domain::story::{PaletteJourney, SceneAnalysis};
use providers::TextModelRole;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use store::{LeasedJob, Paid};

/// What is known so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Art {
    pub(crate) journey: Option<PaletteJourney>,
    /// By picture index, 0 for the cover.
    pub(crate) scenes: BTreeMap<usize, SceneAnalysis>,
}

impl Art {
    /// From an earlier attempt; something unreadable is simply made again.
    pub(crate) fn from_checkpoint(checkpoint: &Value) -> Self {
        Self::deserialize(checkpoint).unwrap_or_default()
    }

    fn checkpoint(&self) -> Value {
        json!({"art": self})
    }
}

/// The palette journey of the story, asked for once and checkpointed before anything builds on it.
pub(crate) async fn journey(
    studio: &Studio,
    job: &LeasedJob,
    usage: &mut Vec<Paid>,
) -> Result<PaletteJourney, StepError> {
    let mut art = studio.art.lock().await;
    if let Some(journey) = &art.journey {
        return Ok(journey.clone());
    }
    let (journey, tokens) = studio
        .ask::<PaletteJourney>(
            TextModelRole::Analysis,
            prompt::palette_journey(studio.text()?),
            usage,
        )
        .await?;
    journey.check()?;
    let names = studio
        .story
        .characters
        .iter()
        .map(|character| character.name.as_str());
    let motif = if names.clone().any(|name| journey.motif.contains(name)) {
        "(names a character)"
    } else {
        &journey.motif
    };
    tracing::info!(target: "AssetGenerationPipeline", storyId = %job.story_id, jobId = %job.job_id, motif,
        paletteSteps = journey.steps.len(), tokensUsed = tokens, "Story palette journey generated");
    art.journey = Some(journey.clone());
    let metadata = json!({"motif": journey.motif, "paletteStep": step_name(&journey, job), "analysisComplete": false});
    studio
        .checkpoint(job, art.checkpoint(), 10, Some(metadata), usage)
        .await?;
    Ok(journey)
}

/// The analysis of one scene, made now if it is not known.
pub(crate) async fn scene(
    studio: &Studio,
    job: &LeasedJob,
    index: usize,
    usage: &mut Vec<Paid>,
) -> Result<SceneAnalysis, StepError> {
    if let Some(known) = studio.art.lock().await.scenes.get(&index) {
        return Ok(known.clone());
    }
    let analysis = ask_scene(studio, job, index, usage).await?;
    let journey_known = {
        let mut art = studio.art.lock().await;
        art.scenes.insert(index, analysis.clone());
        art.clone()
    };
    let metadata = json!({"analysisComplete": true});
    studio
        .checkpoint(job, journey_known.checkpoint(), 25, Some(metadata), usage)
        .await?;
    Ok(analysis)
}

/// Looks at the four scenes while the cover is being drawn, and saves all of them in one round trip.
pub(crate) async fn scenes_ahead(studio: &Studio, job: &LeasedJob) -> Result<(), StepError> {
    let known = studio.art.lock().await.scenes.clone();
    let unknown: Vec<usize> = (1..=domain::story::BEATS)
        .filter(|index| !known.contains_key(index))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let asked = futures::future::join_all(unknown.iter().map(|&index| async move {
        let mut usage = Vec::new();
        let analysis = ask_scene(studio, job, index, &mut usage).await;
        (index, analysis, usage)
    }))
    .await;

    let mut usage = Vec::new();
    let art = {
        let mut art = studio.art.lock().await;
        for (index, analysis, paid) in asked {
            usage.extend(paid);
            // A scene that could not be looked at now is looked at when its own job starts.
            if let Ok(analysis) = analysis {
                art.scenes.insert(index, analysis);
            }
        }
        art.clone()
    };
    studio
        .checkpoint(job, art.checkpoint(), 40, None, &mut usage)
        .await
}

async fn ask_scene(
    studio: &Studio,
    job: &LeasedJob,
    index: usize,
    usage: &mut Vec<Paid>,
) -> Result<SceneAnalysis, StepError> {
    let question: Question =
        prompt::scene_analysis(studio.text()?, &studio.story.characters, index);
    let (analysis, tokens) = studio
        .ask::<SceneAnalysis>(TextModelRole::Analysis, question, usage)
        .await?;
    let length = serde_json::to_string(&analysis)?.len();
    tracing::info!(target: "AssetGenerationPipeline", storyId = %job.story_id, jobId = %job.job_id, isCover = index == 0,
        outputLength = length, tokensUsed = tokens, "Scene analysis complete");
    if index == 0 {
        tracing::info!(target: "AssetGenerationPipeline", storyId = %job.story_id, jobId = %job.job_id,
            analysisLength = length, "Cover scene analysis complete");
    }
    Ok(analysis)
}

/// The mood of the picture a job makes.
pub(crate) fn step_name(journey: &PaletteJourney, job: &LeasedJob) -> Option<String> {
    Some(
        journey
            .steps
            .get(job.asset_type.picture_index()?)?
            .name
            .clone(),
    )
}
