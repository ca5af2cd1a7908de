//! Has a part of a text read aloud, in as many calls as the model needs, and buys nothing that is stored already.

use super::{
    cutting::{end_of_part, start_of_next},
    recording::{Recording, Take, Times},
    respelling::Pronunciations,
};
use crate::{
    failure::StepError,
    prices::Prices,
    usage::{self, UsageLedger},
};
use providers::{ErrorKind, Speech, SpeechCall, SpeechFacts, SpeechModel};
use std::{ops::Range, time::Instant};

/// Recordings of one part that are paid for at most: the first, and one more when it seems to be cut short.
const TAKES_MAX: usize = 2;
/// A text of fewer characters than this is not cut again when it is called too long.
const CUT_MIN_CHARS: usize = 200;
/// Characters of what is read before and after that a call is told.
const CONTEXT_CHARS: usize = 300;

/// Where recordings of one text in one voice are kept, so that a later attempt finds them.
#[async_trait::async_trait]
pub(super) trait RecordingStore: Send + Sync {
    /// What earlier attempts paid for.
    async fn find_earlier_recordings(&self) -> Result<Vec<Recording>, StepError>;

    /// Keeps a recording before anything else is bought. `percent` of the text is read with it; with less than 100 more is
    /// bought after it, so that the lease must still hold and the bill is recorded.
    async fn save(&self, recording: &Recording, percent: u8) -> Result<(), StepError>;
}

/// A text and how it is to be read.
pub(super) struct Reading<'a, Store> {
    pub(super) speech: &'a dyn SpeechModel,
    pub(super) store: &'a Store,
    pub(super) usage: &'a UsageLedger,
    pub(super) prices: &'a Prices,
    pub(super) voice_id: &'a str,
    /// Of the model that reads the whole narration.
    pub(super) facts: &'a SpeechFacts,
    /// As far as it is written.
    pub(super) text: &'a str,
    /// The bytes of it that are to be read; what stands around them is read by others.
    pub(super) part: Range<usize>,
    /// How names are said.
    pub(super) pronunciations: &'a Pronunciations,
    /// Bytes of the text at which its beats end.
    pub(super) beat_ends: &'a [usize],
    pub(super) deadline: Instant,
}

