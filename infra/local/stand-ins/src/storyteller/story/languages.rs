//! Stories in other languages, and English ones for the youngest: a file of `stories/` each, which holds all that is told.

use std::sync::LazyLock;

use super::teller::{Arc, read_arc};
use crate::storyteller::data;

/// A language as its file tells it; `de.txt` explains what `adventure.txt` does not.
#[derive(Debug)]
pub(crate) struct Language {
    /// ISO 639-1, which is also its voice's name.
    pub(crate) code: &'static str,
    pub(super) file: &'static str,
    pub(super) arc: Arc,
}

static LANGUAGES: LazyLock<Vec<Language>> = LazyLock::new(|| {
    let files = [
        ("de", include_str!("../../../stories/de.txt")),
        ("en", include_str!("../../../stories/en.txt")),
        ("es", include_str!("../../../stories/es.txt")),
        ("fr", include_str!("../../../stories/fr.txt")),
        ("pl", include_str!("../../../stories/pl.txt")),
        ("tr", include_str!("../../../stories/tr.txt")),
    ];
    let language = |(code, file)| Language {
        code,
        file,
        arc: read_arc(file),
    };
    files.map(language).into()
});

/// The language of that code, if there is a file.
pub(super) fn named(code: &str) -> Option<&'static Language> {
    LANGUAGES.iter().find(|language| language.code == code)
}

/// The language whose commonest words a text has most of, and two at least; None for English.
pub(crate) fn language_of(text: &str) -> Option<&'static Language> {
    let text = text.to_lowercase();
    let words = text.split(|sign: char| !sign.is_alphabetic());
    let common = |language: &'static Language| {
        let common = data::section(language.file, "common words");
        let is_common = |word: &&str| common.contains(word);
        (words.clone().filter(is_common).count(), language)
    };
    let found = LANGUAGES.iter().map(common).max_by_key(|(count, _)| *count);
    found
        .filter(|(count, _)| *count > 1)
        .map(|(_, language)| language)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storyteller::story::answer;
    use serde_json::{Value, json};

    fn tell(language: &str, age: u32, hero: &str, theme: &str) -> Value {
        let request = json!({"characters": [{"name": hero, "species": "owl", "traits": ["glasses"]}],
            "themes": [theme], "storyType": "mystery", "language": language, "readerAge": age});
        answer(
            "story",
            &format!("<request>\n{request}\n</request>"),
            &[],
            false,
        )
    }

    fn texts(story: &Value) -> Vec<&str> {
        let beats = story["beats"].as_array().unwrap();
        beats
            .iter()
            .map(|beat| beat["text"].as_str().unwrap())
            .collect()
    }

    /// Words of a sentence, as the functions count them.
    fn pace(text: &str) -> usize {
        let is_word = |word: &&str| word.contains(char::is_alphabetic);
        let ends = text.matches(['.', '!', '?']).count();
        text.split_whitespace().filter(is_word).count() / ends.max(1)
    }

    #[test]
    fn a_story_is_told_in_the_language_and_for_the_age_that_is_asked_for() {
        for code in ["de", "en", "es", "fr", "pl", "tr"] {
            for (age, hero) in [
                (3, "Ada"),
                (5, "Işıl"),
                (6, "Jörg"),
                (8, "Éloïse"),
                (11, "Bąbel"),
            ] {
                for theme in ["courage", "sharing", "calm", "spreadsheets"] {
                    let story = tell(code, age, hero, theme);
                    for text in texts(&story) {
                        let words = text.split_whitespace().count();
                        assert!(
                            (55..=126).contains(&words),
                            "{words} words in {code}: {text}"
                        );
                        assert!(text.contains(hero), "{code}: {text}");
                        assert!(!text.contains(['{', '|', '@', '}']), "{code}: {text}");
                        assert!(age > 6 || pace(text) < 12, "{code}, {age}: {text}");
                        let told_in = language_of(text).map_or("en", |language| language.code);
                        assert_eq!(told_in, code, "{text}");
                    }
                    assert!(story["moral"].as_str().is_some_and(|moral| moral.len() > 9));
                    // The English arcs for older readers have titles without a name, too.
                    let title = story["title"].as_str().unwrap();
                    let may_lack_it = code == "en" && age > 6;
                    assert!(may_lack_it || title.contains(hero), "{code}: {title}");
                }
            }
        }
    }

    #[test]
    fn what_is_said_stands_in_the_text_and_its_speaker_is_named() {
        for code in ["de", "es", "fr", "pl", "tr"] {
            for beat in tell(code, 9, "Ada", "courage")["beats"].as_array().unwrap() {
                let lines = beat["dialogue"].as_array().unwrap();
                assert!(!lines.is_empty());
                for spoken in lines {
                    let text = beat["text"].as_str().unwrap();
                    assert!(text.contains(spoken["line"].as_str().unwrap()), "{text}");
                    assert!(!spoken["speaker"].as_str().unwrap().is_empty());
                }
            }
        }
    }

    #[test]
    fn an_idea_or_a_story_tells_its_own_language() {
        let request = json!({"idea": "Jörg traut sich nicht über die Brücke"}).to_string();
        let story = answer("story", &request, &[], false);
        assert_eq!(
            language_of(texts(&story)[0]).map(|told| told.code),
            Some("de")
        );
        let asked = json!({"beats": texts(&story)}).to_string();
        let plan = answer("activities", &asked, &[], false).to_string();
        assert!(
            plan.contains("Laterne") && plan.contains("Jede Antwort"),
            "{plan}"
        );
        assert!(language_of("I said I've seen a fox in its den and I will tell").is_none());
    }
}
