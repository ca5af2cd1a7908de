//! Reads `template.yaml` and finds things in it.
//! CloudFormation's short tags become one-entry objects: `!Sub x` is read as `{"!Sub": "x"}`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Value, json};

pub(super) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(super) fn text_of(file: &str) -> String {
    std::fs::read_to_string(repository().join(file)).expect("the file stands at the root")
}

pub(super) fn template() -> Value {
    let documents = Yaml::load_from_str(&text_of("template.yaml")).expect("template.yaml is YAML");
    as_json(&documents[0])
}

fn as_json(node: &Yaml) -> Value {
    match node {
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(items) => items.iter().map(as_json).collect(),
        Yaml::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| {
                (
                    key.as_str().expect("keys are texts").to_owned(),
                    as_json(value),
                )
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Yaml::Tagged(tag, value) => {
            json!({ format!("{}{}", tag.handle, tag.suffix): as_json(value) })
        }
        _ => Value::Null,
    }
}

pub(super) fn sub(text: &str) -> Value {
    json!({ "!Sub": text })
}

pub(super) fn resources_of_type(template: &Value, kind: &str) -> BTreeMap<String, Value> {
    template["Resources"]
        .as_object()
        .expect("there are resources")
        .iter()
        .filter(|(_, resource)| resource["Type"] == kind)
        .map(|(name, resource)| (name.clone(), resource["Properties"].clone()))
        .collect()
}

pub(super) fn functions(template: &Value) -> BTreeMap<String, Value> {
    resources_of_type(template, "AWS::Serverless::Function")
}

pub(super) fn function<'a>(functions: &'a BTreeMap<String, Value>, name: &str) -> &'a Value {
    functions
        .values()
        .find(|properties| {
            properties["FunctionName"] == sub(&format!("storytailor-{name}-${{Environment}}"))
        })
        .unwrap_or_else(|| panic!("no function is called {name}"))
}

/// Statements of a function's own policies, besides the shared one for secrets.
pub(super) fn statements(function: &Value) -> Vec<Value> {
    let policies = function["Policies"]
        .as_array()
        .expect("policies are a list");
    policies
        .iter()
        .filter_map(|policy| policy["Statement"].as_array())
        .flatten()
        .cloned()
        .collect()
}

pub(super) fn list(value: &Value) -> Vec<Value> {
    value
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![value.clone()])
}

/// Every object inside `value` that has exactly one entry, called `key`.
pub(super) fn all_with_key<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    match value {
        Value::Array(items) => items
            .iter()
            .flat_map(|item| all_with_key(item, key))
            .collect(),
        Value::Object(entries) => entries
            .iter()
            .flat_map(|(name, inner)| {
                if name == key {
                    vec![inner]
                } else {
                    all_with_key(inner, key)
                }
            })
            .collect(),
        _ => vec![],
    }
}
