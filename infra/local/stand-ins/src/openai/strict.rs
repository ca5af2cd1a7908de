//! The JSON-Schema subset that strict structured output accepts.

use std::fmt::Display;

use serde_json::Value;

use super::errors::{ApiError, is_listed};

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

/// The steps that lead to what is refused, and why it is.
type Refusal = (Vec<String>, String);

/// Checks a schema name and a strict schema.
///
/// # Errors
/// 400 `invalid_request_error` with `param`, in the words of the service.
pub(crate) fn check(name: &str, schema: &Value, param: &str) -> Result<(), ApiError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(legal) {
        return Err(ApiError::of("schema_name", &[&param, &param]));
    }
    let refuse = |(at, reason): Refusal| {
        let context: Vec<String> = at.iter().map(|step| format!("'{step}'")).collect();
        let comma = if context.len() == 1 { "," } else { "" };
        let context = context.join(", ");
        let values: [&dyn Display; 5] = [&param, &name, &context, &comma, &reason];
        ApiError::of("invalid_schema", &values)
    };
    let refuse_whole = |reason: &str| Err(refuse((Vec::new(), reason.to_owned())));
    if schema["type"] != "object" || schema.get("anyOf").is_some() {
        return refuse_whole("schema must be a JSON Schema of 'type: \"object\"'.");
    }
    let mut totals = Totals::default();
    walk(schema, Vec::new(), 0, &mut totals).map_err(refuse)?;
    for (definition, body) in schema["$defs"].as_object().into_iter().flatten() {
        let at = vec!["$defs".to_owned(), definition.clone()];
        walk(body, at, 0, &mut totals).map_err(refuse)?;
    }
    let too_big = totals.properties > PROPERTIES_MAX
        || totals.characters > NAMES_AND_ENUMS_CHARACTERS_MAX
        || totals.enum_values > ENUM_VALUES_MAX;
    if too_big {
        return refuse_whole("the schema exceeds the size limits of structured outputs.");
    }
    Ok(())
}

fn walk(schema: &Value, at: Vec<String>, depth: usize, totals: &mut Totals) -> Result<(), Refusal> {
    let refuse = |reason: &str| Err((at.clone(), reason.to_owned()));
    let Some(members) = schema.as_object() else {
        return refuse("schema must be an object.");
    };
    if depth > DEPTH_MAX {
        return refuse(&format!(
            "the schema exceeds {DEPTH_MAX} levels of nesting."
        ));
    }
    let mut keywords = members.keys();
    if let Some(keyword) = keywords.find(|name| is_listed(REFUSED_KEYWORDS, name)) {
        return refuse(&format!("'{keyword}' is not permitted."));
    }
    if let Some(format) = schema["format"].as_str()
        && !is_listed(FORMATS, format)
    {
        return refuse(&format!("'{format}' is not a valid format."));
    }
    for value in schema["enum"].as_array().into_iter().flatten() {
        totals.enum_values += 1;
        totals.characters += value.as_str().map_or(0, |value| value.chars().count());
    }
    let inside = |steps: &[&str]| -> Vec<String> {
        let steps = steps.iter().map(|step| (*step).to_owned());
        at.iter().cloned().chain(steps).collect()
    };
    if is_object(schema) {
        check_members(schema).or_else(|reason| refuse(&reason))?;
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            totals.properties += 1;
            totals.characters += name.chars().count();
            walk(property, inside(&["properties", name]), depth + 1, totals)?;
        }
    }
    if let Some(items) = members.get("items") {
        walk(items, inside(&["items"]), depth + 1, totals)?;
    }
    let branches = schema["anyOf"].as_array().into_iter().flatten();
    for (index, branch) in branches.enumerate() {
        let at = inside(&["anyOf", &index.to_string()]);
        walk(branch, at, depth + 1, totals)?;
    }
    let known = ["type", "$ref", "anyOf", "enum", "const"];
    if !known.iter().any(|name| members.contains_key(*name)) {
        return refuse("schema must have a 'type' key.");
    }
    Ok(())
}

fn is_object(schema: &Value) -> bool {
    match schema.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => schema.get("properties").is_some(),
    }
}

/// Every member of an object is known and required.
fn check_members(schema: &Value) -> Result<(), String> {
    if schema["additionalProperties"] != false {
        let reason = "'additionalProperties' is required to be supplied and to be false.";
        return Err(reason.to_owned());
    }
    let Some(properties) = schema["properties"].as_object() else {
        return Ok(());
    };
    let required = schema["required"].as_array().into_iter().flatten();
    let required: Vec<&str> = required.filter_map(Value::as_str).collect();
    let mut names = properties.keys();
    if let Some(missing) = names.find(|name| !required.contains(&name.as_str())) {
        return Err(format!(
            "'required' is required to be supplied and to be an array including every key in properties. Missing '{missing}'."
        ));
    }
    match required
        .iter()
        .find(|name| !properties.contains_key(**name))
    {
        Some(extra) => Err(format!(
            "'required' names '{extra}', which is not in properties."
        )),
        None => Ok(()),
    }
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
