//! The narration: the four beats read aloud, with the time of every word.

mod cutting;
mod drafts;
mod reading;
mod recording;
mod words;

use super::web_book;
use crate::{attempt::Attempt, failure::StepError};
use domain::{
    story::{BEATS, Beat},
    voice,
};
use drafts::Drafts;
use futures::{StreamExt, stream};
use providers::SpeechFacts;
use reading::Reading;
use recording::Take;
use render::{html::captions, narration};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use store::{Completion, FileKind};
use words::{WordTimes, spoken_words, word_count};

/// Voices a narration nobody chose one for is tried with.
const VOICES_MAX: usize = 5;
/// Beats of a narration that are read at one moment. Accounts take few calls at once (two where nothing is paid).
const BEATS_AT_ONCE: usize = 2;

/// Reads each beat as soon as it is written: as one piece, after the last word, it would be what everybody waits for.
pub(super) async fn narrate(attempt: &Attempt) -> Result<Completion, StepError> {
    let (voice_id, narration) = match chosen_voice(attempt)? {
        Some(voice_id) => {
            let narration = read(attempt, &voice_id).await?;
            (voice_id, narration)
        }
        None => read_by_default(attempt).await?,
    };
    let Narration { beats, text, takes } = narration;
    let file = drafts::publish(attempt, &takes).await?;
    let blocks = narration::blocks(&beats.each_ref().map(|beat| beat.text.as_str()));
    let (words, word_times) = spoken_words(&text, &takes, word_count(&blocks));
    if word_times != WordTimes::Present {
        // Without times there is still a voice; the front end shows the blocks without highlighting.
        tracing::warn!(reason = ?word_times, "Narration has no usable word times");
    }
    let captions = captions(words.as_deref().unwrap_or_default());
    let files = &attempt.deps().files;
    files
        .put_beside(&file, FileKind::Vtt, captions.into())
        .await?;
    let page = web_book::of_voice(attempt, &file.url).await?;
    let duration_s: f64 = takes.iter().map(|take| take.duration_s).sum();
    Ok(Completion {
        url: Some(file.url),
        // None at all rather than nothing, which would leave the times of an earlier narration.
        words: words.map(serde_json::to_value).transpose()?,
        blocks: Some(serde_json::to_value(blocks)?),
        metadata: Some(
            json!({"voiceId": voice_id, "durationSeconds": (duration_s * 1000.0).round() / 1000.0,
            "wordTimes": word_times}),
        ),
        bytes: Some(file.bytes),
        sha256: Some(file.sha256),
        page,
        ..Completion::default()
    })
}

/// The beats, the text they are read as, and its recordings in order.
struct Narration {
    beats: [Beat; BEATS],
    text: String,
    takes: Vec<Take>,
}

/// The provider's id of the voice that was wished for: by the last retry or regenerate, else with the story.
///
/// # Errors
/// When it is none we know: another one is never put in its place.
fn chosen_voice(attempt: &Attempt) -> Result<Option<String>, StepError> {
    let wish = match &attempt.job.options["voiceId"] {
        Value::String(wish) => Some(wish.as_str()),
        _ => attempt
            .story
            .work
            .request
            .voice_id()
            .map(voice::VoiceId::as_str),
    };
    wish.map(|wish| {
        voice::provider_voice_id(wish)
            .map(str::to_owned)
            .ok_or(StepError::UnknownVoice)
    })
    .transpose()
}

/// With the first model that reads; one that cannot is given up, and the next one reads all from the beginning.
async fn read(attempt: &Attempt, voice_id: &str) -> Result<Narration, StepError> {
    let speech = &attempt.deps().speech;
    let mut tried: Vec<String> = Vec::new();
    loop {
        let facts = speech.facts();
        let narration = read_with(attempt, voice_id, &facts).await;
        let Err(StepError::Provider(error)) = &narration else {
            return narration;
        };
        tried.push(facts.model);
        let next = speech.facts().model;
        if !error.kind.may_spare_other_models() || tried.contains(&next) {
            return narration;
        }
        tracing::warn!(model = next, %error, "Speech model failed, reading with {next}");
    }
}

/// Two beats at once: one after the other they would be what everybody waits for. When one fails no further one is begun,
/// and what is being read is read to its end, for it is paid for.
async fn read_with(
    attempt: &Attempt,
    voice_id: &str,
    facts: &SpeechFacts,
) -> Result<Narration, StepError> {
    let has_failed = AtomicBool::new(false);
    let read_unless_failed = async |index| {
        if has_failed.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let takes = read_beat(attempt, voice_id, facts, index).await;
        has_failed.fetch_or(takes.is_err(), Ordering::Relaxed);
        takes
    };
    let reading = stream::iter(0..BEATS)
        .map(read_unless_failed)
        .buffered(BEATS_AT_ONCE);
    let read: Vec<_> = reading.collect().await;
    let mut takes = Vec::new();
    for of_a_beat in read {
        takes.extend(of_a_beat?);
    }
    let Told { beats, text, .. } = Told::until(attempt, BEATS).await?;
    let beats = beats.try_into().map_err(|_| StepError::MissingInput)?;
    Ok(Narration { beats, text, takes })
}

/// The recordings of one beat, once it is written.
async fn read_beat(
    attempt: &Attempt,
    voice_id: &str,
    facts: &SpeechFacts,
    index: usize,
) -> Result<Vec<Take>, StepError> {
    let Told {
        text, starts, ends, ..
    } = Told::until(attempt, index + 1).await?;
    let from = starts.last().copied().unwrap_or(text.len());
    if from == text.len() {
        return Ok(Vec::new());
    }
    let share = (index * 100 / BEATS) as u8..((index + 1) * 100 / BEATS) as u8;
    let drafts = Drafts::of(attempt, voice_id, facts, &text, share);
    let reading = Reading {
        speech: &*attempt.deps().speech,
        store: &drafts,
        usage: &attempt.usage,
        prices: &attempt.deps().config.prices,
        voice_id,
        facts,
        text: &text,
        from,
        beat_ends: &ends,
        deadline: attempt.story.deadline.instant(),
    };
    reading.read().await
}

/// The first beats, as they are read aloud.
#[derive(Default)]
struct Told {
    beats: Vec<Beat>,
    text: String,
    /// Bytes of the text at which each begins and ends.
    starts: Vec<usize>,
    ends: Vec<usize>,
}

impl Told {
    /// Waits until so many beats are written.
    async fn until(attempt: &Attempt, count: usize) -> Result<Self, StepError> {
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

/// Adds a beat to the narrated text, as [`narration::narrated_text`] joins them; answers where it begins.
fn add_beat(text: &mut String, beat: &str) -> usize {
    let beat = beat.trim();
    if !text.is_empty() && !beat.is_empty() {
        text.push_str("\n\n");
    }
    let from = text.len();
    text.push_str(beat);
    from
}

/// With the first of the default voices that is not refused. Nobody chose it, so another one may take its place.
async fn read_by_default(attempt: &Attempt) -> Result<(String, Narration), StepError> {
    let mut tried = 0;
    loop {
        let deadline = attempt.story.deadline.instant();
        let voice_id = attempt.deps().speech.default_voice(deadline).await?;
        tried += 1;
        match read(attempt, &voice_id).await {
            Ok(narration) => return Ok((voice_id, narration)),
            // The models remember the refusal: asked again, they give the next voice.
            Err(StepError::Provider(error)) if error.is_about_the_voice() && tried < VOICES_MAX => {
                tracing::warn!(%error,
                    "The default voice was refused, trying another one");
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
