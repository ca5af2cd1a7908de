//! docs/REFERENCE.md says what `openapi.json` says: it is made from it, and this test puts the new one beside an old one.

use crate::error::Code;
use serde_json::{Map, Value};
use std::{collections::BTreeSet, fmt::Write, path::PathBuf};

fn document() -> Value {
    serde_json::from_str(include_str!("../../openapi.json")).unwrap()
}

fn place(folder: &str) -> PathBuf {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    workspace.join(folder).join("REFERENCE.md")
}

/// The object at this place, in the order in which the document has it.
fn members<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value[name].as_object().into_iter().flat_map(Map::iter)
}

fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let reference = value["$ref"].as_str();
    let found = reference.and_then(|place| document.pointer(place.trim_start_matches('#')));
    found.unwrap_or(value)
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn write_operation(text: &mut String, document: &Value, method: &str, path: &str, item: &Value) {
    let operation = &item[method];
    let method = method.to_uppercase();
    let _ = writeln!(
        text,
        "\n## {method} {path}\n\n{}. {}",
        words(&operation["summary"]),
        words(&operation["description"])
    );
    let shared = item["parameters"].as_array().into_iter().flatten();
    let own = operation["parameters"].as_array().into_iter().flatten();
    let parameters: Vec<_> = shared
        .chain(own)
        .map(|parameter| resolved(document, parameter))
        .collect();
    if !parameters.is_empty() {
        text.push('\n');
    }
    for parameter in parameters {
        let (name, place) = (words(&parameter["name"]), words(&parameter["in"]));
        let _ = writeln!(
            text,
            "- `{name}` ({place}) {}",
            words(&parameter["description"])
        );
    }
    let mut example = format!("curl -s -X {method} \"$API_URL{path}\"");
    if operation["security"] != Value::Array(Vec::new()) {
        example.push_str(" -H \"Authorization: Bearer $TOKEN\"");
    }
    if let Some(body) = operation.pointer("/requestBody/content/application~1json/example") {
        let _ = write!(
            example,
            " \\\n  -H 'Content-Type: application/json' -d '{body}'"
        );
    }
    let _ = writeln!(text, "\n```sh\n{example}\n```\n");
    for (status, response) in members(operation, "responses") {
        let response = resolved(document, response);
        let _ = writeln!(text, "- **{status}** {}", words(&response["description"]));
    }
}

fn reference() -> String {
    let document = document();
    let mut text = "# Reference\n\nEvery operation of the API and every code of a failure, made from `openapi.json` (`cargo local test reference` \
        puts a new one into `target`). The way through it is [API.md](API.md).\n"
        .to_owned();
    for (path, item) in members(&document, "paths") {
        for method in item
            .as_object()
            .unwrap()
            .keys()
            .filter(|method| *method != "parameters")
        {
            write_operation(&mut text, &document, method, path, item);
        }
    }
    text.push_str("\n# Codes\n\nWhat each code asks of the user who is shown it, of the operator, and of whoever helps the user.\n\n");
    text.push_str(
        "| code | status | user | operator | support |\n| --- | --- | --- | --- | --- |\n",
    );
    let code = &document["components"]["schemas"]["Failure"]["properties"]["code"];
    for (code, does) in members(code, "x-registry") {
        let known = Code::ALL.into_iter().find(|known| known.wire().1 == code);
        let status = known
            .map(|known| known.wire().0.as_u16())
            .unwrap_or_default();
        let [user, operator, support] =
            ["user", "operator", "support"].map(|who| words(&does[who]));
        let _ = writeln!(
            text,
            "| `{code}` | {status} | {user} | {operator} | {support} |"
        );
    }
    // No line ends in blanks, whatever is left out.
    let lines = text.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

#[test]
fn the_reference_says_what_the_document_says() {
    let reference = reference();
    let written = std::fs::read_to_string(place("docs")).unwrap_or_default();
    if written != reference {
        std::fs::write(place("target"), &reference).unwrap();
        panic!("docs/REFERENCE.md is older than openapi.json: target/REFERENCE.md is the new one");
    }
}

#[test]
fn every_body_has_an_example_and_every_code_says_who_does_what() {
    let document = document();
    for (path, item) in members(&document, "paths") {
        for (method, operation) in item.as_object().unwrap() {
            let bare = operation.get("requestBody").is_some()
                && operation
                    .pointer("/requestBody/content/application~1json/example")
                    .is_none();
            assert!(!bare, "{method} {path} shows no example");
        }
    }
    let code = &document["components"]["schemas"]["Failure"]["properties"]["code"];
    let told = members(code, "x-registry").map(|(code, does)| {
        assert!(
            !words(&does["user"]).is_empty() && !words(&does["support"]).is_empty(),
            "{code}"
        );
        code.as_str()
    });
    let told: BTreeSet<_> = told.collect();
    let known = Code::ALL.map(|code| code.wire().1);
    assert_eq!(told, known.into());
}
