//! Values from their Postgres text form to JSON, the way `to_jsonb` would say them.

use serde_json::Value;

/// How a type's text form becomes JSON. Types not listed in [`Self::of_type`] stay text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueKind {
    Boolean,
    Number,
    Json,
    Timestamp,
    Text,
}

impl ValueKind {
    /// `oid` of a base type, from the catalogue `pg_type.dat` that never changes.
    pub(crate) fn of_type(oid: i64) -> Self {
        match oid {
            16 => Self::Boolean,
            // int8, int2, int4, float4, float8, numeric
            20 | 21 | 23 | 700 | 701 | 1700 => Self::Number,
            // json, jsonb
            114 | 3802 => Self::Json,
            // timestamp, timestamptz
            1114 | 1184 => Self::Timestamp,
            _ => Self::Text,
        }
    }

    pub(crate) fn is_number(self) -> bool {
        self == Self::Number
    }

    pub(crate) fn to_json(self, text: &str) -> Value {
        let as_text = || Value::from(text);
        match self {
            Self::Boolean => Value::Bool(text == "t"),
            // NaN and infinities are no JSON numbers; `to_jsonb` quotes them too.
            Self::Number => serde_json::from_str(text)
                .ok()
                .filter(Value::is_number)
                .unwrap_or_else(as_text),
            Self::Json => serde_json::from_str(text).unwrap_or_else(|_| as_text()),
            Self::Timestamp => Value::from(iso_timestamp(text)),
            Self::Text => as_text(),
        }
    }
}

/// `2026-11-21 03:00:00.5+00` to `2026-11-21T03:00:00.5+00:00`; `infinity` stays.
fn iso_timestamp(text: &str) -> String {
    let Some((date, time)) = text.split_once(' ') else {
        return text.to_owned();
    };
    let offset_at = time.rfind(['+', '-']);
    let full_offset = offset_at.is_none_or(|at| time[at..].contains(':'));
    format!("{date}T{time}{}", if full_offset { "" } else { ":00" })
}

/// An array literal (`{a,"b c",NULL,{…}}`) as nested JSON arrays; text that is none stays text.
pub(crate) fn array_to_json(element: ValueKind, text: &str) -> Value {
    // Arrays that do not start at 1 print their bounds first: `[0:1]={a,b}`.
    let literal = match text.find("={") {
        Some(at) if text.starts_with('[') => &text[at + 1..],
        _ => text,
    };
    let mut parser = ArrayParser {
        element,
        rest: literal,
    };
    match parser.array() {
        Some(value) if parser.rest.is_empty() => value,
        _ => Value::from(text),
    }
}

struct ArrayParser<'a> {
    element: ValueKind,
    rest: &'a str,
}

impl ArrayParser<'_> {
    fn array(&mut self) -> Option<Value> {
        self.rest = self.rest.strip_prefix('{')?;
        let mut values = Vec::new();
        if let Some(rest) = self.rest.strip_prefix('}') {
            self.rest = rest;
            return Some(Value::Array(values));
        }
        loop {
            values.push(self.value()?);
            let mut characters = self.rest.chars();
            let separator = characters.next()?;
            self.rest = characters.as_str();
            match separator {
                ',' => {}
                '}' => return Some(Value::Array(values)),
                _ => return None,
            }
        }
    }

    fn value(&mut self) -> Option<Value> {
        match self.rest.chars().next()? {
            '{' => self.array(),
            '"' => self.quoted(),
            _ => {
                let end = self.rest.find([',', '}'])?;
                let (word, rest) = self.rest.split_at(end);
                self.rest = rest;
                Some(if word.eq_ignore_ascii_case("null") {
                    Value::Null
                } else {
                    self.element.to_json(word)
                })
            }
        }
    }

    fn quoted(&mut self) -> Option<Value> {
        let mut plain = String::new();
        let mut characters = self.rest.get(1..)?.chars();
        loop {
            match characters.next()? {
                '"' => break,
                '\\' => plain.push(characters.next()?),
                character => plain.push(character),
            }
        }
        self.rest = characters.as_str();
        Some(self.element.to_json(&plain))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_become_proper_json() {
        assert_eq!(ValueKind::of_type(16).to_json("t"), json!(true));
        assert_eq!(ValueKind::of_type(23).to_json("-7"), json!(-7));
        assert_eq!(
            ValueKind::of_type(20).to_json("9007199254740993"),
            json!(9_007_199_254_740_993_i64)
        );
        // As a number: whether its zeros are kept depends on a feature that another crate may switch on.
        let numeric = ValueKind::of_type(1700).to_json("1.50");
        assert!(numeric.is_number());
        assert_eq!(numeric.as_f64(), Some(1.5));
        assert_eq!(ValueKind::of_type(701).to_json("NaN"), json!("NaN"));
        assert_eq!(
            ValueKind::of_type(3802).to_json(r#"{"a": [1, null]}"#),
            json!({"a": [1, null]})
        );
        assert_eq!(ValueKind::of_type(25).to_json("42"), json!("42"));
    }

    #[test]
    fn timestamps_are_written_as_postgrest_writes_them() {
        let timestamp = |text| ValueKind::Timestamp.to_json(text);
        assert_eq!(
            timestamp("2026-11-21 03:00:00.123456+00"),
            json!("2026-11-21T03:00:00.123456+00:00")
        );
        assert_eq!(
            timestamp("2026-11-21 03:00:00+05:30"),
            json!("2026-11-21T03:00:00+05:30")
        );
        assert_eq!(
            timestamp("2026-11-21 03:00:00"),
            json!("2026-11-21T03:00:00")
        );
        assert_eq!(timestamp("infinity"), json!("infinity"));
    }

    #[test]
    fn arrays_keep_nesting_quotes_and_nulls() {
        let text = |literal| array_to_json(ValueKind::Text, literal);
        assert_eq!(text("{}"), json!([]));
        assert_eq!(
            text(r#"{a,"b, c","d\"e",NULL,"NULL"}"#),
            json!(["a", "b, c", "d\"e", null, "NULL"])
        );
        assert_eq!(
            array_to_json(ValueKind::Number, "{{1,2},{3,4}}"),
            json!([[1, 2], [3, 4]])
        );
        assert_eq!(
            array_to_json(ValueKind::Number, "[0:1]={1,2}"),
            json!([1, 2])
        );
        assert_eq!(
            array_to_json(ValueKind::Json, r#"{"{\"a\": 1}"}"#),
            json!([{"a": 1}])
        );
    }

    #[test]
    fn a_broken_array_stays_text() {
        for broken in ["{a", "a}", "{a}b", r#"{"a}"#, ""] {
            assert_eq!(array_to_json(ValueKind::Text, broken), json!(broken));
        }
    }
}
