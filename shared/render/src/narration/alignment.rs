//! From the times of characters, as ElevenLabs gives them, to the times of words.

use domain::words::words;
use serde::{Deserialize, Serialize};

/// Largest step back in time, in seconds, that counts as rounding of touching characters.
const STEP_BACK_MAX_S: f64 = 0.25;

/// A word and when it sounds, in the form of the column `audio_words`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpokenWord {
    /// The word with its punctuation.
    pub txt: String,
    /// Seconds from the beginning of the recording, in whole milliseconds.
    pub start: f64,
    /// Seconds from the beginning of the recording, never before `start`.
    pub end: f64,
}

/// The `alignment` of `POST /v1/text-to-speech/{voice_id}/with-timestamps`: three arrays of equal
/// length, one element per character as the provider counts them.
#[derive(Clone, Copy, Debug)]
pub struct Alignment<'a> {
    /// `characters`; one element may be part of what a reader sees as one sign, or several signs.
    pub characters: &'a [String],
    /// `character_start_times_seconds`, from the beginning of this recording.
    pub start_times_s: &'a [f64],
    /// `character_end_times_seconds`, from the beginning of this recording.
    pub end_times_s: &'a [f64],
}

/// One recording of several that are played one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The text that was sent to be spoken.
    pub text: &'a str,
    /// The times of its characters.
    pub alignment: Alignment<'a>,
    /// Seconds from the beginning of the joined recording to the beginning of this one.
    pub offset_s: f64,
}

/// Why an alignment gives no words; the audio is then played without highlighting.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AlignmentError {
    /// The arrays have different lengths.
    #[error("reading an alignment: {characters} characters, {starts} start and {ends} end times")]
    Lengths {
        /// Number of characters.
        characters: usize,
        /// Number of start times.
        starts: usize,
        /// Number of end times.
        ends: usize,
    },
    /// The characters do not join to the text: it was cut short or changed.
    #[error("matching an alignment with its text: they part at word {word}")]
    OtherText {
        /// Number of the first word, from 0, in which they differ.
        word: usize,
    },
    /// A time is negative or no number.
    #[error("reading an alignment: the time of character {character} is {time_s} s")]
    NoTime {
        /// Number of the character, from 0.
        character: usize,
        /// The time in seconds.
        time_s: f64,
    },
    /// A word begins well before the one in front of it has ended.
    #[error("reading an alignment: time runs back at word {word}")]
    RunsBack {
        /// Number of the word in the joined recording, from 0.
        word: usize,
    },
}

