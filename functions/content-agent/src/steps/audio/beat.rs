//! One beat read aloud, each part of it by whose words they are.

use super::{
    casting::{Cast, Part},
    drafts::Drafts,
    loudness,
    reading::Reading,
    recording::Take,
    respelling::Pronunciations,
};
use crate::{attempt::Attempt, failure::StepError};
use domain::story::{BEATS, Beat};
use providers::SpeechFacts;
use std::collections::{HashMap, HashSet};

/// The recordings of one beat, once it is written.
pub(super) async fn read_beat(
    attempt: &Attempt,
    voice_id: &str,
    facts: &SpeechFacts,
    index: usize,
) -> Result<Vec<Take>, StepError> {
    let Told {
        beats,
        text,
        starts,
        ends,
    } = Told::until(attempt, index + 1).await?;
    let from = starts.last().copied().unwrap_or(text.len());
    let heroes = &attempt.story.work.characters;
    let pronunciations = Pronunciations::of(heroes);
    let said = pronunciations.said(&text);
    let dialogue = beats.last().map_or(&[][..], |beat| &beat.dialogue);
    let parts = Cast::of(heroes).parts(&text, from, dialogue, voice_id);
    let share = (index * 100 / BEATS) as u8..((index + 1) * 100 / BEATS) as u8;
    // One for each voice, for all that it reads of the beat.
    let voices = parts.iter().map(|part| part.voice_id).chain([voice_id]);
    let drafts: HashMap<&str, Drafts<'_>> = voices
        .map(|voice| {
            let drafts = Drafts::of(attempt, voice, facts, (&text, &said), share.clone());
            (voice, drafts)
        })
        .collect();
    let read = async |voice_id, part| {
        let reading = Reading {
            speech: &*attempt.deps().speech,
            store: &drafts[voice_id],
            usage: &attempt.usage,
            prices: &attempt.deps().config.prices,
            voice_id,
            facts,
            text: &text,
            part,
            pronunciations: &pronunciations,
            beat_ends: &ends,
            deadline: attempt.story.deadline.instant(),
        };
        reading.read().await
    };
    let (mut takes, mut refused) = (Vec::new(), HashSet::new());
    for Part {
        bytes,
        voice_id: hero,
    } in parts
    {
        let reader = if refused.contains(hero) {
            voice_id
        } else {
            hero
        };
        takes.extend(match read(reader, bytes.clone()).await {
            // A hero's voice that is gone silences nobody.
            Err(StepError::Provider(error)) if error.is_about_the_voice() && reader != voice_id => {
                tracing::warn!(%error, "A character's voice was refused, the narrator reads");
                refused.insert(hero);
                read(voice_id, bytes).await?
            }
            read => read?,
        });
    }
    loudness::measure(attempt, &mut takes).await?;
    Ok(takes)
}

/// The first beats, as they are read aloud.
#[derive(Default)]
pub(super) struct Told {
    pub(super) beats: Vec<Beat>,
    pub(super) text: String,
    /// Bytes of the text at which each begins and ends.
    starts: Vec<usize>,
    ends: Vec<usize>,
}

impl Told {
    /// Waits until so many beats are written.
    pub(super) async fn until(attempt: &Attempt, count: usize) -> Result<Self, StepError> {
        let mut told = Self::default();
        for index in 0..count {
            let beat = attempt.story.beat(index).await?;
            told.starts.push(add_beat(&mut told.text, &beat.text));
            told.ends.push(told.text.len());
            told.beats.push(beat);
        }
        Ok(told)
    }
}

/// Adds a beat to the narrated text, as [`render::narration::narrated_text`] joins them; answers where it begins.
fn add_beat(text: &mut String, beat: &str) -> usize {
    let beat = beat.trim();
    if !text.is_empty() && !beat.is_empty() {
        text.push_str("\n\n");
    }
    let from = text.len();
    text.push_str(beat);
    from
}

#[cfg(test)]
mod tests {
    use super::*;
    use render::narration;

    #[test]
    fn beats_are_added_as_they_are_narrated_together() {
        let beats = ["The fox ran. ", "It woke.", "\nIt slept.", "It slept."];
        let (mut text, mut starts) = (String::new(), Vec::new());
        for beat in beats {
            starts.push(add_beat(&mut text, beat));
        }
        assert_eq!(text, narration::narrated_text(&beats));
        let read: Vec<&str> = starts.iter().map(|start| &text[*start..]).collect();
        assert!(read[1].starts_with("It woke.") && read[3] == "It slept.");
        assert_eq!(add_beat(&mut text, " "), text.len(), "nothing to read");
    }
}
