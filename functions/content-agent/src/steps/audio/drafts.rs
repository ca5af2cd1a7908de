//! Recordings in the bucket: kept as drafts while they are bought, found by a later attempt that wishes for the same.
//! What is said in place of names belongs to the wish.

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
use store::{FileKind, Fingerprint, StoredFile};
use tokio::sync::OnceCell;

/// The recordings of one beat in one voice.
pub(super) struct Drafts<'a> {
    attempt: &'a Attempt,
    voice_id: &'a str,
    wish: Fingerprint,
    /// Those of earlier attempts, looked for once.
    found: OnceCell<Vec<Recording>>,
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

/// Of everything that decides how a recording sounds and which text its times belong to: the beat and those before it, and
/// what is said where that is something else.
fn wish(voice_id: &str, facts: &SpeechFacts, text: &str, said: &str) -> Fingerprint {
    let known = ["speech", voice_id, &facts.model, facts.format, text];
    let said = (said != text).then_some(said);
    Fingerprint::of(known.into_iter().chain(said))
}

impl<'a> Drafts<'a> {
    /// `text` ends with the beat, and is `said` like this.
    pub(super) fn of(
        attempt: &'a Attempt,
        voice_id: &'a str,
        facts: &SpeechFacts,
        (text, said): (&str, &str),
        share: Range<u8>,
    ) -> Self {
        Self {
            attempt,
            voice_id,
            wish: wish(voice_id, facts, text, said),
            found: OnceCell::new(),
            share,
            stored: AtomicU32::new(0),
        }
    }

    async fn find(&self) -> Result<Vec<Recording>, StepError> {
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
            let audio = files.get(&key).await?;
            recordings.push(Recording {
                reads,
                voice_id: self.voice_id.to_owned(),
                audio,
                alignment,
            });
        }
        if !recordings.is_empty() {
            tracing::info!("Narration of an earlier attempt found, not bought again");
        }
        Ok(recordings)
    }

    async fn store(&self, recording: &Recording) -> Result<(), StepError> {
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
        files
            .put_draft(key(FileKind::Mp3), FileKind::Mp3, audio)
            .await?;
        Ok(())
    }
}

/// The narration as one file behind the CDN, evenly loud; the drafts stay as they were bought.
pub(super) async fn publish(attempt: &Attempt, takes: &[Take]) -> Result<StoredFile, StepError> {
    let (files, version) = (&attempt.deps().files, attempt.version());
    let louder = takes
        .iter()
        .map(|take| mp3::with_gain(&take.recording.audio, take.louder_steps));
    let sounds: Vec<Vec<u8>> = louder.collect();
    let sound = mp3::joined(&sounds.iter().map(|sound| &**sound).collect::<Vec<_>>());
    Ok(files
        .put_public(&version, FileKind::Mp3, sound.into())
        .await?)
}

#[async_trait::async_trait]
impl RecordingStore for Drafts<'_> {
    async fn find_earlier_recordings(&self) -> Result<Vec<Recording>, StepError> {
        let found = self.found.get_or_try_init(|| self.find());
        Ok(found.await?.clone())
    }

    async fn save(&self, recording: &Recording, percent: u8) -> Result<(), StepError> {
        let whole = self.share.end - self.share.start;
        let read = u16::from(self.share.start) + u16::from(whole) * u16::from(percent) / 100;
        // The last fifth is for what follows the reading. What it cost is told by the next heartbeat, which also stops
        // whoever lost the lease.
        self.attempt.note_progress((read * 4 / 5) as u8);
        self.store(recording).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_voice_model_text_or_way_to_say_it_is_another_recording() {
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
        let one = wish("voice", &facts, "text", "text");
        for other in [
            wish("bella", &facts, "text", "text"),
            wish("voice", &other_model, "text", "text"),
            wish("voice", &facts, "texts", "texts"),
            wish("voic", &facts, "etext", "etext"),
            wish("voice", &facts, "text", "tekst"),
        ] {
            assert_ne!(one, other);
        }
        let learned = SpeechFacts {
            characters_max: 5,
            ..facts
        };
        assert_eq!(one, wish("voice", &learned, "text", "text"));
    }
}
