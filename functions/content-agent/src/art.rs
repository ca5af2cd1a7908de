//! Art direction of a story: passes 1 and 2 of its pictures, made once and kept with the cover's job.
//!
//! Pass 1 finds a motif and five colour moods in the whole text; pass 2 looks at each scene as a camera would. Neither
//! needs the other, so both are asked at once; the other four scenes are looked at while the cover is being drawn.

use crate::{
    failure::StepError,
    prompt,
    studio::{Question, Studio},
};
use domain::story::{PaletteJourney, PaletteStep, SceneAnalysis};
use futures::future::join_all;
use providers::TextModelRole;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use store::{LeasedJob, UsageEntry};
use tokio::sync::Mutex;

/// What is known of it so far. The two passes need nothing of each other, so neither keeps the other waiting.
#[derive(Debug, Default)]
pub(crate) struct Art {
    /// Held while it is asked for: several jobs may need it, and it is paid for once.
    journey: Mutex<Option<PaletteJourney>>,
    /// By picture index, 0 for the cover.
    scenes: std::sync::Mutex<BTreeMap<usize, SceneAnalysis>>,
}

/// As it is kept in checkpoints.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    journey: Option<PaletteJourney>,
    scenes: BTreeMap<usize, SceneAnalysis>,
}

impl Art {
    /// From earlier attempts; something unreadable is simply made again.
    pub(crate) fn from_checkpoint(checkpoint: &Value) -> Self {
        let kept = Kept::deserialize(checkpoint).unwrap_or_default();
        Self {
            journey: Mutex::new(kept.journey),
            scenes: std::sync::Mutex::new(kept.scenes),
        }
    }

    /// Takes over what another invocation bought meanwhile.
    pub(crate) fn learn(&self, checkpoint: &Value) {
        let kept = Kept::deserialize(checkpoint).unwrap_or_default();
        // Whoever holds it asks for it just now.
        if let Ok(mut journey) = self.journey.try_lock()
            && journey.is_none()
        {
            *journey = kept.journey;
        }
        let mut scenes = self.scenes.lock().expect("no holder panics");
        for (index, analysis) in kept.scenes {
            scenes.entry(index).or_insert(analysis);
        }
    }

    async fn checkpoint(&self) -> Value {
        let kept = Kept {
            journey: self.journey.lock().await.clone(),
            scenes: self.scenes.lock().expect("no holder panics").clone(),
        };
        json!({"art": kept})
    }

    /// The mood of picture `index`, if it is known.
    pub(crate) async fn step(&self, index: usize) -> Option<PaletteStep> {
        let journey = self.journey.lock().await;
        journey.as_ref()?.steps.get(index).cloned()
    }

    #[cfg(test)]
    pub(crate) async fn motif(&self) -> Option<String> {
        let journey = self.journey.lock().await;
        Some(journey.as_ref()?.motif.clone())
    }

    fn scene(&self, index: usize) -> Option<SceneAnalysis> {
        let scenes = self.scenes.lock().expect("no holder panics");
        scenes.get(&index).cloned()
    }
}

/// What a picture is drawn from: the palette journey of the story and the analysis of its scene. Both passes are asked at
/// once, and what was bought is checkpointed in one round trip before anything builds on it.
pub(crate) async fn direction(
    studio: &Studio,
    job: &LeasedJob,
    index: usize,
    usage: &mut Vec<UsageEntry>,
) -> Result<(PaletteJourney, SceneAnalysis), StepError> {
    let own = async {
        match studio.art.scene(index) {
            Some(known) => (Ok(known), Vec::new()),
            None => scene(studio, job, index).await,
        }
    };
    let ((journey, mut paid), (analysis, paid_for_analysis)) =
        tokio::join!(journey(studio, job), own);
    paid.extend(paid_for_analysis);
    if !paid.is_empty() {
        let metadata = journey.as_ref().ok().map(|journey| {
            json!({"motif": journey.motif, "paletteStep": step_name(journey, job), "analysisComplete": analysis.is_ok()})
        });
        usage.append(&mut paid);
        studio
            .checkpoint(job, studio.art.checkpoint().await, 25, metadata, usage)
            .await?;
    }
    Ok((journey?, analysis?))
}

