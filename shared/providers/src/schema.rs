//! JSON Schemas in the strict subset of OpenAI: every property required, nothing additional, in an order that is kept.
//!
//! A model writes the members of an answer in the order of its schema, so what others wait for stands first.

use serde::{Serialize, Serializer, ser::SerializeMap};

/// What an answer looks like; serialises as JSON Schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// A string, described.
    Text(String),
    Boolean,
    List {
        items: Box<Schema>,
        /// Fewest and most.
        count: Option<(usize, usize)>,
    },
    Object(Vec<(&'static str, Schema)>),
}

/// A string, described.
pub fn text(description: &str) -> Schema {
    Schema(Form::Text(description.to_owned()))
}

pub fn boolean() -> Schema {
    Schema(Form::Boolean)
}

/// A list of any length.
pub fn array(items: Schema) -> Schema {
    let items = Box::new(items);
    Schema(Form::List { items, count: None })
}

/// A list of `min` to `max` entries.
pub fn with_count(items: Schema, min: usize, max: usize) -> Schema {
    Schema(Form::List {
        items: Box::new(items),
        count: Some((min, max)),
    })
}

/// An object with exactly these members, in this order.
pub fn object(members: impl IntoIterator<Item = (&'static str, Schema)>) -> Schema {
    Schema(Form::Object(members.into_iter().collect()))
}

/// `properties`, in the order of the members.
struct Properties<'a>(&'a [(&'static str, Schema)]);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, schema)| (name, schema)))
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.0 {
            Form::Text(description) => {
                map.serialize_entry("type", "string")?;
                map.serialize_entry("description", description)?;
            }
            Form::Boolean => map.serialize_entry("type", "boolean")?,
            Form::List { items, count } => {
                map.serialize_entry("type", "array")?;
                map.serialize_entry("items", items)?;
                if let Some((min, max)) = count {
                    map.serialize_entry("minItems", min)?;
                    map.serialize_entry("maxItems", max)?;
                }
            }
            Form::Object(members) => {
                let names: Vec<_> = members.iter().map(|(name, _)| name).collect();
                map.serialize_entry("type", "object")?;
                map.serialize_entry("properties", &Properties(members))?;
                map.serialize_entry("required", &names)?;
                map.serialize_entry("additionalProperties", &false)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_of_an_answer_stand_in_the_order_in_which_they_are_wanted() {
        let line = object([("speaker", text("Who")), ("line", text("What"))]);
        let schema = object([("title", text("A name")), ("beats", with_count(line, 4, 4))]);
        assert_eq!(
            serde_json::to_string(&schema).expect("a schema"),
            r#"{"type":"object","properties":{"title":{"type":"string","description":"A name"},"beats":{"type":"array","items":{"type":"object","properties":{"speaker":{"type":"string","description":"Who"},"line":{"type":"string","description":"What"}},"required":["speaker","line"],"additionalProperties":false},"minItems":4,"maxItems":4}},"required":["title","beats"],"additionalProperties":false}"#
        );
    }
}
