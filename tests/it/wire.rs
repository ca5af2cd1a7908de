//! Holds what providers are asked for, and what their stand-ins answer, to the providers' own documents (tests/wire).

use crate::proxy::Exchange;
use jsonschema::{Draft, Validator};
use memchr::memmem;
use serde_json::{Map, Value, json};
use std::{collections::HashMap, sync::LazyLock};

static DOCUMENTS: LazyLock<HashMap<&'static str, Value>> = LazyLock::new(|| {
    let documents = [
        ("openai", include_str!("../wire/openai.json")),
        ("bfl", include_str!("../wire/bfl.json")),
        ("elevenlabs", include_str!("../wire/elevenlabs.json")),
    ];
    let read = |text| serde_json::from_str(text).expect("a document in JSON");
    documents.map(|(name, text)| (name, read(text))).into()
});

/// What of an exchange is not as documented; empty where all is.
pub(crate) fn find_deviations(exchange: &Exchange) -> Vec<String> {
    let mut found = Vec::new();
    let document = &DOCUMENTS[exchange.provider];
    let (path, query) = exchange
        .path
        .split_once('?')
        .unwrap_or((&exchange.path, ""));
    let path = match exchange.provider {
        "openai" => path.strip_prefix("/v1").unwrap_or(path),
        _ => path,
    };
    let paths = document["paths"].as_object().expect("paths");
    let mut operations = paths.iter();
    let operation = operations.find(|(template, _)| fits(template, path));
    let method = exchange.method.to_lowercase();
    let Some(operation) = operation.and_then(|(_, methods)| methods.get(&method)) else {
        return vec![format!("{method} {path} is not documented")];
    };
    for pair in query
        .split('&')
        .filter(|pair| !pair.is_empty() && path != "/v1/get_result")
    {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match operation["query"].get(name) {
            Some(schema) => found.extend(check(document, schema, &json!(value))),
            None => found.push(format!("the query's {name} is not documented")),
        }
    }
    let kind = exchange.content_type.split(';').next().unwrap_or_default();
    if let Some(schema) = operation["requestBody"].get(kind) {
        found.extend(check(document, schema, &sent(exchange)));
    } else if method != "get" {
        found.push(format!("a request of {kind} is not documented"));
    }
    found.extend(find_in_answer(document, operation, exchange));
    let of = format!(
        "{} {} {}",
        exchange.provider, exchange.kind, exchange.status
    );
    found.iter().map(|what| format!("{of}: {what}")).collect()
}

fn find_in_answer(document: &Value, operation: &Value, exchange: &Exchange) -> Vec<String> {
    let body = String::from_utf8_lossy(&exchange.received);
    let header = exchange.headers.get("content-type");
    let kind = header
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    let parts: Vec<&str> = match kind {
        "text/event-stream" => {
            let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
            data.filter(|data| *data != "[DONE]").collect()
        }
        _ => vec![&body],
    };
    let name = document["error"].as_str().expect("the name of an error");
    let error = json!({"$ref": format!("#/components/schemas/{name}")});
    let schema = match exchange.status {
        200 => operation["200"].get(kind),
        _ => Some(&error),
    };
    let Some(schema) = schema else {
        return vec![format!("an answer of {kind} is not documented")];
    };
    let parts = parts
        .iter()
        .flat_map(|part| match serde_json::from_str(part) {
            Ok(answer) => check(document, schema, &answer),
            Err(error) => vec![format!("an answer that is no JSON: {error}")],
        });
    parts.collect()
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    let mut pairs = template.iter().zip(&path);
    template.len() == path.len()
        && pairs.all(|(known, given)| known.starts_with('{') || known == given)
}

/// By a schema of the document, that no member is left of which it does not speak.
fn check(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let closed = json!({"components": document["components"], "allOf": [schema], "unevaluatedProperties": false});
    let validator: Validator = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .build(&closed)
        .expect("a usable schema");
    let errors = validator.iter_errors(value);
    errors
        .map(|error| format!("{}: {}", error.instance_path(), error.masked()))
        .collect()
}

