//! The words of a narration with the times at which they sound, where its times can be used.

use super::recording::{Take, Times};
use providers::Alignment;
use render::narration::{self, Chunk, NarrationBlocks, SpokenWord};
use serde::Serialize;

/// What became of the times of the words, as the asset's metadata tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WordTimes {
    Present,
    /// The provider sent none.
    Missing,
    /// They run back, are no times, or belong to other words.
    Unusable,
    /// They end well before the sound, or run away from it.
    DifferentLength,
    /// They go on after the sound, in each of the recordings that were paid for.
    CutShort,
}

/// The number of words that the blocks show.
pub(super) fn word_count(blocks: &NarrationBlocks) -> usize {
    let blocks = [&blocks.a, &blocks.b, &blocks.c, &blocks.d];
    let words = blocks.map(|block| block.matches("<span data-w=").count());
    words.iter().sum()
}

/// The words of all parts with their times in the joined recording: each part begins where the sound before it ends.
/// `shown` is the number of words of the blocks, which are lit up by their number.
pub(super) fn spoken_words(
    text: &str,
    takes: &[Take],
    shown: usize,
) -> (Option<Vec<SpokenWord>>, WordTimes) {
    let unfit = takes.iter().find_map(|take| match take.times {
        Times::Fit => None,
        Times::Missing => Some(WordTimes::Missing),
        Times::CutShort => Some(WordTimes::CutShort),
        Times::DifferentLength => Some(WordTimes::DifferentLength),
    });
    if let Some(reason) = unfit {
        return (None, reason);
    }
    let mut offset_s = 0.0;
    let parts: Vec<(&str, Alignment, f64)> = takes
        .iter()
        .filter_map(|take| {
            let part = &text[take.recording.reads.clone()];
            let begins_s = offset_s;
            offset_s += take.duration_s;
            Some((part, take.alignment_within_sound()?, begins_s))
        })
        .collect();
    let chunks: Vec<Chunk<'_>> = parts
        .iter()
        .map(|(text, alignment, offset_s)| Chunk {
            text,
            alignment: narration::Alignment {
                characters: &alignment.characters,
                start_times_s: &alignment.character_start_times_seconds,
                end_times_s: &alignment.character_end_times_seconds,
            },
            offset_s: *offset_s,
        })
        .collect();
    match narration::spoken_words(&chunks) {
        // A word that was cut in two would shift the numbers of all that follow.
        Ok(words) if words.len() == shown => (Some(words), WordTimes::Present),
        Ok(_) => (None, WordTimes::Unusable),
        Err(error) => {
            tracing::warn!(%error, "The times of a narration cannot be used");
            (None, WordTimes::Unusable)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::audio::recording::Recording;
    use std::ops::Range;

    /// So many seconds of silence, and a tenth of a second for each character from `first_s` on.
    fn take(text: &str, reads: Range<usize>, seconds: f64, first_s: f64) -> Take {
        let mut frame = vec![0; 208];
        frame[..4].copy_from_slice(&[0xFF, 0xFB, 0x50, 0xC4]);
        let frames = (seconds * 44_100.0 / 1152.0).round() as usize;
        let characters: Vec<String> = text[reads.clone()].chars().map(String::from).collect();
        let at = |number: usize| first_s + number as f64 / 10.0;
        let recording = Recording {
            audio: frame.repeat(frames).into(),
            alignment: Some(Alignment {
                character_start_times_seconds: (0..characters.len()).map(at).collect(),
                character_end_times_seconds: (1..=characters.len()).map(at).collect(),
                characters,
            }),
            reads: reads.clone(),
            voice_id: String::new(),
        };
        Take::of(recording, &text[reads], false).expect("sound")
    }

    const TEXT: &str = "The fox ran.\n\nIt slept.";

    #[test]
    fn a_part_begins_where_the_sound_before_it_ends() {
        // The times end 0.8 s before the sound: what counts is the sound.
        let takes = [take(TEXT, 0..12, 2.0, 0.0), take(TEXT, 14..23, 1.0, 0.0)];
        let (words, state) = spoken_words(TEXT, &takes, 5);
        assert_eq!(state, WordTimes::Present);
        let words = words.expect("times");
        assert_eq!(words[3].txt, "It");
        assert!((words[3].start - takes[0].duration_s).abs() < 0.001);
    }

    #[test]
    fn times_a_little_longer_than_the_sound_are_drawn_in() {
        let takes = [take(TEXT, 0..12, 1.0, 0.0), take(TEXT, 14..23, 1.0, 0.0)];
        let (words, state) = spoken_words(TEXT, &takes, 5);
        assert_eq!(state, WordTimes::Present);
        let words = words.expect("times");
        assert!(words[2].end <= takes[0].duration_s + 0.001, "{words:?}");
    }

    #[test]
    fn times_that_cannot_be_used_leave_the_sound_alone() {
        let mut negative = take(TEXT, 0..23, 2.3, 0.0);
        let mut unequal = negative.clone();
        let mut back = negative.clone();
        let times = |take: &mut Take, change: fn(&mut Alignment)| {
            change(take.recording.alignment.as_mut().expect("times"));
        };
        times(&mut negative, |times| {
            times.character_start_times_seconds[3] = -1.0
        });
        times(&mut unequal, |times| {
            times.character_start_times_seconds.truncate(4)
        });
        times(&mut back, |times| {
            times.character_start_times_seconds[8] = 0.0
        });
        for take in [negative, unequal, back] {
            assert_eq!(spoken_words(TEXT, &[take], 5), (None, WordTimes::Unusable));
        }
        let good = take(TEXT, 0..23, 2.3, 0.0);
        assert_eq!(
            spoken_words(TEXT, &[good], 6),
            (None, WordTimes::Unusable),
            "another number is shown"
        );
        let short = take(TEXT, 0..23, 5.0, 0.0);
        assert_eq!(
            spoken_words(TEXT, &[short], 5),
            (None, WordTimes::DifferentLength)
        );
    }
}
