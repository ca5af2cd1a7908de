//! Names as a voice is to say them: other words are sent to it, and its times are told of the words that are shown.
//!
//! The provider keeps pronunciation dictionaries, too. They would be state of its account, one for each story, to be made
//! before and deleted after it, and not every model reads them; the same words in the text itself do the same everywhere.

use domain::{
    character::{Character, NAME_PART_CHARS_MIN},
    words::{find_words, replace_words},
};
use providers::Alignment;
use std::{cmp::Reverse, ops::Range};

/// What is said in place of what is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Pronunciations(Vec<(String, String)>);

impl Pronunciations {
    /// Of each name, and of each of its parts where the hint has as many.
    pub(super) fn of(characters: &[Character]) -> Self {
        let mut pairs = Vec::new();
        for character in characters {
            let Some(said) = &character.pronunciation else {
                continue;
            };
            let name = &character.name;
            let (written_parts, said_parts) = (name.split_whitespace(), said.split_whitespace());
            pairs.push((name.clone(), said.clone()));
            if written_parts.clone().count() == said_parts.clone().count() {
                let parts = written_parts.zip(said_parts);
                let parts = parts.filter(|(part, _)| part.chars().count() >= NAME_PART_CHARS_MIN);
                pairs.extend(parts.map(|(part, said)| (part.to_owned(), said.to_owned())));
            }
        }
        // A whole name before its parts; of two heroes who share one, the first.
        pairs.sort_by_key(|(name, _)| Reverse(name.chars().count()));
        Self(pairs)
    }

    /// A text as it is said.
    pub(super) fn said(&self, text: &str) -> String {
        replace_words(text, &self.0)
    }

    /// The times of a text as it is written, from those of what was said of it. What cannot be told apart stays as it is,
    /// and is found to be of another text by whoever reads it.
    pub(super) fn times_as_written(&self, text: &str, said: Alignment) -> Alignment {
        let respelt = self.respelt(text);
        let characters = said.characters.len();
        if respelt.is_empty()
            || characters != said.character_start_times_seconds.len()
            || characters != said.character_end_times_seconds.len()
        {
            return said;
        }
        let mut written = Alignment::default();
        let mut respelt = respelt.into_iter().peekable();
        // The letters heard so far, and when the word began that is being said.
        let (mut heard, mut began_s) = (0, None);
        for (letter, start_s, end_s) in letters(&said) {
            let Some((name, letters)) = respelt.peek().filter(|(_, at)| at.contains(&heard)) else {
                push(&mut written, letter.to_string(), start_s, end_s);
                heard += usize::from(!letter.is_whitespace());
                continue;
            };
            if letter.is_whitespace() {
                // In front of the word it is one of the text's own.
                if began_s.is_none() {
                    push(&mut written, letter.to_string(), start_s, end_s);
                }
                continue;
            }
            let word_start_s = *began_s.get_or_insert(start_s);
            heard += 1;
            if heard == letters.end {
                push(&mut written, (*name).to_owned(), word_start_s, end_s);
                began_s = None;
                respelt.next();
            }
        }
        written
    }

    /// The words of a text that are said otherwise, and which letters of what is said they are, white space not counted.
    fn respelt<'a>(&self, text: &'a str) -> Vec<(&'a str, Range<usize>)> {
        let count = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
        let (mut copied, mut said) = (0, 0);
        let found = find_words(text, &self.0).into_iter();
        found
            .map(|(bytes, to)| {
                let start = said + count(&text[copied..bytes.start]);
                (copied, said) = (bytes.end, start + count(to));
                (&text[bytes], start..said)
            })
            .collect()
    }
}

/// The characters one by one; an element of several shares its time among them.
fn letters(alignment: &Alignment) -> impl Iterator<Item = (char, f64, f64)> {
    let starts = alignment.character_start_times_seconds.iter();
    let times = starts.zip(&alignment.character_end_times_seconds);
    let elements = alignment.characters.iter().zip(times);
    elements.flat_map(|(element, (start_s, end_s))| {
        let count = element.chars().count().max(1);
        let at = move |index: usize| match index {
            0 => *start_s,
            index if index == count => *end_s,
            index => start_s + (end_s - start_s) * index as f64 / count as f64,
        };
        let letters = element.chars().enumerate();
        letters.map(move |(index, letter)| (letter, at(index), at(index + 1)))
    })
}

