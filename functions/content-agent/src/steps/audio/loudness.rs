//! Makes the recordings of a beat as loud as those of all others.

use super::recording::Take;
use crate::{attempt::Attempt, failure::StepError};
use render::narration;

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
        let permit = attempt.deps().decode_pool.acquire().await;
        let measured = permit
            .run_background(move || {
                let recordings: Vec<&[u8]> = recordings.iter().map(|audio| &**audio).collect();
                narration::steps_to_aim(&recordings)
            })
            .await?;
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
