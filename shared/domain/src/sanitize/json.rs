//! From the words of an answer to JSON, though a fence, a greeting or a broken escape stands in the way.

use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{borrow::Cow, iter::Peekable, str::Chars};

/// Reads what a model answered as JSON, its strings as [`super::text`] makes them.
///
/// # Errors
/// When there is no whole JSON value in it.
pub fn parse_answer(content: &str) -> Result<Value, serde_json::Error> {
    let content = content.trim_start_matches('\u{feff}').trim();
    from_str(content)
        .or_else(|error| {
            // Around the object may stand a fence or a greeting, behind it the same object once more.
            let start = content.find('{').ok_or(error)?;
            first_of(&mend(&content[start..]))
        })
        .map(super::value)
}

/// Reads the body of a provider's answer, though it may hold bytes that are no UTF-8 and escapes that are no character.
///
/// # Errors
/// When it is no JSON, or not a `T`.
pub fn from_slice<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(body).or_else(|_| {
        let text: Cow<'_, str> = String::from_utf8_lossy(body);
        serde_json::from_str(&mend(text.trim_start_matches('\u{feff}')))
    })
}

fn from_str(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&mend(text)))
}

fn first_of(text: &str) -> Result<Value, serde_json::Error> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match values.next() {
        Some(value) => value,
        None => serde_json::from_str(""),
    }
}

/// The same JSON with strings that every parser takes: without halves of surrogate pairs, line ends escaped, and a
/// backslash that escapes nothing left out.
fn mend(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let mut signs = text.chars().peekable();
    let mut in_string = false;
    while let Some(sign) = signs.next() {
        match sign {
            '"' => {
                in_string = !in_string;
                mended.push('"');
            }
            '\\' if in_string => push_escape(&mut mended, &mut signs),
            sign if in_string && sign.is_control() => {
                mended.push_str(&format!("\\u{:04x}", u32::from(sign)));
            }
            sign => mended.push(sign),
        }
    }
    mended
}

fn push_escape(mended: &mut String, signs: &mut Peekable<Chars<'_>>) {
    match signs.peek() {
        Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => {
            mended.push('\\');
            mended.extend(signs.next());
        }
        Some('u') => {
            let Some(unit) = unit(signs) else { return };
            match unit {
                0xD800..=0xDBFF => {
                    let mut ahead = signs.clone();
                    let second = (ahead.next() == Some('\\'))
                        .then(|| self::unit(&mut ahead))
                        .flatten();
                    if let Some(second @ 0xDC00..=0xDFFF) = second {
                        mended.push_str(&format!("\\u{unit:04x}\\u{second:04x}"));
                        *signs = ahead;
                    }
                }
                0xDC00..=0xDFFF => {}
                _ => mended.push_str(&format!("\\u{unit:04x}")),
            }
        }
        _ => {}
    }
}

/// The code unit of `uXXXX`; nothing is read where there is none.
fn unit(signs: &mut Peekable<Chars<'_>>) -> Option<u32> {
    let mut ahead = signs.clone();
    ahead.next_if_eq(&'u')?;
    let digits: Option<u32> =
        (0..4).try_fold(0, |unit, _| Some(unit << 4 | ahead.next()?.to_digit(16)?));
    if digits.is_some() {
        *signs = ahead;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_fence_a_mark_or_a_greeting_around_the_object_is_passed_over() {
        for content in [
            "```json\n{\"title\":\"Ember\"}\n```",
            "\u{feff}{\"title\":\"Ember\"}",
            "Certainly! Here is the story:\n{\"title\":\"Ember\"} Enjoy!",
            "{\"title\":\"Ember\"}{\"title\":\"Ember\"}",
        ] {
            assert_eq!(
                parse_answer(content).unwrap(),
                json!({"title": "Ember"}),
                "{content}"
            );
        }
        for content in ["", "Certainly!", "{\"title\":\"Em", "\u{feff}"] {
            assert!(parse_answer(content).is_err(), "{content}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_and_raw_line_ends_do_not_cost_the_answer() {
        let content = "{\"a\":\"x\\ud83d y\\udc00\",\"b\":\"\\ud83d\\ude00\",\"c\":\"one\ntwo\",\"d\":\"it\\'s \\\\ud83d \\u12\"}";
        assert!(serde_json::from_str::<Value>(content).is_err());
        assert_eq!(
            parse_answer(content).unwrap(),
            json!({"a": "x y", "b": "😀", "c": "one\ntwo", "d": "it's \\ud83d u12"})
        );
        let body = b"{\"content\":\"\\ud83d caf\xe9\"}";
        assert_eq!(
            from_slice::<Value>(body).unwrap(),
            json!({"content": " caf\u{fffd}"})
        );
    }

    proptest! {
        #[test]
        fn a_string_of_any_escapes_is_read(content in "(\\\\u[dD][89a-fA-F][0-9a-f]{2}|\\\\u[0-9a-f]{0,4}|\\\\[a-z\\\\/\"']|[a-z \n\0\u{e9}])*") {
            let answer = format!("{{\"title\":\"{content}\"}}");
            let closed = parse_answer(&answer);
            // A backslash at the end takes the quotation mark with it.
            if !content.ends_with('\\') {
                let value = closed.unwrap();
                prop_assert!(!value.to_string().contains("\\u0000"));
            }
        }
    }
}
