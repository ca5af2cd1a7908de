//! The text of the four beats as HTML in which every word carries its number.

use std::fmt::Write;

use domain::words::words;
use serde::{Deserialize, Serialize};

use crate::language::{UNDETERMINED, language_of};

/// The four HTML blocks of a story, one per beat, in the form of the column `audio_blocks`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NarrationBlocks {
    /// The first beat.
    pub a: String,
    /// The second beat.
    pub b: String,
    /// The third beat.
    pub c: String,
    /// The fourth beat.
    pub d: String,
}

/// The text to be spoken for four beats: the words of [`blocks`] are its words, in its order.
pub fn narrated_text(beats: &[&str; 4]) -> String {
    let spoken: Vec<&str> = beats.iter().map(|beat| beat.trim()).collect();
    spoken.join("\n\n").trim().to_owned()
}

/// The four beats as HTML: a `<p>` per line of text, a `<span data-w="N">` around each word, where N
/// counts the words of all blocks from 0 and so is the index of the word in `audio_words`.
///
/// A paragraph takes its direction from its own first letter and says in which language the story
/// is, if that can be told. Everything that comes from the text is escaped; the only markup is ours.
pub fn blocks(beats: &[&str; 4]) -> NarrationBlocks {
    let paragraph = match language_of(&narrated_text(beats)) {
        UNDETERMINED => r#"<p dir="auto">"#.to_owned(),
        language => format!(r#"<p dir="auto" lang="{language}">"#),
    };
    let mut next_word = 0;
    let [a, b, c, d] = beats.map(|beat| block(beat, &paragraph, &mut next_word));
    NarrationBlocks { a, b, c, d }
}

fn block(text: &str, paragraph_start: &str, next_word: &mut usize) -> String {
    let mut html = String::with_capacity(text.len() * 6);
    let paragraphs = text.lines().filter(|line| !line.trim().is_empty());
    for paragraph in paragraphs {
        html.push_str(paragraph_start);
        for word in words(paragraph) {
            let space = if word.spaced { " " } else { "" };
            write!(html, r#"{space}<span data-w="{next_word}">"#)
                .expect("writing to a String cannot fail");
            push_escaped(&mut html, word.text);
            html.push_str("</span>");
            *next_word += 1;
        }
        html.push_str("</p>");
    }
    html
}

fn push_escaped(html: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            // No HTML document may contain a NUL, escaped or not.
            '\0' => html.push('\u{FFFD}'),
            _ => html.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_numbered_on_over_paragraphs_and_blocks() {
        let blocks = blocks(&["One day,\n\na fox", "ran.", "", "Home!"]);
        assert_eq!(
            blocks.a,
            r#"<p dir="auto"><span data-w="0">One</span> <span data-w="1">day,</span></p><p dir="auto"><span data-w="2">a</span> <span data-w="3">fox</span></p>"#
        );
        assert_eq!(
            blocks.b,
            r#"<p dir="auto"><span data-w="4">ran.</span></p>"#
        );
        assert_eq!(blocks.c, "");
        assert_eq!(
            blocks.d,
            r#"<p dir="auto"><span data-w="5">Home!</span></p>"#
        );
    }

    #[test]
    fn a_text_cannot_bring_its_own_markup() {
        let blocks = blocks(&["<script>alert('x')</script> Tom & \"Ana\"", "", "", ""]);
        assert_eq!(
            blocks.a,
            r#"<p dir="auto"><span data-w="0">&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;</span> <span data-w="1">Tom</span> <span data-w="2">&amp;</span> <span data-w="3">&quot;Ana&quot;</span></p>"#
        );
    }

    #[test]
    fn every_paragraph_finds_its_own_direction_and_names_the_language_of_the_story() {
        let arabic = "ذهبت Mia إلى البيت 3 مرات.";
        let blocks = blocks(&[arabic, "Hello there.\nשלום לכם 3 ילדים.", "", ""]);
        assert_eq!(blocks.a.matches("<p dir=\"auto\"").count(), 1);
        assert_eq!(blocks.b.matches("<p dir=\"auto\"").count(), 2);
        assert!(
            blocks
                .a
                .contains(r#"<span data-w="1">Mia</span> <span data-w="2">إلى</span>"#)
        );

        let german = "Ember sah eine kleine Lampe und ging mit sehr mutigem Herzen zu ihr hin.";
        let told = super::blocks(&[german; 4]);
        assert!(
            told.d
                .starts_with(r#"<p dir="auto" lang="de"><span data-w="42">"#),
            "{}",
            told.d
        );
    }

    #[test]
    fn words_without_spaces_have_a_span_each_and_none_is_put_between_them() {
        let blocks = blocks(&["小さな竜は、森で Mia と会った。", "", "", ""]);
        let mut words = Vec::new();
        words_of(&blocks.a, &mut words);
        let words: Vec<String> = words.into_iter().map(|(_, word)| word).collect();
        assert!(words.len() > 7, "{words:?}");
        assert_eq!(words.concat(), "小さな竜は、森でMiaと会った。");
        assert_eq!(shown(&blocks.a), "小さな竜は、森で Mia と会った。");
    }

    /// What a browser shows of a block of one paragraph.
    fn shown(html: &str) -> String {
        let mut text = String::new();
        let mut rest = html;
        while let Some((before, tag)) = rest.split_once('<') {
            text.push_str(before);
            rest = tag.split_once('>').expect("a tag is closed").1;
        }
        text + rest
    }

    /// The words of a block, read back the way a browser would.
    fn words_of(html: &str, words: &mut Vec<(usize, String)>) {
        for span in html.split("<span data-w=\"").skip(1) {
            let (number, rest) = span.split_once("\">").expect("a number is closed");
            let (word, _) = rest.split_once("</span>").expect("a span is closed");
            let word = [
                ("&lt;", "<"),
                ("&gt;", ">"),
                ("&quot;", "\""),
                ("&#39;", "'"),
                ("&amp;", "&"),
            ]
            .iter()
            .fold(word.to_owned(), |word, (entity, sign)| {
                word.replace(entity, sign)
            });
            words.push((number.parse().expect("a number"), word));
        }
    }

    proptest! {
        #[test]
        fn the_words_of_the_blocks_are_the_words_that_are_spoken(
            beats in prop::array::uniform4("[\\PC \n<>&'\"👩🏽‍🚀é\u{301}、。「竜の森มังกร]{0,40}")
        ) {
            let beats = [&*beats[0], &beats[1], &beats[2], &beats[3]];
            let NarrationBlocks { a, b, c, d } = blocks(&beats);
            let mut words = Vec::new();
            for html in [a, b, c, d] {
                words_of(&html, &mut words);
            }
            let spoken = narrated_text(&beats);
            let expected: Vec<(usize, String)> = domain::words::words(&spoken)
                .map(|word| word.text.to_owned())
                .enumerate()
                .collect();
            prop_assert_eq!(words, expected);
        }
    }
}
