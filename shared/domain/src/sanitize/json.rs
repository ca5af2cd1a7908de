//! From the words of an answer to JSON, though a fence, a greeting or a broken escape stands in the way.

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor,
        value::MapAccessDeserializer,
    },
};
use serde_json::{Map, Value};
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

/// Reads as much of an answer as has come: the members of its object that are closed, and of a list that is still open the
/// entries that are. What follows may only add to it. Numbers and the like are left out, for more of one may come.
pub fn complete_members(content: &str) -> Map<String, Value> {
    let Some(start) = content.find('{') else {
        return Map::new();
    };
    let object = &content[start..];
    let read = |text: &str| {
        let mut members = Map::new();
        let read = serde_json::Deserializer::from_str(text).deserialize_map(Members(&mut members));
        (read, members)
    };
    let members = match read(object) {
        (Err(error), _) if !error.is_eof() => read(&mend(object)).1,
        (_, members) => members,
    };
    super::object(members)
}

/// Keeps each member of an object as soon as it is closed; the reading stops where the text does.
struct Members<'a>(&'a mut Map<String, Value>);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            members.next_value_seed(Member { name, kept: self.0 })?;
        }
        Ok(())
    }
}

struct Member<'a> {
    name: String,
    kept: &'a mut Map<String, Value>,
}

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.kept.insert(self.name, text.into());
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<(), A::Error> {
        let whole = Value::deserialize(MapAccessDeserializer::new(members))?;
        self.kept.insert(self.name, whole);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let list = self.kept.entry(self.name).or_insert(Value::Null);
        *list = Value::Array(Vec::new());
        while let Some(entry) = entries.next_element::<Value>()? {
            if let Value::Array(list) = &mut *list {
                list.push(entry);
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
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

    #[test]
    fn of_an_answer_that_still_comes_only_what_is_closed_is_read() {
        let content =
            r#"Here: {"title": "Ember", "age": 7, "beats": [{"text": "One."}, {"text": "Tw"#;
        assert_eq!(
            Value::Object(complete_members(content)),
            json!({"title": "Ember", "beats": [{"text": "One."}]})
        );
        let broken = "{\"title\": \"Em\\ud83dber\", \"beats\": [{\"text\": \"a\nb\"}, {\"te";
        assert_eq!(
            Value::Object(complete_members(broken)),
            json!({"title": "Ember", "beats": [{"text": "a\nb"}]})
        );
        for nothing in ["", "Certainly!", "{", "{\"title\": \"Emb", "[1, 2]", "{]}"] {
            assert!(complete_members(nothing).is_empty(), "{nothing}");
        }
    }

    fn answers() -> impl Strategy<Value = Value> {
        let text = ".{0,8}".prop_map(Value::from);
        let beat = prop::collection::btree_map("[a-z]{1,4}", text.clone(), 0..3);
        let beat = beat.prop_map(|members| json!(members));
        let list = prop::collection::vec(prop_oneof![text.clone(), beat.clone()], 0..4);
        let member = prop_oneof![text, beat, list.prop_map(Value::from), Just(json!(12))];
        prop::collection::btree_map("[a-z]{1,4}", member, 0..5).prop_map(|members| json!(members))
    }

    proptest! {
        #[test]
        fn what_was_read_of_an_answer_is_in_the_whole_of_it(answer in answers(), cut in any::<prop::sample::Index>()) {
            let content = answer.to_string();
            let whole = parse_answer(&content).unwrap();
            let mut at = cut.index(content.len() + 1);
            while !content.is_char_boundary(at) {
                at -= 1;
            }
            let read = complete_members(&content[..at]);
            for (name, member) in &read {
                match (member, &whole[name]) {
                    (Value::Array(some), Value::Array(all)) => prop_assert!(all.starts_with(some)),
                    (member, all) => prop_assert_eq!(member, all),
                }
            }
            if at == content.len() {
                let numbers = whole.as_object().unwrap().values().filter(|one| one.is_number());
                prop_assert_eq!(read.len() + numbers.count(), whole.as_object().unwrap().len());
            }
        }
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
