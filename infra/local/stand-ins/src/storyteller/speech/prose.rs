//! A text as a reader sees it: sentences, words, pauses, and how long each letter takes.

/// Seconds a letter or a gap takes at speed 1; chosen so that a story runs at about 13 characters
/// a second, pauses included.
const VOWEL: f64 = 0.085;
const CONSONANT: f64 = 0.060;
const WORD_GAP: f64 = 0.030;
const COMMA_PAUSE: f64 = 0.22;
const SENTENCE_PAUSE: f64 = 0.60;
const PARAGRAPH_PAUSE: f64 = 1.0;

/// A word with its place among the characters of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// How the voice falls or rises at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Statement,
    Question,
    Exclamation,
}

#[derive(Debug, Clone)]
pub(super) struct Sentence {
    /// Words up to each pause at a comma or the like.
    pub(super) clauses: Vec<Vec<Word>>,
    pub(super) ending: Ending,
    /// The characters it spans, closing marks included.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) ends_paragraph: bool,
}

impl Sentence {
    /// Seconds of silence after it at speed 1.
    pub(super) fn pause(&self) -> f64 {
        if self.ends_paragraph {
            PARAGRAPH_PAUSE
        } else {
            SENTENCE_PAUSE
        }
    }
}

#[derive(Debug)]
pub(super) struct Prose {
    pub(super) characters: Vec<char>,
    pub(super) sentences: Vec<Sentence>,
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '\'' || c == '’'
}

pub(super) fn is_vowel(c: char) -> bool {
    "aeiouyàáâäåèéêëìíîïòóôöùúûü".contains(c.to_lowercase().next().unwrap_or(c))
}

/// What a letter adds to a word's length, in seconds at speed 1.
pub(super) fn letter_seconds(c: char) -> f64 {
    if is_vowel(c) {
        VOWEL
    } else if c.is_ascii_digit() {
        // A digit is a whole syllable or two.
        0.30
    } else if c.is_alphanumeric() {
        CONSONANT
    } else {
        0.0
    }
}

impl Prose {
    pub(super) fn read(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let mut sentences = Vec::new();
        let mut clauses: Vec<Vec<Word>> = vec![Vec::new()];
        let (mut start, mut at) = (0, 0);
        while at < characters.len() {
            let c = characters[at];
            if is_word(c) {
                let end = (at..characters.len())
                    .find(|next| !is_word(characters[*next]))
                    .unwrap_or(characters.len());
                if let Some(clause) = clauses.last_mut() {
                    clause.push(Word { start: at, end });
                }
                at = end;
                continue;
            }
            at += 1;
            if matches!(c, ',' | ';' | ':' | '—' | '–') {
                clauses.push(Vec::new());
            }
            let blank_line = c == '\n' && characters.get(at) == Some(&'\n');
            if matches!(c, '.' | '!' | '?' | '…') || blank_line || at == characters.len() {
                while at < characters.len()
                    && matches!(
                        characters[at],
                        '.' | '!' | '?' | '…' | '"' | '”' | '’' | ')'
                    )
                {
                    at += 1;
                }
                let sentence = finish(&characters, std::mem::take(&mut clauses), start, at, c);
                clauses.push(Vec::new());
                start = at;
                sentences.extend(sentence);
            }
        }
        sentences.extend(finish(&characters, clauses, start, characters.len(), '.'));
        Prose {
            characters,
            sentences,
        }
    }

    /// Start and end of every character at the pace of the constants above: words where they are
    /// spoken, marks and blanks in the silence that follows.
    pub(super) fn times(&self, speed: f64) -> (Vec<f64>, Vec<f64>) {
        let mut clock = 0.0;
        let mut words = Vec::new();
        for sentence in &self.sentences {
            let last_clause = sentence.clauses.len() - 1;
            for (index, clause) in sentence.clauses.iter().enumerate() {
                for word in clause {
                    let length: f64 = self.characters[word.start..word.end]
                        .iter()
                        .map(|c| letter_seconds(*c))
                        .sum();
                    words.push((*word, clock / speed, (clock + length) / speed));
                    clock += length + WORD_GAP;
                }
                clock += if index == last_clause {
                    sentence.pause()
                } else {
                    COMMA_PAUSE
                };
            }
        }
        self.spread(&words, clock / speed)
    }

    /// Fills in the characters between timed words; `total` is when the last silence ends.
    pub(super) fn spread(&self, words: &[(Word, f64, f64)], total: f64) -> (Vec<f64>, Vec<f64>) {
        let count = self.characters.len();
        let (mut starts, mut ends) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut clock = 0.0;
        // Shares a stretch of time among the next characters, by their weights.
        let mut share = |weights: &[f64], since: f64, until: f64| {
            let mut at = since;
            let scale = (until - since).max(0.0) / weights.iter().sum::<f64>();
            for weight in weights {
                starts.push(at);
                at += weight * scale;
                ends.push(at);
            }
        };
        let mut filled = 0;
        for (word, since, until) in words {
            share(&vec![1.0; word.start - filled], clock, *since);
            let letters = &self.characters[word.start..word.end];
            let weights: Vec<f64> = letters
                .iter()
                .map(|c| letter_seconds(*c).max(0.01))
                .collect();
            share(&weights, *since, *until);
            (filled, clock) = (word.end, *until);
        }
        share(&vec![1.0; count - filled], clock, total);
        (starts, ends)
    }
}

fn finish(
    characters: &[char],
    mut clauses: Vec<Vec<Word>>,
    start: usize,
    end: usize,
    mark: char,
) -> Option<Sentence> {
    clauses.retain(|clause| !clause.is_empty());
    if clauses.is_empty() {
        return None;
    }
    let marks = &characters[start..end];
    let ending = match mark {
        _ if marks.contains(&'?') => Ending::Question,
        _ if marks.contains(&'!') => Ending::Exclamation,
        _ => Ending::Statement,
    };
    let ends_paragraph = characters[end..]
        .iter()
        .take_while(|c| c.is_whitespace())
        .filter(|c| **c == '\n')
        .count()
        >= 2;
    Some(Sentence {
        clauses,
        ending,
        start,
        end,
        ends_paragraph,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_at_their_marks_and_keep_closing_quotes() {
        let prose = Prose::read("\"Stop!\" said Ember, softly. Why?");
        let spans: Vec<String> = prose
            .sentences
            .iter()
            .map(|s| prose.characters[s.start..s.end].iter().collect())
            .collect();
        assert_eq!(spans, ["\"Stop!\"", " said Ember, softly.", " Why?"]);
        assert_eq!(prose.sentences[1].clauses.len(), 2);
        assert_eq!(prose.sentences[2].ending, Ending::Question);
    }

    #[test]
    fn a_text_without_words_still_has_times() {
        let (starts, ends) = Prose::read("…🌟").times(1.0);
        assert_eq!((starts.len(), ends.len()), (2, 2));
    }
}