/// A request's JSON, or its form as JSON: files as words, what is sent more than once as a list, numbers as such.
fn sent(exchange: &Exchange) -> Value {
    let Some((_, boundary)) = exchange.content_type.split_once("boundary=") else {
        return serde_json::from_slice(&exchange.sent).unwrap_or_default();
    };
    let boundary = format!("--{}", boundary.trim_matches('"'));
    let mut fields = Map::new();
    let ends: Vec<_> = memmem::find_iter(&exchange.sent, boundary.as_bytes()).collect();
    for part in ends.windows(2) {
        let part = &exchange.sent[part[0] + boundary.len()..part[1]];
        let head = memmem::find(part, b"\r\n\r\n").expect("a head");
        let (head, body) = (String::from_utf8_lossy(&part[..head]), &part[head + 4..]);
        let name = head
            .split("name=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let name = name.expect("a name");
        let text = String::from_utf8_lossy(body).trim_end().to_owned();
        let value = match text.as_str() {
            _ if head.contains("filename=") => json!("a file"),
            "true" | "false" => json!(text == "true"),
            text => text
                .parse::<u64>()
                .map_or_else(|_| json!(text), Value::from),
        };
        match name.strip_suffix("[]") {
            None => drop(fields.insert(name.to_owned(), value)),
            Some(name) => {
                let all = fields.entry(name).or_insert_with(|| json!([]));
                all.as_array_mut().expect("a list").push(value);
            }
        }
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deviations(
        provider: &'static str,
        path: &str,
        sent: &Value,
        received: &Value,
    ) -> Vec<String> {
        let headers = [(
            "content-type".parse().expect("a name"),
            "application/json".parse().expect("a value"),
        )];
        find_deviations(&Exchange {
            provider,
            kind: "test".to_owned(),
            about: None,
            method: "POST".to_owned(),
            path: path.to_owned(),
            content_type: "application/json".to_owned(),
            sent: sent.to_string().into(),
            status: 200,
            headers: headers.into_iter().collect(),
            received: received.to_string().into_bytes(),
            is_spoilt: false,
        })
    }

    #[test]
    fn a_request_with_a_strange_a_missing_or_a_wrong_member_is_found() {
        let answer = json!({"id": "1", "polling_url": "https://api.bfl.ai/v1/get_result?id=1"});
        let chat = json!({"model": "gpt-5.2", "messages": [{"role": "user", "content": "Hello"}], "store": false});
        let order = json!({"prompt": "A dragon", "width": 1024, "height": 1024});
        let speech = json!({"text": "Once."});
        let said = json!({"audio_base64": "AAAA", "alignment": null, "normalized_alignment": null});
        let told = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-5.2", "choices": []});
        let (voice, more) = (
            "/v1/text-to-speech/abc/with-timestamps",
            "/v1/text-to-speech/abc/with-timestamps?sound=loud",
        );
        for (provider, path, good, answer, change) in [
            (
                "openai",
                "/v1/chat/completions",
                &chat,
                &told,
                ("colour", json!("red")),
            ),
            (
                "openai",
                "/v1/chat/completions",
                &chat,
                &told,
                ("model", Value::Null),
            ),
            (
                "openai",
                "/v1/chat/completions",
                &chat,
                &told,
                ("reasoning_effort", json!("some")),
            ),
            (
                "openai",
                "/v1/chat/completions",
                &chat,
                &told,
                ("messages", json!("Hello")),
            ),
            (
                "bfl",
                "/v1/flux-2-pro",
                &order,
                &answer,
                ("steps", json!(40)),
            ),
            (
                "bfl",
                "/v1/flux-2-pro",
                &order,
                &answer,
                ("width", json!(1000)),
            ),
            (
                "bfl",
                "/v1/flux-2-pro",
                &order,
                &answer,
                ("output_format", json!("gif")),
            ),
            ("elevenlabs", voice, &speech, &said, ("txt", json!("Once."))),
            ("elevenlabs", voice, &speech, &said, ("text", Value::Null)),
        ] {
            assert_eq!(deviations(provider, path, good, answer), [""; 0]);
            let mut wrong = good.clone();
            let (name, value) = change;
            match value {
                Value::Null => drop(wrong.as_object_mut().expect("an object").remove(name)),
                value => wrong[name] = value,
            }
            assert!(
                !deviations(provider, path, &wrong, answer).is_empty(),
                "{provider} {name}"
            );
        }
        assert_eq!(deviations("elevenlabs", more, &speech, &said).len(), 1);
        assert_eq!(deviations("bfl", "/v1/flux-9", &order, &answer).len(), 1);
    }

    #[test]
    fn an_answer_that_no_provider_would_give_is_found() {
        let order = json!({"prompt": "A dragon"});
        for answer in [
            json!({"id": "1"}),
            json!({"id": 1, "polling_url": "https://api.bfl.ai"}),
            json!("no"),
        ] {
            assert!(
                !deviations("bfl", "/v1/flux-2-pro", &order, &answer).is_empty(),
                "{answer}"
            );
        }
    }
}
