//! The narration: one recording of the four beats, with the time of every word.

use crate::{failure::StepError, studio::Studio};
use domain::{AssetType, voice};
use providers::{Alignment, Speech, SpeechCall};
use render::narration::{self, Chunk};
use serde_json::json;
use store::{AssetFiles, Completion, FileKind, LeasedJob, Paid, StoredFile};

pub(crate) async fn narrate(
    studio: &Studio,
    job: &LeasedJob,
    usage: &mut Vec<Paid>,
) -> Result<Completion, StepError> {
    let story = studio.text()?;
    let beats: Vec<&str> = story.beats.iter().map(|beat| beat.text.as_str()).collect();
    let beats: &[&str; 4] = beats
        .as_slice()
        .try_into()
        .map_err(|_| StepError::MissingInput)?;
    let text = narration::narrated_text(beats);

    let (file, alignment) = match recorded_before(studio, job).await? {
        Some(recorded) => recorded,
        None => record(studio, job, &text, usage).await?,
    };
    let words = alignment.and_then(|alignment| {
        let chunk = Chunk {
            text: &text,
            alignment: narration::Alignment {
                characters: &alignment.characters,
                start_times_s: &alignment.character_start_times_seconds,
                end_times_s: &alignment.character_end_times_seconds,
            },
            offset_s: 0.0,
        };
        // Without times there is still a voice; the front end shows the blocks without highlighting.
        narration::spoken_words(&[chunk])
            .inspect_err(|error| tracing::warn!(storyId = %job.story_id, jobId = %job.job_id, %error, "Narration has no usable word times"))
            .ok()
    });
    Ok(Completion {
        url: Some(file.url),
        words: words.map(serde_json::to_value).transpose()?,
        blocks: Some(serde_json::to_value(narration::blocks(beats))?),
        bytes: Some(file.bytes),
        sha256: Some(file.sha256),
        ..Completion::default()
    })
}

fn key(job: &LeasedJob, attempt: u32, kind: FileKind) -> String {
    AssetFiles::key(
        job.story_id,
        AssetType::Audio,
        job.asset_version + 1,
        &format!("a{attempt}"),
        kind,
    )
}

async fn record(
    studio: &Studio,
    job: &LeasedJob,
    text: &str,
    usage: &mut Vec<Paid>,
) -> Result<(StoredFile, Option<Alignment>), StepError> {
    let wish = job.options["voiceId"]
        .as_str()
        .or(studio.story.request.voice_id.as_deref());
    let voice_id = wish
        .and_then(voice::provider_voice_id)
        .unwrap_or(voice::DEFAULT_VOICE)
        .to_owned();
    let call = SpeechCall {
        voice_id,
        text: text.to_owned(),
        deadline: studio.deadline.instant(),
    };
    let (Speech { audio, alignment }, billed) = studio.deps.speech.speak(&call).await?;
    usage.push(crate::paid::speech(&billed));
    studio.note_progress(job, 80);

    // The times first: an attempt that finds the recording finds them too.
    let times = serde_json::to_vec(&json!(alignment))?;
    studio
        .deps
        .files
        .put(
            key(job, job.attempt, FileKind::Json),
            FileKind::Json,
            times.into(),
        )
        .await?;
    let file = studio
        .deps
        .files
        .put(key(job, job.attempt, FileKind::Mp3), FileKind::Mp3, audio)
        .await?;
    Ok((file, alignment))
}

/// The recording an earlier attempt paid for and could not report.
async fn recorded_before(
    studio: &Studio,
    job: &LeasedJob,
) -> Result<Option<(StoredFile, Option<Alignment>)>, StepError> {
    if job.attempt <= 1 {
        return Ok(None);
    }
    let prefix = AssetFiles::prefix(job.story_id, AssetType::Audio, job.asset_version + 1);
    let keys = studio.deps.files.list(&prefix).await?;
    let Some(recording) = keys.iter().rev().find(|key| key.ends_with(".mp3")) else {
        return Ok(None);
    };
    let times = studio
        .deps
        .files
        .get(&recording.replace(".mp3", ".json"))
        .await?;
    let file = studio
        .deps
        .files
        .file(recording.clone(), &studio.deps.files.get(recording).await?);
    tracing::info!(storyId = %job.story_id, jobId = %job.job_id, "Narration of an earlier attempt found, not bought again");
    Ok(Some((file, serde_json::from_slice(&times)?)))
}
