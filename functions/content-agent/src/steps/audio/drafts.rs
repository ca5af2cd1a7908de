//! Recordings in the bucket: kept as they are bought, found by a later attempt that wishes for the same.

use super::{
    reading::RecordingStore,
    recording::{Recording, Take},
};
use crate::{failure::StepError, studio::Studio};
use domain::AssetType;
use providers::{Alignment, SpeechFacts};
use render::mp3;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    fmt::Write,
    ops::Range,
    sync::atomic::{AtomicU32, Ordering},
};
use store::{AssetFiles, FileKind, LeasedJob, Paid, StoredFile};

/// The recordings of one text in one voice.
pub(super) struct Drafts<'a> {
    studio: &'a Studio,
    job: &'a LeasedJob,
    fingerprint: String,
    /// Stored by this attempt.
    stored: AtomicU32,
}

/// What stands beside the sound.
#[derive(Serialize, Deserialize)]
struct Notes {
    reads: Range<usize>,
    alignment: Option<Alignment>,
}

/// Hexadecimal digits of a fingerprint in a key.
const DIGITS: usize = 16;

/// Of everything that decides how a recording sounds and which text its times belong to.
fn fingerprint(voice_id: &str, facts: &SpeechFacts, text: &str) -> String {
    let mut digest = Sha256::new();
    for part in [voice_id, &facts.model, facts.format, text] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let mut hex = digest
        .finalize()
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
    hex.truncate(DIGITS);
    hex
}

impl<'a> Drafts<'a> {
    pub(super) fn new(studio: &'a Studio, job: &'a LeasedJob, voice_id: &str, text: &str) -> Self {
        let facts = studio.deps.speech.facts();
        Self {
            studio,
            job,
            fingerprint: fingerprint(voice_id, &facts, text),
            stored: AtomicU32::new(0),
        }
    }

    fn key(&self, number: u32, kind: FileKind) -> String {
        let (job, fingerprint) = (self.job, &self.fingerprint);
        AssetFiles::key(
            job.story_id,
            AssetType::Audio,
            job.asset_version + 1,
            &format!("a{}-{fingerprint}-{number}", job.attempt),
            kind,
        )
    }

    async fn put(&self, recording: &Recording) -> Result<StoredFile, StepError> {
        let number = self.stored.fetch_add(1, Ordering::Relaxed);
        let notes = serde_json::to_vec(&Notes {
            reads: recording.reads.clone(),
            alignment: recording.alignment.clone(),
        })?;
        let files = &self.studio.deps.files;
        // The times first: an attempt that finds the recording finds them too.
        let key = self.key(number, FileKind::Json);
        files.put(key, FileKind::Json, notes.into()).await?;
        let key = self.key(number, FileKind::Mp3);
        Ok(files
            .put(key, FileKind::Mp3, recording.audio.clone())
            .await?)
    }

    /// The narration as one file behind the CDN.
    pub(super) async fn publish(&self, takes: &[Take]) -> Result<StoredFile, StepError> {
        if let [take] = takes
            && let Some(file) = &take.recording.stored
        {
            return Ok(file.clone());
        }
        let sounds: Vec<&[u8]> = takes.iter().map(|take| &*take.recording.audio).collect();
        let number = self.stored.fetch_add(1, Ordering::Relaxed);
        let key = self.key(number, FileKind::Mp3);
        let files = &self.studio.deps.files;
        Ok(files
            .put(key, FileKind::Mp3, mp3::joined(&sounds).into())
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
        let prefix = AssetFiles::prefix(job.story_id, AssetType::Audio, job.asset_version + 1);
        let keys = files.list(&prefix).await?;
        let same_wish = format!("-{}-", self.fingerprint);
        let mut recordings = Vec::new();
        for key in keys.iter().filter(|key| key.contains(&same_wish)) {
            let Some(stem) = key.strip_suffix(".mp3") else {
                continue;
            };
            let notes = format!("{stem}.json");
            // A narration joined from its parts has none.
            if !keys.contains(&notes) {
                continue;
            }
            let Ok(Notes { reads, alignment }) = serde_json::from_slice(&files.get(&notes).await?)
            else {
                continue;
            };
            let audio = files.get(key).await?;
            recordings.push(Recording {
                reads,
                stored: Some(files.file(key.clone(), &audio)),
                audio,
                alignment,
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
        usage: &mut Vec<Paid>,
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
        let one = fingerprint("voice", &facts, "text");
        assert_eq!(one.len(), DIGITS);
        for other in [
            fingerprint("bella", &facts, "text"),
            fingerprint("voice", &other_model, "text"),
            fingerprint("voice", &facts, "texts"),
            fingerprint("voic", &facts, "etext"),
        ] {
            assert_ne!(one, other);
        }
        let learned = SpeechFacts {
            characters_max: 5,
            ..facts
        };
        assert_eq!(one, fingerprint("voice", &learned, "text"));
    }
}
