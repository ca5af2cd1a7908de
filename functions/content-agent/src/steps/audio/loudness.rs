//! Makes the recordings of a beat as loud as those of all others.

use super::recording::Take;
use crate::{attempt::Attempt, failure::StepError};
use bytes::Bytes;
use render::narration::{LoudnessError, Metering};

/// Measures what each voice reads of a beat, and notes how it is to be changed. What cannot be measured stays as loud as it
/// is: it is still a voice.
pub(super) async fn measure(attempt: &Attempt, takes: &mut [Take]) -> Result<(), StepError> {
    let mut voices: Vec<_> = takes
        .iter()
        .map(|take| take.recording.voice_id.clone())
        .collect();
    voices.sort();
    voices.dedup();
    for voice in voices {
        let of_voice = |take: &Take| take.recording.voice_id == voice;
        let recordings = takes.iter().filter(|take| of_voice(take));
        let recordings: Vec<_> = recordings
            .map(|take| take.recording.audio.clone())
            .collect();
        let measured = steps_to_aim(attempt, recordings).await?;
        match measured {
            Ok(steps) => {
                let takes = takes.iter_mut().filter(|take| of_voice(take));
                takes.for_each(|take| take.louder_steps = steps);
            }
            Err(error) => tracing::warn!(%error, "A recording stays as loud as it is"),
        }
    }
    Ok(())
}

/// A few seconds of sound at a time: it gives way to every picture that somebody waits for.
async fn steps_to_aim(
    attempt: &Attempt,
    recordings: Vec<Bytes>,
) -> Result<Result<i32, LoudnessError>, StepError> {
    let permit = attempt.deps().decode_pool.acquire_for_sound().await;
    let beginning = move || {
        let recordings: Vec<&[u8]> = recordings.iter().map(|audio| &**audio).collect();
        Metering::of(&recordings)
    };
    let mut metering = permit.run_background(beginning).await?;
    loop {
        let going_on = move || {
            let goes_on = metering.go_on();
            (metering, goes_on)
        };
        let (gone_on, goes_on) = permit.run_background(going_on).await?;
        match goes_on {
            Ok(true) => metering = gone_on,
            Ok(false) => return Ok(gone_on.steps_to_aim()),
            Err(error) => return Ok(Err(error)),
        }
    }
}
