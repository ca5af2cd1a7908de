//! Holds answers to `openapi.json`: status, headers and body of each must be as the document says, and nothing beside it.

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

/// Headers that the document speaks of response by response; what every answer carries stands in its description.
const DOCUMENTED_HEADERS: [&str; 5] = [
    "allow",
    "etag",
    "idempotency-replayed",
    "retry-after",
    "www-authenticate",
];

/// The document, with every object closed: a member it does not name is an error.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document: Value =
        serde_json::from_str(include_str!("../../openapi.json")).expect("openapi.json is JSON");
    close_objects(&mut document["paths"]);
    close_objects(&mut document["components"]["schemas"]);
    document
});

fn close_objects(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let is_object = members.get("properties").is_some_and(Value::is_object)
                && members.get("type").is_some();
            if is_object && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
            members.values_mut().for_each(close_objects);
        }
        Value::Array(values) => values.iter_mut().for_each(close_objects),
        _ => {}
    }
}

/// One answer of the API.
#[derive(Debug)]
pub(crate) struct Answered<'a> {
    /// Of the request.
    pub(crate) method: &'a str,
    /// Of the request, with or without a query.
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    /// Names in small letters.
    pub(crate) headers: Vec<(String, String)>,
    /// `None` where there is none.
    pub(crate) body: Option<Value>,
}

/// What of an answer is not as documented; empty where all is.
pub(crate) fn find_deviations(answered: &Answered<'_>) -> Vec<String> {
    let (pointer, is_known) = response_pointer(answered);
    let mut found = Vec::new();
    let Some(response) = DOCUMENT.pointer(&pointer) else {
        return vec![format!("status {} is not documented", answered.status)];
    };
    let header = |name: &str| {
        let mut values = answered.headers.iter();
        values.find(|(known, _)| known == name)
    };
    if header("x-request-id").is_none() {
        found.push("there is no x-request-id".to_owned());
    }
    for name in DOCUMENTED_HEADERS {
        let documented = response["headers"].as_object().and_then(|headers| {
            let mut headers = headers.iter();
            headers.find(|(known, _)| known.eq_ignore_ascii_case(name))
        });
        match (documented, header(name)) {
            (None, Some(_)) if is_known => found.push(format!("{name} is not documented")),
            (Some((_, about)), None) if resolve(about)["required"] == true => {
                found.push(format!("{name} is missing"));
            }
            _ => {}
        }
    }
    let Some(body) = &answered.body else {
        if answered.method != "HEAD" && response.get("content").is_some() {
            found.push("there is no JSON body".to_owned());
        }
        return found;
    };
    if header("content-type").is_none_or(|(_, value)| value != "application/json") {
        found.push("the content-type is not application/json".to_owned());
    }
    let schema = format!("{pointer}/content/application~1json/schema");
    let validator = validator(&schema);
    found.extend(
        validator
            .iter_errors(body)
            .map(|error| format!("{}: {error}", error.instance_path())),
    );
    found
}

fn resolve(value: &'static Value) -> &'static Value {
    let reference = value["$ref"].as_str();
    let found = reference.and_then(|place| DOCUMENT.pointer(place.trim_start_matches('#')));
    found.unwrap_or(value)
}

/// Where the document describes such an answer; true when it knows path and method. What it does not know is answered by
/// a failure that belongs to no route.
fn response_pointer(answered: &Answered<'_>) -> (String, bool) {
    let method = match answered.method {
        "HEAD" => "get".to_owned(),
        method => method.to_lowercase(),
    };
    let path = answered.path.split('?').next().unwrap_or_default();
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let operation = paths
        .iter()
        .find(|(template, item)| matches_template(template, path) && item.get(&method).is_some());
    let Some((template, item)) = operation else {
        let response = match answered.status {
            404 => "NotFound",
            405 => "MethodNotAllowed",
            _ => "none",
        };
        return (format!("/components/responses/{response}"), false);
    };
    let status = answered.status.to_string();
    if let Some(reference) = item[&method]["responses"][&status]["$ref"].as_str() {
        return (reference.trim_start_matches('#').to_owned(), true);
    }
    let template = template.replace('/', "~1");
    let pointer = format!("/paths/{template}/{method}/responses/{status}");
    (pointer, true)
}

fn matches_template(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template
            .iter()
            .zip(&path)
            .all(|(expected, given)| expected.starts_with('{') || expected == given)
}

/// The compiled schema at a place of the document; each is compiled once.
fn validator(pointer: &str) -> Arc<Validator> {
    static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> =
        LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = compiled.entry(pointer.to_owned()).or_insert_with(|| {
        let mut schema = DOCUMENT.clone();
        // A reference is a URI, in which the braces of a path's parameters may not stand as they are.
        let reference = pointer.replace('{', "%7B").replace('}', "%7D");
        schema["$ref"] = format!("#{reference}").into();
        let options = jsonschema::options().with_draft(Draft::Draft202012);
        let validator = options.should_validate_formats(true).build(&schema);
        Arc::new(validator.expect("a schema of openapi.json"))
    });
    Arc::clone(validator)
}
