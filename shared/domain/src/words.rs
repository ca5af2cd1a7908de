//! What a word is, in scripts with and without spaces: the one way in which lengths are counted, words are lit up while
//! they sound, and over-long texts are cut.

use icu_segmenter::{
    GraphemeClusterSegmenter, SentenceSegmenter, WordSegmenter, WordSegmenterBorrowed,
    options::{SentenceBreakInvariantOptions, WordBreakInvariantOptions},
};
use serde_json::Value;
use std::{ops::Range, sync::LazyLock};
use unicode_script::{Script, UnicodeScript};

/// Word boundaries by UAX 29, with ICU's dictionary for Chinese and Japanese and its models for Thai, Lao, Khmer, Burmese.
static SEGMENTER: LazyLock<WordSegmenterBorrowed<'static>> =
    LazyLock::new(|| WordSegmenter::new_auto(WordBreakInvariantOptions::default()));

/// A word with its punctuation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    pub text: &'a str,
    /// White space stands in front of it, between it and another word.
    pub spaced: bool,
}

/// The words of a text, in order. Joined, with a space in front of those that are `spaced`, they are the text, but for
/// white space at its ends and of more than one sign.
///
/// In scripts with spaces a word is what stands between them. In scripts without, it is what a dictionary or model of the
/// script takes for one, with the punctuation that belongs to it.
pub fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    text.split_whitespace()
        .enumerate()
        .flat_map(|(number, token)| {
            let parts = parts(token).into_iter().enumerate();
            parts.map(move |(index, text)| Word {
                text,
                spaced: index == 0 && number > 0,
            })
        })
}

/// The words of something without white space.
fn parts(token: &str) -> Vec<&str> {
    if !token.chars().any(is_written_without_spaces) {
        return vec![token];
    }
    let mut parts = Vec::new();
    let mut segments = SEGMENTER.segment_str(token).iter_with_word_type();
    // Where the part begins, and whether it holds a word yet.
    let (mut start, mut has_word, mut from) = (0, false, 0);
    // The first boundary is the beginning.
    segments.next();
    for (end, _) in segments {
        let segment = &token[from..end];
        let is_word = segment.chars().any(char::is_alphanumeric);
        let opens = segment.chars().all(opens);
        if has_word && (is_word || opens) {
            parts.push(&token[start..from]);
            (start, has_word) = (from, false);
        }
        has_word |= is_word;
        from = end;
    }
    // Punctuation alone belongs to the word in front of it.
    match parts.last_mut() {
        Some(last) if !has_word => *last = &token[start - last.len()..],
        _ => parts.push(&token[start..]),
    }
    parts
}

/// Whether words of the character's script stand side by side without spaces.
pub fn is_written_without_spaces(character: char) -> bool {
    matches!(
        character.script(),
        Script::Han
            | Script::Hiragana
            | Script::Katakana
            | Script::Bopomofo
            | Script::Yi
            | Script::Thai
            | Script::Lao
            | Script::Khmer
            | Script::Myanmar
            | Script::Tibetan
            | Script::Tai_Le
            | Script::New_Tai_Lue
            | Script::Tai_Tham
            | Script::Tai_Viet
    )
}

/// Punctuation that belongs to what follows it.
fn opens(character: char) -> bool {
    matches!(
        character,
        '(' | '['
            | '{'
            | '“'
            | '‘'
            | '«'
            | '‹'
            | '„'
            | '‚'
            | '¿'
            | '¡'
            | '「'
            | '『'
            | '（'
            | '【'
            | '《'
            | '〈'
            | '〔'
            | '〖'
            | '〘'
            | '〚'
            | '［'
            | '｛'
            | '｢'
            | '〝'
    )
}

/// The byte at which the last word ends of those within the first `bytes_max`; `None` when not even one is.
pub fn last_word_end(text: &str, bytes_max: usize) -> Option<usize> {
    words(text)
        .map(|word| word.text.as_ptr() as usize - text.as_ptr() as usize + word.text.len())
        .take_while(|end| *end <= bytes_max)
        .last()
}

/// The byte at which the last sentence ends of those within the first `bytes_max`, without white space that follows it;
/// `None` when not even one is.
pub fn last_sentence_end(text: &str, bytes_max: usize) -> Option<usize> {
    let sentences = SentenceSegmenter::new(SentenceBreakInvariantOptions::default());
    let ends = sentences.segment_str(text);
    ends.map(|end| text[..end].trim_end().len())
        .take_while(|end| *end <= bytes_max)
        .filter(|end| *end > 0)
        .last()
}

/// The text, trimmed, with at most `chars_max` characters: cut after a word where that leaves more than half of them, else
/// between two signs that a reader sees as such.
pub fn shorten(text: &str, chars_max: usize) -> &str {
    let text = text.trim();
    let Some((bytes_max, _)) = text.char_indices().nth(chars_max) else {
        return text;
    };
    let after_word = last_word_end(text, bytes_max).filter(|end| *end > bytes_max / 2);
    let end = after_word.unwrap_or_else(|| {
        GraphemeClusterSegmenter::new()
            .segment_str(text)
            .take_while(|end| *end <= bytes_max)
            .last()
            .unwrap_or(0)
    });
    text[..end].trim_end()
}

/// A text with whole words replaced, whatever their case: of these pairs, from and to, the first that fits counts.
pub fn replace_words(text: &str, pairs: &[(String, String)]) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut copied = 0;
    for (found, to) in find_words(text, pairs) {
        replaced.push_str(&text[copied..found.start]);
        replaced.push_str(to);
        copied = found.end;
    }
    replaced.push_str(&text[copied..]);
    replaced
}