impl<Store: RecordingStore> Reading<'_, Store> {
    /// The parts of the text in order, each with the recording that is used.
    pub(super) async fn read(&self) -> Result<Vec<Take>, StepError> {
        let Range { start, end } = self.part;
        if end <= start {
            return Err(StepError::MissingInput);
        }
        let mut stored = self.store.find_earlier_recordings().await?;
        stored.retain(|one| {
            let is_of_this = start <= one.reads.start && one.reads.end <= end;
            is_of_this && self.text.get(one.reads.clone()).is_some()
        });
        let mut takes = Vec::new();
        let mut from = start;
        while from < end {
            let take = self.find_or_buy_part(from, &stored).await?;
            from = start_of_next(&self.text[..end], take.recording.reads.end);
            takes.push(take);
        }
        Ok(takes)
    }

    /// The part that begins at `from`: a recording that was paid for already where it is good enough, else a new one.
    async fn find_or_buy_part(&self, from: usize, stored: &[Recording]) -> Result<Take, StepError> {
        let times_drift = self.facts.times_drift;
        let judge = |recording: Recording| {
            let text = &self.text[recording.reads.clone()];
            Take::of(recording, text, times_drift)
        };
        let known = stored.iter().find(|one| one.reads.start == from);
        let mut to = known.map(|one| one.reads.end);
        let of_this_part = stored
            .iter()
            .filter(|one| one.reads.start == from && Some(one.reads.end) == to);
        let mut takes: Vec<Take> = of_this_part
            .filter_map(|one| judge(one.clone()).ok())
            .collect();
        let mut tries = takes.len();
        let mut problem = None;
        loop {
            let may_ask = tries < TAKES_MAX;
            if let Some(take) = choose_take(&mut takes, may_ask) {
                return Ok(take);
            }
            if !may_ask {
                return Err(problem.unwrap_or(StepError::MissingInput));
            }
            tries += 1;
            let recording = match self.buy(from, to).await {
                // What is there is better than nothing, and no later attempt would get more.
                Err(StepError::Provider(error)) if !takes.is_empty() && !error.is_retryable() => {
                    tries = TAKES_MAX;
                    continue;
                }
                bought => bought?,
            };
            to = Some(recording.reads.end);
            match judge(recording) {
                Ok(take) => {
                    // A recording that seems cut is kept too: it was paid for, and the next may be worse.
                    let is_enough = take.times != Times::CutShort || tries == TAKES_MAX;
                    let beat = self.beat_start();
                    let done = take.recording.reads.end - beat;
                    let read = done * 100 / (self.text.len() - beat);
                    let percent = if is_enough { read } else { read.min(99) };
                    self.store.save(&take.recording, percent as u8).await?;
                    if !is_enough {
                        tracing::warn!(
                            sound_s = take.duration_s,
                            "Narration seems to be cut short, asking once again"
                        );
                    }
                    takes.push(take);
                }
                // It is not stored: a retry would only find it again.
                Err(no_sound) => {
                    tracing::warn!(error = %no_sound, "Narration cannot be played, asking once again");
                    problem = Some(StepError::Sound(no_sound));
                }
            }
        }
    }

    /// Where the beat begins that is read from.
    fn beat_start(&self) -> usize {
        let ends = self.beat_ends.iter().rev();
        let mut ends = ends.filter(|end| **end <= self.part.start);
        ends.next().copied().unwrap_or_default()
    }

    /// One part, or a shorter one where the model takes less than is known of it.
    async fn buy(&self, from: usize, known_end: Option<usize>) -> Result<Recording, StepError> {
        // What an earlier part taught.
        let learnt = self.speech.facts();
        let known = match learnt.model == self.facts.model {
            true => learnt.characters_max,
            false => self.facts.characters_max,
        };
        let mut characters_max = known.max(CUT_MIN_CHARS);
        loop {
            let whole = &self.text[..self.part.end];
            let to = known_end
                .unwrap_or_else(|| end_of_part(whole, self.beat_ends, from, characters_max));
            let text = &self.text[from..to];
            let said = |text| self.pronunciations.said(text);
            let call = SpeechCall {
                model: self.facts.model.clone(),
                voice_id: self.voice_id.to_owned(),
                text: said(text),
                previous_text: last_of(&said(&self.text[..from])),
                next_text: first_of(&said(&self.text[to..])),
                deadline: self.deadline,
            };
            let mut billed = Vec::new();
            let spoken = self.speech.speak(&call, &mut billed).await;
            let entries = billed.iter().map(|call| usage::speech(call, self.prices));
            self.usage.add(entries);
            match spoken {
                Ok(Speech { audio, alignment }) => {
                    return Ok(Recording {
                        reads: from..to,
                        voice_id: self.voice_id.to_owned(),
                        audio,
                        alignment: alignment
                            .map(|said| self.pronunciations.times_as_written(text, said)),
                    });
                }
                Err(error) if error.kind == ErrorKind::TextTooLong => {
                    let characters = text.chars().count();
                    if characters <= CUT_MIN_CHARS || known_end.is_some() {
                        return Err(error.into());
                    }
                    characters_max = (characters / 2).max(CUT_MIN_CHARS);
                    tracing::warn!(
                        characters,
                        "The speech model takes less than that, cutting smaller"
                    );
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The take to use, if no other is to be asked for: one that fits, else one of which nothing seems to be missing, else the
/// one with the most sound.
fn choose_take(takes: &mut [Take], may_ask: bool) -> Option<Take> {
    let rank = |take: &Take| match take.times {
        Times::Fit => 2,
        Times::Missing | Times::DifferentLength => 1,
        Times::CutShort => 0,
    };
    takes.sort_by(|one, other| {
        (rank(one), one.duration_s)
            .partial_cmp(&(rank(other), other.duration_s))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let best = takes.last()?;
    (rank(best) > 0 || !may_ask).then(|| best.clone())
}

fn last_of(text: &str) -> Option<String> {
    let text = text.trim_end();
    let skipped = text.chars().count().saturating_sub(CONTEXT_CHARS);
    Some(text.chars().skip(skipped).collect()).filter(|text: &String| !text.is_empty())
}

fn first_of(text: &str) -> Option<String> {
    let text = text.trim_start().chars().take(CONTEXT_CHARS);
    Some(text.collect()).filter(|text: &String| !text.is_empty())
}

#[cfg(test)]
mod tests;
