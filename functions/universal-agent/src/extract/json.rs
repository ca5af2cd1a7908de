//! JSON as people wrote it, read strictly: an object is an object, a name comes once, and what is wrong is said in words
//! for whoever wrote it, never in those of this program.

use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeOwned, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Number, Value};
use std::{borrow::Cow, fmt};

/// Why a text was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BadJson {
    /// It is no JSON at all.
    Syntax(String),
    /// It is, and this part of it is not what it should be. An empty path is the whole.
    Part { path: String, problem: String },
}

/// Reads a text of at most 128 levels.
pub(crate) fn read(text: &str) -> Result<Value, BadJson> {
    let mut json = serde_json::Deserializer::from_str(text);
    let NamesOnce(value) = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = plain(&error.path().to_string());
        let inner = error.into_inner();
        let told = inner.to_string();
        if !inner.is_data() {
            return BadJson::Syntax(told);
        }
        // The only thing that a tree of any JSON complains of; serde_json adds the place.
        let name = told
            .rsplit_once(" at line ")
            .map_or(&*told, |(name, _)| name);
        BadJson::Part {
            path: join_path(path, Some(name)),
            problem: "is given twice".to_owned(),
        }
    })?;
    json.end()
        .map_err(|error| BadJson::Syntax(error.to_string()))?;
    Ok(value)
}

/// Takes a value for an `F`, or tells the first part of it that is none.
pub(crate) fn read_as<F: DeserializeOwned>(value: &Value) -> Result<F, BadJson> {
    serde_path_to_error::deserialize(Strict(value)).map_err(|error| {
        let path = plain(&error.path().to_string());
        let Complaint { part, problem } = error.into_inner();
        BadJson::Part {
            path: join_path(path, part.as_deref()),
            problem: problem.into_owned(),
        }
    })
}

/// `serde_path_to_error` writes `.` for the whole, and a `?` where it was not told the name.
fn plain(path: &str) -> String {
    path.trim_end_matches('?').trim_matches('.').to_owned()
}

fn join_path(path: String, part: Option<&str>) -> String {
    match part {
        None => path,
        Some(part) if path.is_empty() => part.to_owned(),
        Some(part) if path.rsplit('.').next() == Some(part) => path,
        Some(part) => format!("{path}.{part}"),
    }
}

/// How serde_json hands a number over that is no integer, where any crate of a build asks for its `arbitrary_precision`.
const NUMBER: &str = "$serde_json::private::Number";

/// Any JSON whose objects name each member once.
struct NamesOnce(Value);

impl<'de> Deserialize<'de> for NamesOnce {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyValue).map(Self)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(NamesOnce(value)) = from.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = from.next_key::<String>()? {
            if name == NUMBER {
                let digits: String = from.next_value()?;
                return serde_json::from_str(&digits).map_err(de::Error::custom);
            }
            if members.contains_key(&name) {
                return Err(de::Error::custom(name));
            }
            let NamesOnce(value) = from.next_value()?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

/// What is wrong with one value, or with one member of it.
#[derive(Debug)]
struct Complaint {
    part: Option<String>,
    problem: Cow<'static, str>,
}

impl Complaint {
    fn of_this(problem: impl Into<Cow<'static, str>>) -> Self {
        Self {
            part: None,
            problem: problem.into(),
        }
    }

    fn of_member(name: &str, problem: &'static str) -> Self {
        Self {
            part: Some(name.to_owned()),
            problem: problem.into(),
        }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for Complaint {}

impl de::Error for Complaint {
    /// What our own types say of a text, such as an id.
    fn custom<T: fmt::Display>(problem: T) -> Self {
        Self::of_this(problem.to_string())
    }

    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self::of_this("is of the wrong kind")
    }

    /// A number that the field has no room for.
    fn invalid_value(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self::of_this("is out of range")
    }

    fn invalid_length(_: usize, _: &dyn de::Expected) -> Self {
        Self::of_this("has the wrong length")
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::of_this(format!("must be one of {}", known.join(", ")))
    }

    fn unknown_field(name: &str, _: &'static [&'static str]) -> Self {
        Self::of_member(name, "is not known here")
    }

    fn missing_field(name: &'static str) -> Self {
        Self::of_member(name, "is missing")
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::of_member(name, "is given twice")
    }
}

const NO_OBJECT: &str = "must be an object";
const NO_ARRAY: &str = "must be an array";
const NO_STRING: &str = "must be a string";
const NO_WHOLE_NUMBER: &str = "must be a whole number";
const NEGATIVE: &str = "must not be negative";

/// One value, taken for what it is: lists are no objects, `null` is nothing, `4.0` is the whole number 4 (JSON Schema,
/// validation 6.1.1).
#[derive(Clone, Copy)]
struct Strict<'v>(&'v Value);

impl<'v> Strict<'v> {
    fn members(self) -> Result<&'v Map<String, Value>, Complaint> {
        self.0
            .as_object()
            .ok_or_else(|| Complaint::of_this(NO_OBJECT))
    }

    fn text(self) -> Result<&'v str, Complaint> {
        self.0.as_str().ok_or_else(|| Complaint::of_this(NO_STRING))
    }

    fn count(self) -> Result<u64, Complaint> {
        let no_number = || Complaint::of_this(NO_WHOLE_NUMBER);
        let number = self.0.as_number().ok_or_else(no_number)?;
        if number.as_i64().is_some_and(i64::is_negative) {
            return Err(Complaint::of_this(NEGATIVE));
        }
        whole(number).ok_or_else(no_number)
    }
}

/// Above 2^53 a fraction cannot be told from a whole number any more.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

fn whole(number: &Number) -> Option<u64> {
    number.as_u64().or_else(|| {
        let value = number.as_f64()?;
        ((0.0..=EXACT_MAX).contains(&value) && value.fract() == 0.0).then_some(value as u64)
    })
}

macro_rules! counts {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Complaint> {
            visitor.visit_u64(self.count()?)
        }
    )*};
}

macro_rules! texts {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Complaint> {
            visitor.visit_borrowed_str(self.text()?)
        }
    )*};
}

impl<'v> Deserializer<'v> for Strict<'v> {
    type Error = Complaint;

    fn deserialize_any<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Complaint> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), ..) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (.., value) => visitor.visit_f64(value.unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(_) => self.deserialize_seq(visitor),
            Value::Object(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Complaint> {
        let value = self.0.as_bool();
        visitor.visit_bool(value.ok_or_else(|| Complaint::of_this("must be true or false"))?)
    }

    counts! { deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }

    texts! { deserialize_str deserialize_string deserialize_identifier }

    fn deserialize_option<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Complaint> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Complaint> {
        let values = self.0.as_array();
        let values = values.ok_or_else(|| Complaint::of_this(NO_ARRAY))?.iter();
        visitor.visit_seq(SeqDeserializer::new(values.map(Strict)))
    }

    fn deserialize_map<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Complaint> {
        let members = self.members()?.iter();
        let members = members.map(|(name, value)| (name.as_str(), Strict(value)));
        visitor.visit_map(MapDeserializer::new(members))
    }

    fn deserialize_struct<V: Visitor<'v>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        self.deserialize_map(visitor)
    }

    /// One of some words; none of ours holds anything.
    fn deserialize_enum<V: Visitor<'v>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        visitor.visit_enum(self.text()?.into_deserializer())
    }

    fn deserialize_newtype_struct<V: Visitor<'v>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <W: Visitor<'v>>
        i8 i16 i32 i64 i128 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
    }
}

impl<'v> IntoDeserializer<'v, Complaint> for Strict<'v> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests;
