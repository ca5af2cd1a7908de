//! Recordings in the bucket: kept as drafts while they are bought, found by a later attempt that wishes for the same.

use super::{
    reading::RecordingStore,
    recording::{Recording, Take},
};
use crate::{failure::StepError, studio::Studio};
use providers::{Alignment, SpeechFacts};
use render::mp3;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    ops::Range,
    sync::atomic::{AtomicU32, Ordering},
};
use store::{AssetVersion, Draft, FileKind, Fingerprint, LeasedJob, StoredFile, UsageEntry};

/// The recordings of one text in one voice.
pub(super) struct Drafts<'a> {
    studio: &'a Studio,
    job: &'a LeasedJob,
    version: AssetVersion,
    wish: Fingerprint,
    /// Stored by this attempt.
    stored: AtomicU32,
}

/// What stands beside the sound.
#[derive(Serialize, Deserialize)]
struct Notes {
    reads: Range<usize>,
    alignment: Option<Alignment>,
}

/// Of everything that decides how a recording sounds and which text its times belong to.
fn wish(voice_id: &str, facts: &SpeechFacts, text: &str) -> Fingerprint {
    Fingerprint::of(["speech", voice_id, &facts.model, facts.format, text])
}

impl<'a> Drafts<'a> {
    pub(super) fn new(studio: &'a Studio, job: &'a LeasedJob, voice_id: &str, text: &str) -> Self {
        Self {
            studio,
            job,
            version: AssetVersion::made_by(job),
            wish: wish(voice_id, &studio.deps.speech.facts(), text),
            stored: AtomicU32::new(0),
        }
    }

    async fn put(&self, recording: &Recording) -> Result<Draft, StepError> {
        let number = self.stored.fetch_add(1, Ordering::Relaxed);
        let notes = serde_json::to_vec(&Notes {
            reads: recording.reads.clone(),
            alignment: recording.alignment.clone(),
        })?;
        let (files, attempt) = (&self.studio.deps.files, self.job.attempt);
        let key = |kind| self.version.draft_key(&self.wish, attempt, number, kind);
        // The times first: an attempt that finds the recording finds them too.
        files
            .put_draft(key(FileKind::Json), FileKind::Json, notes.into())
            .await?;
        let audio = recording.audio.clone();
        Ok(files
            .put_draft(key(FileKind::Mp3), FileKind::Mp3, audio)
            .await?)
    }

    /// The narration as one file behind the CDN.
    pub(super) async fn publish(&self, takes: &[Take]) -> Result<StoredFile, StepError> {
        let files = &self.studio.deps.files;
        if let [take] = takes
            && let Some(draft) = &take.recording.stored
        {
            return Ok(files.publish(&self.version, draft).await?);
        }
        let sounds: Vec<&[u8]> = takes.iter().map(|take| &*take.recording.audio).collect();
        let sound = mp3::joined(&sounds);
        Ok(files
            .put_public(&self.version, FileKind::Mp3, sound.into())
            .await?)
    }
}

#[async_trait::async_trait]
impl RecordingStore for Drafts<'_> {
    async fn load(&self) -> Result<Vec<Recording>, StepError> {
        let job = self.job;
        if job.attempt <= 1 {
            return Ok(Vec::new());
        }
        let files = &self.studio.deps.files;
        let mut recordings = Vec::new();
        for key in files
            .drafts(&self.version, &self.wish, FileKind::Mp3)
            .await?
        {
            let notes = files.get(&key.replace(".mp3", ".json")).await?;
            let Ok(Notes { reads, alignment }) = serde_json::from_slice(&notes) else {
                continue;
            };
            let (draft, audio) = files.get_draft(key, FileKind::Mp3).await?;
            recordings.push(Recording {
                reads,
                audio,
                alignment,
                stored: Some(draft),
            });
        }
        if !recordings.is_empty() {
            tracing::info!(storyId = %job.story_id, jobId = %job.job_id, "Narration of an earlier attempt found, not bought again");
        }
        Ok(recordings)
    }

    async fn save(
        &self,
        recording: &mut Recording,
        percent: u8,
        usage: &mut Vec<UsageEntry>,
    ) -> Result<(), StepError> {
        self.studio.note_progress(self.job, percent / 5 * 4);
        recording.stored = Some(self.put(recording).await?);
        if percent < 100 {
            self.studio
                .checkpoint(self.job, json!({}), percent / 5 * 4, None, usage)
                .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_voice_model_or_text_is_another_recording() {
        let facts = SpeechFacts {
            model: "one".to_owned(),
            format: "mp3",
            characters_max: 10,
            times_drift: false,
        };
        let other_model = SpeechFacts {
            model: "two".to_owned(),
            ..facts.clone()
        };
        let one = wish("voice", &facts, "text");
        for other in [
            wish("bella", &facts, "text"),
            wish("voice", &other_model, "text"),
            wish("voice", &facts, "texts"),
            wish("voic", &facts, "etext"),
        ] {
            assert_ne!(one, other);
        }
        let learned = SpeechFacts {
            characters_max: 5,
            ..facts
        };
        assert_eq!(one, wish("voice", &learned, "text"));
    }
}