fn push(alignment: &mut Alignment, element: String, start_s: f64, end_s: f64) {
    alignment.characters.push(element);
    alignment.character_start_times_seconds.push(start_s);
    alignment.character_end_times_seconds.push(end_s);
}

#[cfg(test)]
mod tests {
    use super::*;
    use render::narration::{self, Chunk};
    use serde_json::json;

    fn pronunciations(of: &[(&str, &str)]) -> Pronunciations {
        let characters: Vec<Character> = of
            .iter()
            .map(|(name, said)| {
                json!({"id": "00000000-0000-4000-8000-000000000009", "name": name, "pronunciation": said})
            })
            .map(|character| serde_json::from_value(character).expect("a character"))
            .collect();
        Pronunciations::of(&characters)
    }

    /// A tenth of a second for each character that is said.
    fn times(said: &str) -> Alignment {
        let characters: Vec<String> = said.chars().map(String::from).collect();
        Alignment {
            character_start_times_seconds: (0..characters.len()).map(|n| n as f64 / 10.0).collect(),
            character_end_times_seconds: (1..=characters.len()).map(|n| n as f64 / 10.0).collect(),
            characters,
        }
    }

    /// The words with their times, in tenths of a second.
    fn words(text: &str, times: &Alignment) -> Vec<(String, u32, u32)> {
        let alignment = narration::Alignment {
            characters: &times.characters,
            start_times_s: &times.character_start_times_seconds,
            end_times_s: &times.character_end_times_seconds,
        };
        let chunk = Chunk {
            text,
            alignment,
            offset_s: 0.0,
        };
        let words = narration::spoken_words(&[chunk]).expect("times");
        let tenths = |time_s: f64| (time_s * 10.0).round() as u32;
        words
            .into_iter()
            .map(|word| (word.txt, tenths(word.start), tenths(word.end)))
            .collect()
    }

    #[test]
    fn a_name_is_said_as_its_hint_and_shown_as_it_is_written() {
        let names = pronunciations(&[("Siobhan", "Shiv-AWN")]);
        let text = "Here is SIOBHAN’s lamp, “Siobhan!” Siobhanny ran.";
        let said = names.said(text);
        assert_eq!(said, "Here is Shiv-AWN’s lamp, “Shiv-AWN!” Siobhanny ran.");
        let shown = words(text, &names.times_as_written(text, times(&said)));
        let said = words(&said, &times(&said));
        assert_eq!(shown[2], ("SIOBHAN’s".to_owned(), said[2].1, said[2].2));
        assert_eq!(shown[4], ("“Siobhan!”".to_owned(), said[4].1, said[4].2));
        assert_eq!(shown[5].0, "Siobhanny");
        let at = |words: &[(String, u32, u32)]| {
            words
                .iter()
                .map(|word| (word.1, word.2))
                .collect::<Vec<_>>()
        };
        assert_eq!(at(&shown), at(&said));
    }

    #[test]
    fn names_and_hints_of_several_words_are_told_apart() {
        let names = pronunciations(&[("Anna Maj", "AH-na My"), ("Xóchitl", "SO cheel")]);
        let text = "Anna Maj and Xóchitl met Anna; Maj slept.";
        let said = names.said(text);
        assert_eq!(said, "AH-na My and SO cheel met AH-na; My slept.");
        let shown = words(text, &names.times_as_written(text, times(&said)));
        let txt: Vec<&str> = shown.iter().map(|word| word.0.as_str()).collect();
        assert_eq!(txt, text.split(' ').collect::<Vec<_>>());
        assert_eq!((shown[3].1, shown[3].2), (13, 21), "from S to l");
        assert_eq!(
            (shown[0].1, shown[1].2),
            (0, 8),
            "both names within their hint"
        );
    }

    #[test]
    fn a_sound_that_was_cut_short_still_tells_so_and_odd_times_are_left_alone() {
        let names = pronunciations(&[("Siobhan", "Shiv-AWN")]);
        let text = "Here is Siobhan.";
        let cut = names.times_as_written(text, times("Here is Shiv"));
        assert_eq!(cut.characters.concat(), "Here is ");
        let mut odd = times("Here is Shiv-AWN.");
        odd.character_end_times_seconds.pop();
        assert_eq!(names.times_as_written(text, odd.clone()), odd);
        let other = names.times_as_written(text, times("Something else."));
        assert_ne!(other.characters.concat(), text);
        let none = Pronunciations::default();
        assert_eq!(none.times_as_written(text, times(text)), times(text));
    }
}