/// Where they stand, in bytes, and what each is replaced with.
pub fn find_words<'a>(text: &str, pairs: &'a [(String, String)]) -> Vec<(Range<usize>, &'a str)> {
    let mut all = Vec::new();
    let mut at = 0;
    let mut before = None;
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        let fitting = pairs.iter().find_map(|(from, to)| {
            let length = length_of_prefix(rest, from).filter(|length| *length > 0)?;
            let (found, after) = rest.split_at(length);
            let begins = is_edge(before, found.chars().next());
            let ends = is_edge(found.chars().next_back(), after.chars().next());
            (begins && ends).then_some((to.as_str(), found))
        });
        let (length, last) = match fitting {
            Some((to, found)) => {
                all.push((at..at + found.len(), to));
                (found.len(), found.chars().next_back())
            }
            None => (next.len_utf8(), Some(next)),
        };
        (at, before) = (at + length, last);
    }
    all
}

/// The same in every text of some JSON; names of members stay.
pub fn replace_words_in(value: &Value, pairs: &[(String, String)]) -> Value {
    let replace = |value| replace_words_in(value, pairs);
    match value {
        Value::String(text) => replace_words(text, pairs).into(),
        Value::Array(items) => items.iter().map(replace).collect(),
        Value::Object(members) => {
            let members = members.iter();
            let replaced = members.map(|(name, value)| (name.clone(), replace(value)));
            Value::Object(replaced.collect())
        }
        other => other.clone(),
    }
}

/// How many bytes of a text are this word, whatever its case.
fn length_of_prefix(text: &str, word: &str) -> Option<usize> {
    let mut signs = text.char_indices();
    for wanted in word.chars() {
        let (_, found) = signs.next()?;
        if found != wanted && !found.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    Some(signs.offset())
}

/// Whether a word may end between two signs.
fn is_edge(before: Option<char>, after: Option<char>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return true;
    };
    !(before.is_alphanumeric() && after.is_alphanumeric())
        || is_written_without_spaces(before)
        || is_written_without_spaces(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<&str> {
        words(text).map(|word| word.text).collect()
    }

    #[test]
    fn with_spaces_a_word_keeps_its_punctuation() {
        assert_eq!(
            texts("  “Don’t go!” – said 3.5 merry-go-rounds, 안녕 하세요… "),
            [
                "“Don’t",
                "go!”",
                "–",
                "said",
                "3.5",
                "merry-go-rounds,",
                "안녕",
                "하세요…"
            ]
        );
    }

    #[test]
    fn japanese_chinese_and_thai_have_words_too() {
        assert_eq!(
            texts("「こわい。」と小さな竜は、森で言った。"),
            [
                "「こわい。」",
                "と",
                "小さな",
                "竜",
                "は、",
                "森",
                "で",
                "言",
                "った。"
            ]
        );
        assert_eq!(
            texts("小龙望着远处的小灯……"),
            ["小龙", "望", "着", "远处", "的", "小", "灯……"]
        );
        assert_eq!(texts("ทุกสองสัปดาห์"), ["ทุก", "สอง", "สัปดาห์"]);
    }

    #[test]
    fn lao_khmer_and_burmese_are_more_than_one_word() {
        for text in [
            "ມັງກອນນ້ອຍຍ່າງເຂົ້າໄປໃນປ່າ",
            "នាគតូចដើរចូលទៅក្នុងព្រៃ",
            "နဂါးလေးသည်တောထဲသို့လျှောက်သွားခဲ့သည်",
        ] {
            assert!(texts(text).len() >= 3, "{:?}", texts(text));
        }
    }

    #[test]
    fn a_text_of_two_scripts_is_cut_where_they_meet_and_at_spaces() {
        let words: Vec<Word<'_>> = words("Emberは NASAの (犬)!").collect();
        let expected = [
            ("Ember", false),
            ("は", false),
            ("NASA", true),
            ("の", false),
            ("(犬)!", true),
        ];
        assert_eq!(words, expected.map(|(text, spaced)| Word { text, spaced }));
    }

    #[test]
    fn what_is_too_long_is_cut_after_a_word_or_between_two_signs() {
        assert_eq!(shorten(" The small lamp ", 255), "The small lamp");
        assert_eq!(shorten("The small lamp", 12), "The small");
        assert_eq!(shorten("Donaudampfschifffahrt", 5), "Donau");
        assert_eq!(shorten("👩🏽‍🚀👩🏽‍🚀👩🏽‍🚀", 10), "👩🏽‍🚀👩🏽‍🚀");
        assert_eq!(shorten("小龙望着远处的小灯", 5), "小龙望着");
    }

    proptest! {
        #[test]
        fn words_joined_are_the_text(text in "[\\PC \n「」、。！竜の森มังกร小龙👍é\u{301}\u{200b}]{0,60}") {
            let joined = words(&text).fold(String::new(), |joined, word| {
                joined + if word.spaced { " " } else { "" } + word.text
            });
            let once: Vec<&str> = text.split_whitespace().collect();
            prop_assert_eq!(joined, once.join(" "));
            prop_assert!(words(&text).all(|word| !word.text.is_empty()));
        }

        #[test]
        fn a_cut_text_begins_like_the_text_and_is_short(text in "\\PC{0,40}|(👩🏽‍🚀|é ){0,20}", most in 1_usize..30) {
            let short = shorten(&text, most);
            prop_assert!(text.trim().starts_with(short) && short.chars().count() <= most);
        }
    }
}
