//! JSON Schemas in the strict subset of OpenAI: every property required, nothing additional.

use serde_json::{Map, Value, json};

/// A string, described.
pub fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

pub fn boolean() -> Value {
    json!({"type": "boolean"})
}

/// A list of any length.
pub fn array(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

/// A list of `min` to `max` entries.
pub fn with_count(items: Value, min: usize, max: usize) -> Value {
    json!({"type": "array", "items": items, "minItems": min, "maxItems": max})
}

/// An object with exactly these members.
pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let required: Vec<_> = members.iter().map(|(name, _)| Value::from(*name)).collect();
    let properties: Map<_, _> = members
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}
