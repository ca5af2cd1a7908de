//! The narration: the four beats read aloud, heroes by voices of their own where they have some, with the time of every word.

mod beat;
mod casting;
mod cutting;
mod drafts;
mod loudness;
mod reading;
mod recording;
mod respelling;
mod words;

use super::web_book;
use crate::{attempt::Attempt, failure::StepError};
use beat::{Told, read_beat};
use domain::{
    story::{BEATS, Beat},
    voice,
};
use futures::{StreamExt, stream};
use providers::SpeechFacts;
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
