//! Who reads which part of a beat: a hero with a voice of its own what it says, the narrator all else.

use domain::{
    character::Character,
    story::Dialogue,
    voice::{self, VoiceId},
    words::{find_words, words},
};
use std::ops::Range;

/// Parts that a beat is read in at most, each of which is a call; what follows is the narrator's.
const PARTS_MAX: usize = 8;

/// A stretch of a text and the provider's id of the voice that reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) bytes: Range<usize>,
    pub(super) voice_id: &'a str,
}

/// The heroes who speak for themselves, and with which voice.
pub(super) struct Cast<'a>(Vec<(&'a Character, &'a str)>);

impl<'a> Cast<'a> {
    pub(super) fn of(characters: &'a [Character]) -> Self {
        let voiced = characters.iter().filter_map(|hero| {
            let voice_id = hero.voice_id.as_ref().map(VoiceId::as_str)?;
            Some((hero, voice::provider_voice_id(voice_id)?))
        });
        Self(voiced.collect())
    }

    /// By the whole name, or one word of it.
    fn voice_of(&self, speaker: &str) -> Option<&'a str> {
        let speaker = speaker.trim().to_lowercase();
        let is_called = |name: &str| name.to_lowercase() == speaker;
        let by_name = self.0.iter().find(|(hero, _)| is_called(&hero.name));
        let by_part = || {
            let mut heroes = self.0.iter();
            heroes.find(|(hero, _)| hero.name.split_whitespace().any(is_called))
        };
        by_name.or_else(by_part).map(|(_, voice_id)| *voice_id)
    }

    /// The parts of the text from byte `from` on, in order, white space between them left out. `dialogue` says who speaks
    /// which words, one line after the other; a line that does not stand there in these words is the narrator's.
    pub(super) fn parts(
        &self,
        text: &str,
        from: usize,
        dialogue: &[Dialogue],
        narrator: &'a str,
    ) -> Vec<Part<'a>> {
        let spoken = self.spoken(text, from, dialogue);
        let mut parts: Vec<Part<'a>> = Vec::new();
        for word in words(&text[from..]) {
            let start = word.text.as_ptr() as usize - text.as_ptr() as usize;
            let bytes = start..start + word.text.len();
            let speaks = |(line, _): &&(Range<usize>, &str)| {
                line.start < bytes.end && bytes.start < line.end
            };
            let voice_id = spoken
                .iter()
                .find(speaks)
                .map_or(narrator, |(_, voice_id)| *voice_id);
            let is_full = parts.len() + 1 >= PARTS_MAX;
            match parts.last_mut() {
                Some(last) if last.voice_id == voice_id => last.bytes.end = bytes.end,
                // With the last part that is left the narrator takes over.
                Some(last) if is_full && last.voice_id == narrator => last.bytes.end = bytes.end,
                _ if is_full => parts.push(Part {
                    bytes,
                    voice_id: narrator,
                }),
                _ => parts.push(Part { bytes, voice_id }),
            }
        }
        parts
    }

    /// Where what has a voice of its own stands in the text.
    fn spoken(
        &self,
        text: &str,
        from: usize,
        dialogue: &[Dialogue],
    ) -> Vec<(Range<usize>, &'a str)> {
        let mut all = Vec::new();
        if self.0.is_empty() {
            return all;
        }
        let mut after = from;
        for Dialogue { speaker, line } in dialogue {
            // How a line ends is often written in another way in the list than between the quotation marks.
            let line = line.trim_matches(|c: char| !c.is_alphanumeric());
            let pair = [(line.to_owned(), String::new())];
            let Some((found, _)) = find_words(&text[after..], &pair).into_iter().next() else {
                continue;
            };
            let line = after + found.start..after + found.end;
            after = line.end;
            if let Some(voice_id) = self.voice_of(speaker) {
                all.push((line, voice_id));
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const EMBER: &str = "AAAAAAAAAAAAAAAAAAAA";
    const MAJ: &str = "BBBBBBBBBBBBBBBBBBBB";
    const TEXT: &str = "Before.\n\n“Who is there?” asked Ember, peeking out. “It is me,” said Maj. “No!” said the wind.";

    fn heroes() -> Vec<Character> {
        let hero = |name: &str, voice: Option<&str>| json!({"id": "00000000-0000-4000-8000-000000000009", "name": name, "voice_id": voice});
        let heroes = [
            hero("Ember", Some(EMBER)),
            hero("Anna Maj", Some(MAJ)),
            hero("Wind", None),
        ];
        heroes
            .map(|hero| serde_json::from_value(hero).expect("a character"))
            .into()
    }

    fn dialogue(lines: &[(&str, &str)]) -> Vec<Dialogue> {
        let lines = lines
            .iter()
            .map(|(speaker, line)| json!({"speaker": speaker, "line": line}));
        serde_json::from_value(lines.collect()).expect("a dialogue")
    }

    fn read<'a>(text: &'a str, lines: &[(&str, &str)]) -> Vec<(&'a str, String)> {
        let heroes = heroes();
        let parts = Cast::of(&heroes).parts(text, 9, &dialogue(lines), "narrator");
        let parts = parts.into_iter();
        parts
            .map(|part| (&text[part.bytes], part.voice_id.to_owned()))
            .collect()
    }

    #[test]
    fn each_hero_says_its_own_lines_and_the_narrator_reads_the_rest() {
        let lines = [
            ("ember", "Who is there?"),
            ("Maj", "It is me."),
            ("Wind", "No!"),
        ];
        let expected = [
            ("“Who is there?”", EMBER),
            ("asked Ember, peeking out.", "narrator"),
            ("“It is me,”", MAJ),
            ("said Maj. “No!” said the wind.", "narrator"),
        ];
        assert_eq!(
            read(TEXT, &lines),
            expected.map(|(text, voice)| (text, voice.to_owned()))
        );
    }

    #[test]
    fn lines_that_do_not_stand_there_and_unknown_speakers_are_the_narrators() {
        let lines = [
            ("Ember", "Who was there?"),
            ("Nobody", "It is me"),
            ("Ember", ""),
            ("Ember", "…"),
        ];
        assert_eq!(read(TEXT, &lines), [(&TEXT[9..], "narrator".to_owned())]);
        assert_eq!(read(TEXT, &[]), [(&TEXT[9..], "narrator".to_owned())]);
    }

    #[test]
    fn neighbouring_lines_of_one_voice_are_one_part() {
        let text = "Before.\n\n“Hello. Who is it?” Silence.";
        let parts = read(text, &[("Ember", "Hello."), ("Ember", "Who is it?")]);
        assert_eq!(parts[0], ("“Hello. Who is it?”", EMBER.to_owned()));
        assert_eq!(parts.len(), 2);
    }

    #[test]
    fn beyond_so_many_parts_the_narrator_reads_on_and_no_word_is_lost() {
        let text = format!("Before.\n\n{}", ["“Yes,” said Ember."; 20].join(" "));
        let heroes = heroes();
        let lines = dialogue(&[("Ember", "Yes"); 20]);
        let parts = Cast::of(&heroes).parts(&text, 9, &lines, "narrator");
        assert_eq!(parts.len(), PARTS_MAX);
        let last = parts.last().expect("a part");
        assert_eq!((last.voice_id, last.bytes.end), ("narrator", text.len()));
        let read: Vec<&str> = parts.iter().map(|part| &text[part.bytes.clone()]).collect();
        assert_eq!(read.join(" "), text[9..]);
    }
}