/// The words of one or more recordings with the times at which they sound, in order.
///
/// Words do not overlap: steps back of up to a quarter of a second are rounding and are evened out.
///
/// # Errors
/// When the times cannot be trusted: see [`AlignmentError`].
pub fn spoken_words(chunks: &[Chunk<'_>]) -> Result<Vec<SpokenWord>, AlignmentError> {
    let mut words: Vec<SpokenWord> = Vec::new();
    for chunk in chunks {
        for (txt, start_s, end_s) in chunk_words(chunk.text, &chunk.alignment)? {
            let (start_s, end_s) = (start_s + chunk.offset_s, end_s + chunk.offset_s);
            let previous_end_s = words.last().map_or(0.0, |word| word.end);
            if start_s < previous_end_s - STEP_BACK_MAX_S || end_s < start_s - STEP_BACK_MAX_S {
                return Err(AlignmentError::RunsBack { word: words.len() });
            }
            let start = in_milliseconds(start_s).max(previous_end_s);
            let end = in_milliseconds(end_s).max(start);
            words.push(SpokenWord { txt, start, end });
        }
    }
    Ok(words)
}

fn in_milliseconds(time_s: f64) -> f64 {
    (time_s * 1000.0).round() / 1000.0
}

/// A character that is no white space, and when it sounds, in seconds.
struct Sound {
    character: char,
    start_s: f64,
    end_s: f64,
}

/// The words of one recording with their times.
fn chunk_words(
    text: &str,
    alignment: &Alignment<'_>,
) -> Result<Vec<(String, f64, f64)>, AlignmentError> {
    let spoken = sounds(alignment)?;
    check_text(text, &spoken)?;
    let mut sounds = spoken.into_iter().flatten();
    let words = words(text).filter_map(|word| {
        let first = sounds.next()?;
        let rest = word.text.chars().count() - 1;
        let last_end_s = sounds.by_ref().take(rest).last().map(|last| last.end_s);
        Some((
            word.text.to_owned(),
            first.start_s,
            last_end_s.unwrap_or(first.end_s),
        ))
    });
    Ok(words.collect())
}

/// What is spoken between white space, character by character.
fn sounds(alignment: &Alignment<'_>) -> Result<Vec<Vec<Sound>>, AlignmentError> {
    let Alignment {
        characters,
        start_times_s,
        end_times_s,
    } = *alignment;
    if characters.len() != start_times_s.len() || characters.len() != end_times_s.len() {
        return Err(AlignmentError::Lengths {
            characters: characters.len(),
            starts: start_times_s.len(),
            ends: end_times_s.len(),
        });
    }
    let mut spoken = Vec::new();
    let mut open: Vec<Sound> = Vec::new();
    let times = start_times_s.iter().zip(end_times_s);
    for (number, (element, (start_s, end_s))) in characters.iter().zip(times).enumerate() {
        for time_s in [*start_s, *end_s] {
            if !time_s.is_finite() || time_s < 0.0 {
                return Err(AlignmentError::NoTime {
                    character: number,
                    time_s,
                });
            }
        }
        // An element of several characters may hold the end of one word and the beginning of another.
        let n_characters = element.chars().count();
        let time_at = |index: usize| match index {
            0 => *start_s,
            index if index == n_characters => *end_s,
            index => start_s + (end_s - start_s) * index as f64 / n_characters as f64,
        };
        for (index, character) in element.chars().enumerate() {
            if character.is_whitespace() {
                spoken.push(std::mem::take(&mut open));
                continue;
            }
            open.push(Sound {
                character,
                start_s: time_at(index),
                end_s: time_at(index + 1),
            });
        }
    }
    spoken.push(open);
    spoken.retain(|sounds| !sounds.is_empty());
    Ok(spoken)
}

fn check_text(text: &str, spoken: &[Vec<Sound>]) -> Result<(), AlignmentError> {
    let mut spoken = spoken.iter();
    let mut sent = text.split_whitespace();
    let mut n_words = 0;
    loop {
        match (sent.next(), spoken.next()) {
            (None, None) => return Ok(()),
            (Some(one), Some(other))
                if one.chars().eq(other.iter().map(|sound| sound.character)) =>
            {
                n_words += words(one).count();
            }
            _ => return Err(AlignmentError::OtherText { word: n_words }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Spoken {
        text: String,
        characters: Vec<String>,
        starts: Vec<f64>,
        ends: Vec<f64>,
    }

    impl Spoken {
        /// Each character takes a tenth of a second.
        fn of(text: &str) -> Self {
            let characters: Vec<String> = text.chars().map(String::from).collect();
            let starts = (0..characters.len()).map(|n| n as f64 / 10.0).collect();
            let ends = (1..=characters.len()).map(|n| n as f64 / 10.0).collect();
            Self {
                text: text.to_owned(),
                characters,
                starts,
                ends,
            }
        }

        fn chunk(&self, offset_s: f64) -> Chunk<'_> {
            let alignment = Alignment {
                characters: &self.characters,
                start_times_s: &self.starts,
                end_times_s: &self.ends,
            };
            Chunk {
                text: &self.text,
                alignment,
                offset_s,
            }
        }

        fn words(&self) -> Result<Vec<SpokenWord>, AlignmentError> {
            spoken_words(&[self.chunk(0.0)])
        }
    }

    fn word(txt: &str, start: f64, end: f64) -> SpokenWord {
        SpokenWord {
            txt: txt.to_owned(),
            start,
            end,
        }
    }

    #[test]
    fn a_word_sounds_from_its_first_to_its_last_character() {
        let words = Spoken::of(" Hi,  you!\n").words().expect("valid times");
        assert_eq!(words, [word("Hi,", 0.1, 0.4), word("you!", 0.6, 1.0)]);
        let json = serde_json::to_string(&words[0]).expect("a word serialises");
        assert_eq!(json, r#"{"txt":"Hi,","start":0.1,"end":0.4}"#);
    }

    #[test]
    fn several_recordings_join_at_their_offsets() {
        let (one, two) = (Spoken::of("One fox."), Spoken::of("Two."));
        let words = spoken_words(&[one.chunk(0.0), two.chunk(2.5)]).expect("valid times");
        assert_eq!(words[2], word("Two.", 2.5, 2.9));
    }

    #[test]
    fn a_sign_split_over_elements_stays_one_word() {
        let mut spoken = Spoken::of("e\u{301}le\u{300}ve 👩🏽‍🚀");
        assert_eq!(spoken.words().expect("valid times")[1].txt, "👩🏽‍🚀");
        // The same text with the provider's elements grouped by what a reader sees.
        spoken.characters = ["e\u{301}", "l", "e\u{300}", "v", "e", " ", "👩🏽‍🚀"]
            .map(String::from)
            .to_vec();
        spoken.starts.truncate(7);
        spoken.ends.truncate(7);
        let words = spoken.words().expect("valid times");
        assert_eq!(
            words,
            [word("e\u{301}le\u{300}ve", 0.0, 0.5), word("👩🏽‍🚀", 0.6, 0.7)]
        );
    }

    #[test]
    fn words_without_spaces_sound_one_after_the_other() {
        let mut spoken = Spoken::of("竜は、森へ。");
        let words = spoken.words().expect("valid times");
        let expected = [
            ("竜", 0.0, 0.1),
            ("は、", 0.1, 0.3),
            ("森", 0.3, 0.4),
            ("へ。", 0.4, 0.6),
        ];
        assert_eq!(
            words,
            expected.map(|(txt, start, end)| word(txt, start, end))
        );
        // The same sound, told in one long element.
        spoken.characters = vec!["竜は、森へ。".to_owned()];
        spoken.starts = vec![0.0];
        spoken.ends = vec![6.0];
        let words = spoken.words().expect("valid times");
        assert_eq!((words.len(), words[1].start, words[3].end), (4, 1.0, 6.0));
    }

    #[test]
    fn a_recording_cut_short_is_refused() {
        let mut spoken = Spoken::of("The fox ran home.");
        spoken.text.push_str(" And slept.");
        assert_eq!(spoken.words(), Err(AlignmentError::OtherText { word: 4 }));
    }

    #[test]
    fn times_that_cannot_be_trusted_are_refused() {
        let mut spoken = Spoken::of("a b");
        spoken.ends.pop();
        let lengths = AlignmentError::Lengths {
            characters: 3,
            starts: 3,
            ends: 2,
        };
        assert_eq!(spoken.words(), Err(lengths));

        let mut spoken = Spoken::of("a b");
        spoken.starts[2] = f64::NAN;
        assert!(matches!(
            spoken.words(),
            Err(AlignmentError::NoTime { character: 2, .. })
        ));

        let mut spoken = Spoken::of("slowly on");
        spoken.starts[7] = 0.0;
        spoken.ends[8] = 0.1;
        assert_eq!(spoken.words(), Err(AlignmentError::RunsBack { word: 1 }));
    }

    #[test]
    fn overlaps_by_rounding_are_evened_out() {
        let mut spoken = Spoken::of("a b");
        spoken.ends[0] = 0.23;
        let words = spoken.words().expect("valid times");
        assert_eq!(words, [word("a", 0.0, 0.23), word("b", 0.23, 0.3)]);
    }

    proptest! {
        #[test]
        fn every_word_of_any_text_is_spoken_in_order(
            texts in prop::collection::vec("[\\PC \n👍é\u{301}、。「竜の森มังกร]{0,40}", 1..4)
        ) {
            let spoken: Vec<Spoken> = texts.iter().map(|text| Spoken::of(text)).collect();
            let mut offset_s = 0.0;
            let chunks: Vec<Chunk<'_>> = spoken
                .iter()
                .map(|one| {
                    let chunk = one.chunk(offset_s);
                    offset_s += one.characters.len() as f64 / 10.0 + 0.5;
                    chunk
                })
                .collect();
            let words = spoken_words(&chunks).expect("valid times");
            let heard: Vec<&str> = words.iter().map(|word| word.txt.as_str()).collect();
            let sent: Vec<&str> = texts
                .iter()
                .flat_map(|text| domain::words::words(text).map(|word| word.text))
                .collect();
            prop_assert_eq!(heard, sent);
            for pair in words.windows(2) {
                prop_assert!(pair[0].start <= pair[0].end && pair[0].end <= pair[1].start);
            }
        }
    }
}
