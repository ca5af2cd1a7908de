//! Fits a drafted answer into any strict schema, inventing what the draft lacks by its type.

use serde_json::{Map, Value, json};

use crate::seeded::Seeded;

/// Recursive schemas stop growing here: lists become empty and nullable parts null.
const DEPTH_MAX: usize = 8;

/// A value that fits the schema and keeps as much of the draft as fits.
pub(super) fn conform(schema: &Value, draft: &Value, seeded: &mut Seeded) -> Value {
    Filler {
        root: schema,
        seeded,
    }
    .value(schema, Some(draft), "", 0)
}

struct Filler<'a> {
    root: &'a Value,
    seeded: &'a mut Seeded,
}

impl Filler<'_> {
    fn value(&mut self, schema: &Value, draft: Option<&Value>, name: &str, depth: usize) -> Value {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let resolved = self
                .root
                .pointer(target.trim_start_matches('#'))
                .unwrap_or(&Value::Null);
            return self.value(&resolved.clone(), draft, name, depth + 1);
        }
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        if let Some(choices) = schema
            .get("enum")
            .and_then(Value::as_array)
            .filter(|choices| !choices.is_empty())
        {
            return match draft.filter(|draft| choices.contains(draft)) {
                Some(draft) => draft.clone(),
                None => choices[self.seeded.below(choices.len())].clone(),
            };
        }
        if let Some(branches) = schema
            .get("anyOf")
            .and_then(Value::as_array)
            .filter(|branches| !branches.is_empty())
        {
            let branch = self.branch(branches, draft, depth);
            return self.value(&branch, draft, name, depth + 1);
        }
        match self.kind(schema, draft, depth).as_str() {
            "object" => self.object(schema, draft, depth),
            "array" => self.array(schema, draft, name, depth),
            "integer" => json!(self.number(schema, draft).round() as i64),
            "number" => json!(self.number(schema, draft)),
            "boolean" => draft
                .filter(|draft| draft.is_boolean())
                .cloned()
                .unwrap_or(Value::Bool(true)),
            "null" => Value::Null,
            _ => Value::String(self.text(schema, draft, name)),
        }
    }

    fn branch(&mut self, branches: &[Value], draft: Option<&Value>, depth: usize) -> Value {
        let is_null = |branch: &&Value| branch.get("type") == Some(&json!("null"));
        let suits = |branch: &&Value| {
            draft.is_some_and(|draft| branch.get("type") == Some(&json!(kind_of(draft))))
        };
        let first = if depth >= DEPTH_MAX {
            branches.iter().find(is_null)
        } else {
            branches.iter().find(suits)
        };
        first
            .or_else(|| branches.iter().find(|branch| !is_null(branch)))
            .unwrap_or(&branches[0])
            .clone()
    }

    fn kind(&self, schema: &Value, draft: Option<&Value>, depth: usize) -> String {
        match schema.get("type") {
            Some(Value::String(kind)) => kind.clone(),
            Some(Value::Array(kinds)) => {
                let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
                let of_draft = draft
                    .map(kind_of)
                    .filter(|kind| kinds.contains(kind) && *kind != "null");
                let deep = (depth >= DEPTH_MAX && kinds.contains(&"null")).then_some("null");
                of_draft
                    .or(deep)
                    .or_else(|| kinds.iter().copied().find(|kind| *kind != "null"))
                    .unwrap_or("null")
                    .to_owned()
            }
            _ if schema.get("properties").is_some() => "object".into(),
            _ if schema.get("items").is_some() => "array".into(),
            _ => "string".into(),
        }
    }

    fn object(&mut self, schema: &Value, draft: Option<&Value>, depth: usize) -> Value {
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        let mut filled = Map::new();
        for (name, property) in properties {
            let part = draft.and_then(|draft| draft.get(&name));
            let value = self.value(&property, part, &name, depth + 1);
            filled.insert(name, value);
        }
        Value::Object(filled)
    }

    fn array(&mut self, schema: &Value, draft: Option<&Value>, name: &str, depth: usize) -> Value {
        let bound = |key: &str| {
            schema
                .get(key)
                .and_then(Value::as_u64)
                .map(|bound| bound as usize)
        };
        let (low, high) = (
            bound("minItems").unwrap_or(0),
            bound("maxItems").unwrap_or(usize::MAX),
        );
        let anything = json!({});
        let items = schema.get("items").unwrap_or(&anything).clone();
        let drafted = draft.and_then(Value::as_array).cloned().unwrap_or_default();
        let wanted = match drafted.len() {
            0 if depth >= DEPTH_MAX => low,
            0 => 2.clamp(low, high.max(low)),
            count => count.clamp(low, high.max(low)),
        };
        let singular = name.trim_end_matches('s').to_owned();
        Value::Array(
            (0..wanted)
                .map(|index| self.value(&items, drafted.get(index), &singular, depth + 1))
                .collect(),
        )
    }

    fn number(&mut self, schema: &Value, draft: Option<&Value>) -> f64 {
        let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
        let step = bound("multipleOf").unwrap_or(0.0);
        let edge = if step > 0.0 { step } else { 1.0 };
        let low = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|low| low + edge));
        let high = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|high| high - edge));
        let low = low.unwrap_or_else(|| high.map_or(1.0, |high| (high - 4.0).min(1.0)));
        let high = high.unwrap_or(low + 4.0).max(low);
        let number = match draft.and_then(Value::as_f64) {
            Some(number) => number.clamp(low, high),
            None => low + self.seeded.below((high - low).min(100.0) as usize + 1) as f64,
        };
        if step > 0.0 {
            ((number / step).floor() * step).max((low / step).ceil() * step)
        } else {
            number
        }
    }

    fn text(&mut self, schema: &Value, draft: Option<&Value>, name: &str) -> String {
        let drafted = draft.and_then(Value::as_str);
        if let Some(format) = schema.get("format").and_then(Value::as_str) {
            return example_of(format).to_owned();
        }
        let wants_color = schema
            .get("pattern")
            .and_then(Value::as_str)
            .is_some_and(|pattern| pattern.contains('#'));
        match drafted {
            Some(text) => text.to_owned(),
            None if wants_color || name.to_lowercase().contains("color") => {
                format!(
                    "#{:02X}{:02X}{:02X}",
                    self.seeded.below(256),
                    self.seeded.below(256),
                    self.seeded.below(256)
                )
            }
            None => self.invented(name),
        }
    }

    fn invented(&mut self, name: &str) -> String {
        let name = name.to_lowercase();
        let choices: &[&str] = if name.contains("title") || name.contains("heading") {
            &[
                "The Lantern in the Window",
                "A Path of Stepping Stones",
                "The Quiet Star",
            ]
        } else if name.contains("name") || name.contains("speaker") {
            &["Juniper", "Pip", "Bramble", "Otto"]
        } else if name.contains("word") || name.contains("tag") || name.contains("theme") {
            &["lantern", "meadow", "courage", "kindness"]
        } else {
            &[
                "A small light is enough to take the next step by.",
                "The wind told the trees a long, soft story.",
                "Two friends see more than one alone.",
                "Every good question opens a little door.",
            ]
        };
        self.seeded.pick(choices).to_owned()
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn example_of(format: &str) -> &'static str {
    match format {
        "date-time" => "2026-11-21T09:30:00Z",
        "date" => "2026-11-21",
        "time" => "09:30:00Z",
        "duration" => "PT90S",
        "email" => "ember@example.com",
        "hostname" => "example.com",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        _ => "3f2b8c1e-5d4a-4e6f-9a7b-1c2d3e4f5a6b",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(schema: Value, draft: Value) -> Value {
        conform(&schema, &draft, &mut Seeded::from_text("x"))
    }

    #[test]
    fn a_draft_is_kept_where_it_fits_and_dropped_where_the_schema_has_no_place() {
        let schema = json!({"type":"object","properties":{"title":{"type":"string"},"pages":{"type":"integer","minimum":2,"maximum":4}},
            "required":["title","pages"],"additionalProperties":false});
        assert_eq!(
            fill(schema, json!({"title":"Ember","pages":9,"extra":1})),
            json!({"title":"Ember","pages":4})
        );
    }

    #[test]
    fn a_recursive_schema_comes_to_an_end() {
        let schema = json!({"type":"object","properties":{"node":{"$ref":"#/$defs/node"}},"$defs":{"node":{"type":"object",
            "properties":{"name":{"type":"string"},"children":{"type":"array","items":{"$ref":"#/$defs/node"}}}}}});
        assert!(fill(schema, json!({}))["node"]["name"].is_string());
    }

    #[test]
    fn enums_unions_bounds_and_formats_are_kept() {
        let schema = json!({"type":"object","properties":{
            "mood":{"enum":["calm","wild"]}, "why":{"type":["string","null"]}, "day":{"type":"string","format":"date"},
            "list":{"type":"array","items":{"type":"boolean"},"minItems":3,"maxItems":3},
            "score":{"type":"number","minimum":0,"maximum":1}, "part":{"anyOf":[{"type":"null"},{"type":"integer"}]}}});
        let filled = fill(schema, json!({"mood":"loud","score":7}));
        assert!(["calm", "wild"].contains(&filled["mood"].as_str().unwrap()));
        assert_eq!(filled["list"].as_array().unwrap().len(), 3);
        assert_eq!(
            (filled["score"].as_f64(), filled["day"].as_str()),
            (Some(1.0), Some("2026-11-21"))
        );
        assert!(filled["part"].is_i64() && filled["why"].is_string());
    }
}