/// Looks at the four scenes while the cover is being drawn, and saves all of them in one round trip. Not sooner: by then
/// the account has shown that it has money, which a few calls should find out and not all of them.
pub(crate) async fn scenes_ahead(studio: &Studio, job: &LeasedJob) -> Result<(), StepError> {
    let unknown = (1..=domain::story::BEATS).filter(|index| studio.art.scene(*index).is_none());
    let looks = join_all(unknown.map(|index| scene(studio, job, index))).await;
    let mut usage = Vec::new();
    for (answer, paid) in looks {
        usage.extend(paid);
        if let Err(error) = answer {
            tracing::warn!(storyId = %job.story_id, error = runtime::chain(&error), "A scene will be looked at by its own job");
        }
    }
    if usage.is_empty() {
        return Ok(());
    }
    studio
        .checkpoint(job, studio.art.checkpoint().await, 40, None, &mut usage)
        .await
}

/// Pass 1, unless it is known, and what it cost.
async fn journey(
    studio: &Studio,
    job: &LeasedJob,
) -> (Result<PaletteJourney, StepError>, Vec<UsageEntry>) {
    let mut known = studio.art.journey.lock().await;
    if let Some(journey) = known.as_ref() {
        return (Ok(journey.clone()), Vec::new());
    }
    let mut usage = Vec::new();
    let journey = ask_journey(studio, job, &mut usage).await;
    if let Ok(journey) = &journey {
        *known = Some(journey.clone());
    }
    (journey, usage)
}

async fn ask_journey(
    studio: &Studio,
    job: &LeasedJob,
    usage: &mut Vec<UsageEntry>,
) -> Result<PaletteJourney, StepError> {
    let question = prompt::palette_journey(studio.text()?);
    let usable = |journey: PaletteJourney| {
        journey.check()?;
        Ok(journey)
    };
    let (journey, tokens) = studio
        .ask_usable(TextModelRole::Analysis, question, usage, usable)
        .await?;
    let mut names = studio
        .story
        .characters
        .iter()
        .map(|character| character.name.as_str());
    let motif = if names.any(|name| journey.motif.contains(name)) {
        "(names a character)"
    } else {
        &journey.motif
    };
    tracing::info!(target: "AssetGenerationPipeline", storyId = %job.story_id, jobId = %job.job_id, motif,
        paletteSteps = journey.steps.len(), tokensUsed = tokens, "Story palette journey generated");
    Ok(journey)
}

/// Pass 2 for one scene, and what it cost.
async fn scene(
    studio: &Studio,
    job: &LeasedJob,
    index: usize,
) -> (Result<SceneAnalysis, StepError>, Vec<UsageEntry>) {
    let mut usage = Vec::new();
    let analysis = ask_scene(studio, job, index, &mut usage).await;
    if let Ok(analysis) = &analysis {
        let mut scenes = studio.art.scenes.lock().expect("no holder panics");
        scenes.insert(index, analysis.clone());
    }
    (analysis, usage)
}

async fn ask_scene(
    studio: &Studio,
    job: &LeasedJob,
    index: usize,
    usage: &mut Vec<UsageEntry>,
) -> Result<SceneAnalysis, StepError> {
    let question: Question =
        prompt::scene_analysis(studio.text()?, &studio.story.characters, index);
    let usable = |analysis: SceneAnalysis| {
        analysis.check()?;
        Ok(analysis)
    };
    let (analysis, tokens) = studio
        .ask_usable(TextModelRole::Analysis, question, usage, usable)
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
fn step_name(journey: &PaletteJourney, job: &LeasedJob) -> Option<String> {
    Some(
        journey
            .steps
            .get(job.asset_type.picture_index()?)?
            .name
            .clone(),
    )
}
