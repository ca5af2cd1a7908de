//! The JSON-Schema subset that strict structured output accepts.

use serde_json::Value;

use super::errors::ApiError;

const PROPERTIES_MAX: usize = 5000;
const DEPTH_MAX: usize = 10;
const NAMES_AND_ENUMS_CHARACTERS_MAX: usize = 120_000;
const ENUM_VALUES_MAX: usize = 1000;

const REFUSED_KEYWORDS: &str = "allOf oneOf not if then else dependentRequired dependentSchemas dependencies \
    patternProperties propertyNames unevaluatedProperties unevaluatedItems contains \
    prefixItems uniqueItems minProperties maxProperties";
const FORMATS: &str = "date-time time date duration email hostname ipv4 ipv6 uuid";

#[derive(Default)]
struct Totals {
    properties: usize,
    characters: usize,
    enum_values: usize,
}

/// Checks a schema name and a strict schema.
///
/// # Errors
/// 400 `invalid_request_error` with `param`, in the words of the service.
pub(crate) fn check(name: &str, schema: &Value, param: &str) -> Result<(), ApiError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(legal) {
        return Err(ApiError::of("schema_name", &[&param, &param]));
    }
    let refuse = |at: &[String], reason: String| {
        let context: Vec<String> = at.iter().map(|step| format!("'{step}'")).collect();
        let comma = if context.len() == 1 { "," } else { "" };
        let context = context.join(", ");
        ApiError::of(
            "invalid_schema",
            &[&param, &name, &context, &comma, &reason],
        )
    };
    if schema.get("type") != Some(&Value::from("object")) || schema.get("anyOf").is_some() {
        return Err(refuse(
            &[],
            "schema must be a JSON Schema of 'type: \"object\"'.".into(),
        ));
    }
    let mut totals = Totals::default();
    walk(schema, &mut Vec::new(), 0, &mut totals).map_err(|(at, reason)| refuse(&at, reason))?;
    if let Some(definitions) = schema.get("$defs").and_then(Value::as_object) {
        for (definition, body) in definitions {
            let mut at = vec!["$defs".to_owned(), definition.clone()];
            walk(body, &mut at, 0, &mut totals).map_err(|(at, reason)| refuse(&at, reason))?;
        }
    }
    let too_big = totals.properties > PROPERTIES_MAX
        || totals.characters > NAMES_AND_ENUMS_CHARACTERS_MAX
        || totals.enum_values > ENUM_VALUES_MAX;
    if too_big {
        return Err(refuse(
            &[],
            "the schema exceeds the size limits of structured outputs.".into(),
        ));
    }
    Ok(())
}

type Refusal = (Vec<String>, String);

fn walk(
    schema: &Value,
    at: &mut Vec<String>,
    depth: usize,
    totals: &mut Totals,
) -> Result<(), Refusal> {
    let Some(members) = schema.as_object() else {
        return Err((at.clone(), "schema must be an object.".into()));
    };
    if depth > DEPTH_MAX {
        return Err((
            at.clone(),
            format!("the schema exceeds {DEPTH_MAX} levels of nesting."),
        ));
    }
    if let Some(keyword) = members.keys().find(|name| {
        REFUSED_KEYWORDS
            .split(' ')
            .any(|refused| refused == name.as_str())
    }) {
        return Err((at.clone(), format!("'{keyword}' is not permitted.")));
    }
    if let Some(format) = members.get("format").and_then(Value::as_str)
        && !FORMATS.split(' ').any(|known| known == format)
    {
        return Err((at.clone(), format!("'{format}' is not a valid format.")));
    }
    if let Some(values) = members.get("enum").and_then(Value::as_array) {
        totals.enum_values += values.len();
        totals.characters += values
            .iter()
            .filter_map(Value::as_str)
            .map(|value| value.chars().count())
            .sum::<usize>();
    }
    if is_object(schema) {
        walk_object(schema, at, depth, totals)?;
    }
    if let Some(items) = members.get("items") {
        descend("items", items, at, depth, totals)?;
    }
    for (index, branch) in members
        .get("anyOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
    {
        at.push("anyOf".into());
        descend(&index.to_string(), branch, at, depth, totals)?;
        at.pop();
    }
    let known = ["type", "$ref", "anyOf", "enum", "const"];
    if !known.iter().any(|name| members.contains_key(*name)) {
        return Err((at.clone(), "schema must have a 'type' key.".into()));
    }
    Ok(())
}

fn descend(
    step: &str,
    schema: &Value,
    at: &mut Vec<String>,
    depth: usize,
    totals: &mut Totals,
) -> Result<(), Refusal> {
    at.push(step.to_owned());
    walk(schema, at, depth + 1, totals)?;
    at.pop();
    Ok(())
}

fn is_object(schema: &Value) -> bool {
    match schema.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => schema.get("properties").is_some(),
    }
}

fn walk_object(
    schema: &Value,
    at: &mut Vec<String>,
    depth: usize,
    totals: &mut Totals,
) -> Result<(), Refusal> {
    if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        return Err((
            at.clone(),
            "'additionalProperties' is required to be supplied and to be false.".into(),
        ));
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Ok(());
    };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if let Some(missing) = properties
        .keys()
        .find(|name| !required.contains(&name.as_str()))
    {
        let reason = format!(
            "'required' is required to be supplied and to be an array including every key in properties. Missing '{missing}'."
        );
        return Err((at.clone(), reason));
    }
    if let Some(extra) = required
        .iter()
        .find(|name| !properties.contains_key(**name))
    {
        return Err((
            at.clone(),
            format!("'required' names '{extra}', which is not in properties."),
        ));
    }
    totals.properties += properties.len();
    for (name, property) in properties {
        totals.characters += name.chars().count();
        at.push("properties".into());
        descend(name, property, at, depth, totals)?;
        at.pop();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(schema: Value) -> String {
        check("page_check", &schema, "response_format")
            .unwrap_err()
            .message
    }

    #[test]
    fn a_schema_inside_the_subset_is_accepted() {
        let schema = json!({"type":"object","properties":{
            "ok":{"type":"boolean"},"why":{"type":["string","null"]},
            "parts":{"type":"array","items":{"$ref":"#/$defs/part"},"minItems":1}},
            "required":["ok","why","parts"],"additionalProperties":false,
            "$defs":{"part":{"anyOf":[{"type":"string","enum":["a","b"]},{"type":"null"}]}}});
        assert_eq!(check("page_check", &schema, "response_format"), Ok(()));
    }

    #[test]
    fn each_way_out_of_the_subset_is_named() {
        let optional = json!({"type":"object","properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false});
        assert!(refusal(optional).contains("Missing 'a'"));
        let open = json!({"type":"object","properties":{},"required":[]});
        assert!(refusal(open).contains("additionalProperties"));
        let nested = json!({"type":"object","properties":{"a":{"allOf":[]}},"required":["a"],"additionalProperties":false});
        assert!(refusal(nested).contains("('properties', 'a'), 'allOf' is not permitted"));
        assert!(
            refusal(json!({"type":"array","items":{"type":"string"}})).contains("type: \"object\"")
        );
    }

    #[test]
    fn a_name_with_spaces_is_refused() {
        let schema =
            json!({"type":"object","properties":{},"required":[],"additionalProperties":false});
        assert!(check("page check", &schema, "response_format").is_err());
    }
}
