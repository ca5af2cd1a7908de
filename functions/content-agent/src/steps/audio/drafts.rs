//! Recordings in the bucket: kept as drafts while they are bought, found by a later attempt that wishes for the same.

use super::{
    reading::RecordingStore,
    recording::{Recording, Take},
};
use crate::{attempt::Attempt, failure::StepError};
use providers::{Alignment, SpeechFacts};
use render::mp3;
use serde::{Deserialize, Serialize};
use std::{
    ops::Range,
    sync::atomic::{AtomicU32, Ordering},
};
use store::{Draft, FileKind, Fingerprint, StoredFile};

/// The recordings of one beat in one voice.
pub(super) struct Drafts<'a> {
    attempt: &'a Attempt,
    wish: Fingerprint,
    /// Percent of the narration that are recorded with those before it, and with this one.
    share: Range<u8>,
    /// Stored by this attempt.
    stored: AtomicU32,
}

/// What stands beside the sound.
#[derive(Serialize, Deserialize)]
struct Notes {
    reads: Range<usize>,
    alignment: Option<Alignment>,
}

/// Of everything that decides how a recording sounds and which text its times belong to: the beat and those before it.
fn wish(voice_id: &str, facts: &SpeechFacts, text: &str) -> Fingerprint {
    Fingerprint::of(["speech", voice_id, &facts.model, facts.format, text])
}

impl<'a> Drafts<'a> {
    /// `text` ends with the beat.
    pub(super) fn of(
        attempt: &'a Attempt,
        voice_id: &str,
        facts: &SpeechFacts,
        text: &str,
        share: Range<u8>,
    ) -> Self {
        Self {
            attempt,
            wish: wish(voice_id, facts, text),
            share,
            stored: AtomicU32::new(0),
        }
    }

    async fn store(&self, recording: &Recording) -> Result<Draft, StepError> {
        let number = self.stored.fetch_add(1, Ordering::Relaxed);
        let notes = serde_json::to_vec(&Notes {
            reads: recording.reads.clone(),
            alignment: recording.alignment.clone(),
        })?;
        let files = &self.attempt.deps().files;
        let key = |kind| self.attempt.draft_key(&self.wish, number, kind);
        // The times first: an attempt that finds the recording finds them too.
        files
            .put_draft(key(FileKind::Json), FileKind::Json, notes.into())
            .await?;
        let audio = recording.audio.clone();
        Ok(files
            .put_draft(key(FileKind::Mp3), FileKind::Mp3, audio)
            .await?)
    }
}

/// The narration as one file behind the CDN.
pub(super) async fn publish(attempt: &Attempt, takes: &[Take]) -> Result<StoredFile, StepError> {
    let (files, version) = (&attempt.deps().files, attempt.version());
    if let [take] = takes
        && let Some(draft) = &take.recording.stored
    {
        return Ok(files.publish(&version, draft).await?);
    }
    let sounds: Vec<&[u8]> = takes.iter().map(|take| &*take.recording.audio).collect();
    let sound = mp3::joined(&sounds);
    Ok(files
        .put_public(&version, FileKind::Mp3, sound.into())
        .await?)
}

#[async_trait::async_trait]
impl RecordingStore for Drafts<'_> {
    async fn find_earlier_recordings(&self) -> Result<Vec<Recording>, StepError> {
        let (attempt, version) = (self.attempt, self.attempt.version());
        if !attempt.is_repeated() {
            return Ok(Vec::new());
        }
        let files = &attempt.deps().files;
        let mut recordings = Vec::new();
        for key in files.drafts(&version, &self.wish, FileKind::Mp3).await? {
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
            tracing::info!("Narration of an earlier attempt found, not bought again");
        }
        Ok(recordings)
    }

    async fn save(&self, recording: &mut Recording, percent: u8) -> Result<(), StepError> {
        let whole = self.share.end - self.share.start;
        let read = u16::from(self.share.start) + u16::from(whole) * u16::from(percent) / 100;
        // The last fifth is for what follows the reading. What it cost is told by the next heartbeat, which also stops
        // whoever lost the lease.
        self.attempt.note_progress((read * 4 / 5) as u8);
        recording.stored = Some(self.store(recording).await?);
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
