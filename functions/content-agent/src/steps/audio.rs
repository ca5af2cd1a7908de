//! The narration: the four beats read aloud, with the time of every word.

mod cutting;
mod drafts;
mod reading;
mod recording;
mod words;

use crate::{attempt::Attempt, failure::StepError};
use domain::voice;
use drafts::Drafts;
use reading::Reading;
use recording::Take;
use render::narration;
use serde_json::{Value, json};
use store::{Completion, StoredFile};
use words::{WordTimes, spoken_words, word_count};

/// Voices a narration nobody chose one for is tried with.
const VOICES_MAX: usize = 5;

pub(super) async fn narrate(attempt: &Attempt) -> Result<Completion, StepError> {
    let story = attempt.story.text()?;
    let beats: Vec<&str> = story.beats.iter().map(|beat| beat.text.as_str()).collect();
    let beats: &[&str; 4] = beats
        .as_slice()
        .try_into()
        .map_err(|_| StepError::MissingInput)?;
    let text = narration::narrated_text(beats);
    let blocks = narration::blocks(beats);

    let (voice_id, takes, file) = match chosen_voice(attempt)? {
        Some(voice_id) => {
            let (takes, file) = read(attempt, &voice_id, beats, &text).await?;
            (voice_id, takes, file)
        }
        None => read_by_default(attempt, beats, &text).await?,
    };
    let (words, word_times) = spoken_words(&text, &takes, word_count(&blocks));
    if word_times != WordTimes::Present {
        // Without times there is still a voice; the front end shows the blocks without highlighting.
        tracing::warn!(reason = ?word_times, "Narration has no usable word times");
    }
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
        ..Completion::default()
    })
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

async fn read(
    attempt: &Attempt,
    voice_id: &str,
    beats: &[&str; 4],
    text: &str,
) -> Result<(Vec<Take>, StoredFile), StepError> {
    let drafts = Drafts::of(attempt, voice_id, text);
    let reading = Reading {
        speech: &*attempt.deps().speech,
        store: &drafts,
        usage: &attempt.usage,
        prices: &attempt.deps().config.prices,
        voice_id,
        text,
        beat_ends: &beat_ends(beats, text),
        deadline: attempt.story.deadline.instant(),
    };
    let takes = reading.read().await?;
    let file = drafts.publish(&takes).await?;
    Ok((takes, file))
}

/// With the first of the default voices that is not refused. Nobody chose it, so another one may take its place.
async fn read_by_default(
    attempt: &Attempt,
    beats: &[&str; 4],
    text: &str,
) -> Result<(String, Vec<Take>, StoredFile), StepError> {
    let mut tried = 0;
    loop {
        let deadline = attempt.story.deadline.instant();
        let voice_id = attempt.deps().speech.default_voice(deadline).await?;
        tried += 1;
        match read(attempt, &voice_id, beats, text).await {
            Ok((takes, file)) => return Ok((voice_id, takes, file)),
            // The models remember the refusal: asked again, they give the next voice.
            Err(StepError::Provider(error)) if error.is_about_the_voice() && tried < VOICES_MAX => {
                tracing::warn!(%error,
                    "The default voice was refused, trying another one");
            }
            Err(error) => return Err(error),
        }
    }
}

/// The bytes of the narrated text at which its beats end.
fn beat_ends(beats: &[&str; 4], text: &str) -> Vec<usize> {
    let mut at = 0;
    let ends = beats.iter().filter_map(|beat| {
        at += text.get(at..)?.find(beat.trim())? + beat.trim().len();
        Some(at)
    });
    ends.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_end_where_they_stand_in_the_narrated_text() {
        let beats = ["The fox ran. ", "", "\nIt slept.", "It slept."];
        let text = narration::narrated_text(&beats);
        let ends = beat_ends(&beats, &text);
        let read: Vec<&str> = ends.iter().map(|end| text[..*end].trim_end()).collect();
        assert!(read[0].ends_with("ran.") && read[3] == text && ends.is_sorted());
    }
}
