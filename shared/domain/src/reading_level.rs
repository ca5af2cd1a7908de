//! Whether a text is told for its reader: how long its sentences are, and how long a beat. Measured, not judged.

use crate::words::words;

/// Words of a beat that 70 to 110 were asked for, at most: a page of more is read by nobody at bedtime.
const BEAT_WORDS_MAX: usize = 160;
/// Signs that end a sentence, in the scripts that books are told in.
const SENTENCE_ENDS: [char; 9] = ['.', '!', '?', '…', '。', '！', '？', '؟', '।'];

/// How a text is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadingLevel {
    /// Words of a sentence, on the average of a beat, at most.
    sentence_words_max: usize,
}

impl ReadingLevel {
    /// Of a reader of so many years; 4 to 8 where nobody said.
    pub fn for_age(years: Option<u32>) -> Self {
        let sentence_words_max = match years {
            Some(0..=4) => 12,
            Some(5..=6) => 15,
            Some(9..) => 25,
            _ => 20,
        };
        Self { sentence_words_max }
    }

    /// What of a beat is beyond it, in words for whoever wrote it.
    pub fn problem_of(&self, beat: &str) -> Option<String> {
        let count = words(beat).count();
        if count > BEAT_WORDS_MAX {
            return Some(format!(
                "a beat had {count} words, and 70 to 110 were asked for"
            ));
        }
        let average = count / sentences(beat).max(1);
        let most = self.sentence_words_max;
        (average > most).then(|| {
            format!(
                "the sentences of a beat had {average} words on average, and for this reader {most} are the most: write \
                 shorter ones"
            )
        })
    }
}

/// Runs of ends count once, and an end inside a word (3.5) does not count.
fn sentences(text: &str) -> usize {
    let mut signs = text.chars().peekable();
    let mut count = 0;
    while let Some(sign) = signs.next() {
        let goes_on = |next: &char| next.is_alphanumeric() || SENTENCE_ENDS.contains(next);
        let is_cjk = matches!(sign, '。' | '！' | '？');
        if SENTENCE_ENDS.contains(&sign) && (is_cjk || !signs.peek().is_some_and(goes_on)) {
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_counted_in_every_script_and_numbers_end_none() {
        for (text, count) in [
            ("It was late. \u{201c}Home?\u{201d} she said... Yes!", 4),
            ("He grew 3.5 inches.", 1),
            ("小さな竜は森を歩きました。遠くの灯りを見つめました。", 2),
            ("no end", 0),
        ] {
            assert_eq!(sentences(text), count, "{text}");
        }
    }

    #[test]
    fn what_is_too_hard_for_the_youngest_may_be_right_for_the_older() {
        let text = "The small dragon who lived under the old bridge by the mill walked slowly home through the rain. "
            .repeat(5);
        let problem = |years| ReadingLevel::for_age(years).problem_of(&text);
        let problem_of_youngest = problem(Some(3)).expect("18 words a sentence");
        assert!(
            problem_of_youngest.contains("18 words on average"),
            "{problem_of_youngest}"
        );
        assert_eq!((problem(None), problem(Some(9))), (None, None));
    }

    #[test]
    fn a_beat_that_is_much_too_long_is_told_its_length() {
        let text = "The fox ran home. ".repeat(50);
        let problem = ReadingLevel::for_age(None).problem_of(&text);
        assert!(problem.is_some_and(|problem| problem.contains("200 words")));
    }
}
