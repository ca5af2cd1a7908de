//! Whether an answer fits the JSON schema it was asked for, as far as structured output knows schemas.

use serde_json::Value;

/// An answer as a model writes it: its members in the order of the schema, as far as `required` tells it.
pub(crate) fn written(schema: &Value, value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let order = schema["required"].as_array().into_iter().flatten();
            let mut names: Vec<&str> = order.filter_map(Value::as_str).collect();
            names.retain(|name| members.contains_key(*name));
            let rest = members.keys().map(String::as_str);
            let rest: Vec<&str> = rest.filter(|name| !names.contains(name)).collect();
            names.extend(rest);
            let members = names.iter().map(|name| {
                let value = written(&schema["properties"][name], &members[*name]);
                format!("{}:{value}", Value::from(*name))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| written(&schema["items"], item));
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// What does not fit, and where, in one sentence; nothing when all does.
///
/// # Errors
/// The first part that does not fit.
pub(crate) fn check(schema: &Value, value: &Value, root: &Value, at: &str) -> Result<(), String> {
    let refuse = |what: &str| Err(format!("{at} {what}"));
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(target.trim_start_matches('#'));
        return check(target.unwrap_or(&Value::Null), value, root, at);
    }
    if let Some(branches) = schema.get("anyOf").and_then(Value::as_array) {
        let fits = |branch: &Value| check(branch, value, root, at).is_ok();
        return if branches.iter().any(fits) {
            Ok(())
        } else {
            refuse("fits no branch of anyOf")
        };
    }
    let listed = schema.get("enum").and_then(Value::as_array);
    if listed.is_some_and(|listed| !listed.contains(value))
        || schema.get("const").is_some_and(|wanted| wanted != value)
    {
        return refuse("is none of the values that are allowed");
    }
    let is_kind = |kind: &Value| match kind.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => value.is_null(),
    };
    let fits = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(is_kind),
        Some(kind) => is_kind(kind),
        None => true,
    };
    if !fits {
        return refuse(&format!("is not of type {}", schema["type"]));
    }
    let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
    if let Some(items) = value.as_array() {
        let count = items.len() as u64;
        if bound("minItems").is_some_and(|low| count < low)
            || bound("maxItems").is_some_and(|high| count > high)
        {
            return refuse(&format!("has {count} items"));
        }
        for (index, item) in items.iter().enumerate() {
            check(&schema["items"], item, root, &format!("{at}/{index}"))?;
        }
    }
    let (Some(members), Some(known)) = (value.as_object(), schema["properties"].as_object()) else {
        return Ok(());
    };
    if let Some(extra) = members.keys().find(|name| !known.contains_key(*name)) {
        return refuse(&format!("has the member {extra}, which the schema lacks"));
    }
    for (name, property) in known {
        match members.get(name) {
            Some(member) => check(property, member, root, &format!("{at}/{name}"))?,
            None => return refuse(&format!("lacks the member {name}")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_way_not_to_fit_is_named_with_its_place() {
        let schema = json!({"type":"object","properties":{
            "mood":{"enum":["calm","wild"]}, "why":{"type":["string","null"]},
            "list":{"type":"array","items":{"$ref":"#/$defs/step"},"minItems":1,"maxItems":2},
            "part":{"anyOf":[{"type":"null"},{"type":"integer"}]}},
            "$defs":{"step":{"type":"boolean"}}});
        let good = json!({"mood":"calm","why":null,"list":[true],"part":3});
        let with = |pointer: &str, value: Value| {
            let mut changed = good.clone();
            changed[pointer] = value;
            check(&schema, &changed, &schema, "#")
        };
        assert_eq!(with("why", json!("x")), Ok(()));
        for (member, value, told) in [
            ("mood", json!("loud"), "#/mood is none"),
            ("why", json!(1), "#/why is not of type"),
            ("list", json!([]), "#/list has 0 items"),
            ("list", json!([1]), "#/list/0 is not of type"),
            ("part", json!("x"), "#/part fits no branch"),
            ("more", json!(1), "# has the member more"),
        ] {
            let message = with(member, value).unwrap_err();
            assert!(message.starts_with(told), "{message}");
        }
    }
}
