//! What a language model writes, made storable and printable before anything of it is checked, kept or shown.
//!
//! Every answer passes here once, where it is parsed. Its strings then hold no NUL (which Postgres cannot store), no other
//! control character but the line feed, nothing that turns the direction of the text around it, and no Markdown.

mod json;
mod markdown;
mod signs;

pub use json::{complete_members, from_slice, parse_answer};

use serde_json::{Map, Value};

/// All strings of a value, and the names of its members, as [`text`] makes them.
pub fn value(value: Value) -> Value {
    match value {
        Value::String(string) => Value::String(text(&string)),
        Value::Array(items) => items.into_iter().map(self::value).collect(),
        Value::Object(members) => Value::Object(object(members)),
        other => other,
    }
}

fn object(members: Map<String, Value>) -> Map<String, Value> {
    members
        .into_iter()
        .map(|(name, member)| (text(&name), value(member)))
        .collect()
}

/// One string of an answer, as it may be stored, spoken and printed; trimmed. Doing it again changes nothing.
pub fn text(written: &str) -> String {
    let mut text = once(written);
    loop {
        // Each round takes something away, so this ends: what is uncovered may itself be no plain text.
        let further = once(&text);
        if further == text {
            return text;
        }
        text = further;
    }
}

fn once(text: &str) -> String {
    let plain = signs::plain(&signs::unescape(text));
    markdown::strip(plain.trim()).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn nul_and_the_digits_behind_it_become_the_letter_that_was_meant() {
        for (written, meant) in [
            (
                "Zo\0eb went into the caf\0e9 and",
                "Zoë went into the café and",
            ),
            ("\0c9mile", "Émile"),
            ("\u{1}41\u{f3}d\u{1}7a", "Łódź"),
            ("Hello\0 there", "Hello there"),
            ("\0be careful", "be careful"),
            ("\0eat it up", "eat it up"),
            (
                "don\u{19}t say \u{1c}no\u{1d} \u{14} ever",
                "don’t say “no” — ever",
            ),
            ("\0", ""),
        ] {
            assert_eq!(text(written), meant, "{written:?}");
        }
    }

    #[test]
    fn what_no_reader_should_meet_is_gone_and_lines_end_in_one_way() {
        assert_eq!(
            text(
                "\u{FEFF}One.\r\nTwo.\rThree.\u{2028}Four\tfive\u{7}\u{FFFE}\u{FFFD}\u{E200}.\u{202E} "
            ),
            "One.\nTwo.\nThree.\nFour five."
        );
        assert_eq!(text("A\\n\\nB \\\"C\\\" caf\\u00e9"), "A\n\nB \"C\" café");
        // Joiners and marks of direction belong to writing.
        let kept = "می\u{200c}خواهم 👩🏽‍🚀 ภาษา\u{200b}ไทย \u{200f}";
        assert_eq!(text(kept), kept);
    }

    #[test]
    fn names_of_members_are_cleaned_like_the_rest() {
        let cleaned =
            value(json!({"ques\0tions": [{"answer": "At the caf\0e9", "n": 3, "x": null}]}));
        assert_eq!(
            cleaned,
            json!({"questions": [{"answer": "At the café", "n": 3, "x": null}]})
        );
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let string = "(\\PC|[\\x00-\\x1f\u{7f}-\u{9f}]|\0[0-9a-f]{2}|[*_`#~\\\\\\[\\]()]|\\\\[nu]|\\\\u00[0-9a-f]{2}|[\u{202a}-\u{202e}\u{2066}-\u{2069}\u{feff}\u{fffd}-\u{ffff}]){0,24}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            string.prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((string, inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn strings(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(string) => found.push(string.clone()),
            Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
            Value::Object(members) => members.iter().for_each(|(name, member)| {
                found.push(name.clone());
                strings(member, found);
            }),
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn whatever_json_allows_can_be_stored_and_is_clean_at_once(dirty in any_json()) {
            let clean = value(dirty);
            let mut found = Vec::new();
            strings(&clean, &mut found);
            for string in found {
                let is_dirt = |c: char| (c.is_control() && c != '\n') || matches!(c,
                    '\u{feff}' | '\u{fffd}'..='\u{ffff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
                prop_assert_eq!(string.chars().find(|c| is_dirt(*c)), None);
                prop_assert_eq!(string.trim(), string.as_str());
            }
            prop_assert_eq!(&value(clean.clone()), &clean);
            let written = clean.to_string();
            prop_assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), clean.clone());
            prop_assert_eq!(parse_answer(&written).unwrap(), clean);
        }

        #[test]
        fn words_without_marks_stay_as_they_are(text in "([a-zA-Zé]{1,8}[ .,!?’-]{1,2}){0,12}[a-z]{1,3}") {
            prop_assert_eq!(super::text(&text), text);
        }
    }
}
