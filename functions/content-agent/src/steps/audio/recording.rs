//! What one call of the speech model gave, and whether its sound and its times belong together.

use bytes::Bytes;
use providers::Alignment;
use render::mp3::{self, NoSound};
use std::ops::Range;

/// Sound and times of characters that was paid for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Recording {
    /// Bytes of the narrated text that it reads.
    pub(super) reads: Range<usize>,
    /// The provider's id of the voice.
    pub(super) voice_id: String,
    /// MP3.
    pub(super) audio: Bytes,
    /// Of the text as it is written, whatever was said.
    pub(super) alignment: Option<Alignment>,
}

/// What the times of a recording are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    /// They end where the sound ends.
    Fit,
    /// The provider sent none.
    Missing,
    /// They go on after the sound, or stop in the middle of the text: part of the sound seems to be missing.
    CutShort,
    /// They end well before the sound, or run away from it.
    DifferentLength,
}

/// A recording whose sound was counted.
#[derive(Clone, Debug)]
pub(super) struct Take {
    pub(super) recording: Recording,
    pub(super) duration_s: f64,
    pub(super) times: Times,
    /// Steps of gain that make it as loud as the narration is to be.
    pub(super) louder_steps: i32,
}

/// Times and sound may differ by this share of the sound, and by one second in any case: a breath at the end, rounding.
const TOLERANCE: f64 = 0.05;
const TOLERANCE_MIN_S: f64 = 1.0;

impl Take {
    /// Counts the sound and compares it with the times. `text` is what was sent; `times_drift` as the model is known.
    ///
    /// # Errors
    /// When there is no sound at all.
    pub(super) fn of(recording: Recording, text: &str, times_drift: bool) -> Result<Self, NoSound> {
        let duration_s = mp3::duration_s(&recording.audio)?;
        let tolerance_s = (duration_s * TOLERANCE).max(TOLERANCE_MIN_S);
        let times = match &recording.alignment {
            None => Times::Missing,
            Some(alignment) if alignment.characters.is_empty() => Times::Missing,
            Some(alignment) => {
                let end_s = end_s(alignment);
                let run_on = end_s > duration_s + tolerance_s && !times_drift;
                if run_on || stops_within(alignment, text) {
                    Times::CutShort
                } else if (end_s - duration_s).abs() > tolerance_s {
                    Times::DifferentLength
                } else {
                    Times::Fit
                }
            }
        };
        Ok(Self {
            recording,
            duration_s,
            times,
            louder_steps: 0,
        })
    }

    /// The times of the characters, none of them after the end of the sound: what is within the tolerance is drawn in evenly.
    pub(super) fn alignment_within_sound(&self) -> Option<Alignment> {
        let mut alignment = self.recording.alignment.clone()?;
        let end_s = end_s(&alignment);
        if end_s > self.duration_s {
            let scale = self.duration_s / end_s;
            let times = alignment
                .character_start_times_seconds
                .iter_mut()
                .chain(&mut alignment.character_end_times_seconds);
            times.for_each(|time_s| *time_s *= scale);
        }
        Some(alignment)
    }
}

/// Seconds from the beginning to the end of the last character.
fn end_s(alignment: &Alignment) -> f64 {
    let ends = alignment.character_end_times_seconds.iter();
    ends.copied()
        .filter(|end_s| end_s.is_finite())
        .fold(0.0, f64::max)
}

/// The characters are the beginning of the text and no more.
fn stops_within(alignment: &Alignment, text: &str) -> bool {
    let mut sent = text.chars().filter(|c| !c.is_whitespace());
    let said = alignment
        .characters
        .iter()
        .flat_map(|element| element.chars());
    let mut said = said.filter(|c| !c.is_whitespace());
    said.all(|character| sent.next() == Some(character)) && sent.next().is_some()
}
