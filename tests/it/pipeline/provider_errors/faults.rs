//! What a provider does, by the words of the table: bytes on the wire.

use crate::proxy::Spoil;
use bytes::Bytes;
use serde_json::{Value, json};

const PAGE: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";

/// How a request of this kind is spoilt.
pub(super) fn spoil(kind: &str, fault: &str) -> Spoil {
    match (kind, fault) {
        (_, "502 HTML") => Spoil::Answer {
            status: 502,
            content_type: "text/html",
            body: PAGE.to_owned(),
        },
        (_, "cut in the middle") => Spoil::Cut,
        (_, "truncated JSON" | "half a stream") => Spoil::Half,
        (_, "a byte a second") => Spoil::Drip,
        ("picture_file", "half a file") => Spoil::Half,
        ("picture_file", "404") => Spoil::json(404, "Not Found"),
        ("story", "wrong schema") => Spoil::Change(|body| tell(body, |_| WRONG.to_owned())),
        ("story", "NUL and lone surrogates") => {
            Spoil::Change(|body| tell(body, with_strange_signs))
        }
        ("story", "policy, of what came out") => Spoil::Change(refuse),
        ("speech", _) => elevenlabs(fault),
        ("picture", _) => picture(fault).unwrap_or_else(|| openai(fault)),
        ("order" | "standing" | "picture_file", _) => bfl(fault),
        ("moderation", "wrong schema") => Spoil::json(200, json!({"results": []})),
        (_, "wrong schema") => Spoil::Change(|body| answer(body, |_| WRONG.to_owned())),
        (_, "NUL and lone surrogates") => Spoil::Change(|body| answer(body, with_strange_signs)),
        (_, "policy, of what came out") => Spoil::Change(|body| {
            edit(body, |answer| {
                let message = &mut answer["choices"][0]["message"];
                message["content"] = Value::Null;
                message["refusal"] = json!("I cannot help with that.");
            })
        }),
        _ => openai(fault),
    }
}

/// JSON of no schema that is asked for.
const WRONG: &str = r#"{"title":7}"#;

/// In every member that is a string; and, as an emoji that was cut in two, in the JSON around them.
fn with_strange_signs(content: &str) -> String {
    content.replace(r#"":""#, r#"":"\ud83d\u0000 "#)
}

fn openai(fault: &str) -> Spoil {
    let (status, kind, code) = match fault {
        "401" => (401, "invalid_request_error", json!("invalid_api_key")),
        "402" => (402, "billing_error", Value::Null),
        "403" => (403, "request_forbidden", Value::Null),
        "404" => (404, "invalid_request_error", json!("model_not_found")),
        "408" => (408, "timeout", Value::Null),
        "429 rate limit" => (429, "requests", json!("rate_limit_exceeded")),
        "429 no credits" => (429, "insufficient_quota", json!("insufficient_quota")),
        "500" => (500, "server_error", Value::Null),
        "policy, of what was asked" => (
            400,
            "invalid_request_error",
            json!("content_policy_violation"),
        ),
        other => panic!("no fault of OpenAI is {other:?}"),
    };
    let message = "This did not work.";
    let error = json!({"message": message, "type": kind, "param": null, "code": code});
    Spoil::json(status, json!({"error": error}))
}

fn picture(fault: &str) -> Option<Spoil> {
    let blocked = |stage: &str| {
        let details = json!({"moderation_stage": stage, "categories": ["violence"]});
        let error = json!({"message": "Your request was rejected by the safety system.",
            "type": "image_generation_user_error", "param": null, "code": "moderation_blocked",
            "moderation_details": details});
        Spoil::json(400, json!({"error": error}))
    };
    Some(match fault {
        "policy, of what was asked" => blocked("input"),
        "policy, of what came out" => blocked("output"),
        "wrong schema" => Spoil::Change(|body| {
            edit(body, |answer| {
                answer["data"] = json!([{"url": "https://example.com/a.png"}])
            })
        }),
        "broken base64" => Spoil::Change(|body| {
            edit(body, |answer| {
                answer["data"][0]["b64_json"] = json!("not base64 !")
            })
        }),
        "half a file" => {
            Spoil::Change(|body| edit(body, |answer| halve(&mut answer["data"][0]["b64_json"])))
        }
        // Both are as long as each other, so that a form stays one.
        "wrong size" => Spoil::Ask(|sent| replace(sent, "1024x1024", "1536x1024")),
        _ => return None,
    })
}

fn bfl(fault: &str) -> Spoil {
    let standing = |status: &str| {
        Spoil::json(
            200,
            json!({"id": "of-no-use", "status": status, "result": null}),
        )
    };
    let (status, detail) = match fault {
        "policy, of what was asked" => return standing("Request Moderated"),
        "policy, of what came out" => return standing("Content Moderated"),
        "failed task" => return standing("Error"),
        "wrong schema" => return Spoil::json(200, json!({"of": "no use"})),
        "wrong size" => {
            return Spoil::Ask(|sent| replace(sent, r#""width":1024"#, r#""width":512"#));
        }
        "401" => (401, "Invalid key"),
        "402" => (402, "Insufficient credits"),
        "403" => (403, "Not authenticated"),
        "404" => (404, "Not Found"),
        "408" => (408, "Request timed out"),
        "422" => (422, "Unprocessable"),
        "429 rate limit" => (429, "Too many active tasks"),
        "500" => (500, "Internal server error"),
        other => panic!("no fault of Black Forest Labs is {other:?}"),
    };
    Spoil::json(status, json!({"detail": detail}))
}

fn elevenlabs(fault: &str) -> Spoil {
    let (status, kind, code, older) = match fault {
        "no alignment" => {
            return Spoil::Change(|body| {
                edit(body, |answer| {
                    answer["alignment"] = Value::Null;
                    answer["normalized_alignment"] = Value::Null;
                })
            });
        }
        "NUL and lone surrogates" => {
            return Spoil::Change(|body| {
                replace(
                    body,
                    r#""characters":[""#,
                    r#""characters":["\u0000","\ud83d",""#,
                )
            });
        }
        "wrong schema" => return Spoil::json(200, json!({"audio": 7})),
        "broken base64" => {
            return Spoil::Change(|body| {
                edit(body, |answer| {
                    answer["audio_base64"] = json!("not base64 !")
                })
            });
        }
        "half a file" => {
            return Spoil::Change(|body| edit(body, |answer| halve(&mut answer["audio_base64"])));
        }
        "401" => (
            401,
            "authentication_error",
            "invalid_api_key",
            "invalid_api_key",
        ),
        "401 no credits" => (401, "payment_required", "quota_exceeded", "quota_exceeded"),
        "402" => (
            402,
            "payment_required",
            "insufficient_credits",
            "payment_required",
        ),
        "403" => (
            403,
            "authorization_error",
            "insufficient_permissions",
            "missing_permissions",
        ),
        "404" => (404, "not_found", "voice_not_found", "voice_not_found"),
        "404 model" => (404, "not_found", "model_not_found", "model_not_found"),
        "408" => (408, "service_unavailable", "timeout", "timeout"),
        "429 rate limit" => (
            429,
            "rate_limit_error",
            "concurrent_limit_exceeded",
            "too_many_concurrent_requests",
        ),
        "429 busy" => (429, "rate_limit_error", "system_busy", "system_busy"),
        "500" => (500, "internal_error", "internal_error", "internal_error"),
        "policy, of what was asked" => (
            400,
            "invalid_request",
            "content_against_policy",
            "content_against_policy",
        ),
        other => panic!("no fault of ElevenLabs is {other:?}"),
    };
    let detail = json!({"type": kind, "code": code, "status": older, "message": "This did not work.",
        "request_id": "req_1", "param": null});
    Spoil::json(status, json!({"detail": detail}))
}

/// An answer in JSON with a change in it.
fn edit(body: &[u8], change: impl FnOnce(&mut Value)) -> Bytes {
    let mut answer: Value = serde_json::from_slice(body).expect("an answer in JSON");
    change(&mut answer);
    answer.to_string().into()
}

fn replace(body: &[u8], from: &str, to: &str) -> Bytes {
    let at = memchr::memmem::find(body, from.as_bytes()).expect("it stands there");
    let (before, after) = (&body[..at], &body[at + from.len()..]);
    [before, to.as_bytes(), after].concat().into()
}

/// Base64 of half of what it was of.
fn halve(encoded: &mut Value) {
    let whole = encoded.as_str().expect("a string");
    *encoded = whole[..whole.len() / 8 * 4].into();
}

/// What a chat that is not streamed answers, with other words.
fn answer(body: &[u8], change: fn(&str) -> String) -> Bytes {
    edit(body, |answer| {
        let content = &mut answer["choices"][0]["message"]["content"];
        *content = change(content.as_str().expect("words")).into();
    })
}

/// The chunks of a stream.
fn chunks(body: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(body).expect("a stream is text");
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

fn written(chunks: &[Value]) -> String {
    let events = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
    events.collect::<String>() + "data: [DONE]\n\n"
}

/// A stream that tells other words.
fn tell(body: &[u8], change: fn(&str) -> String) -> Bytes {
    let mut chunks = chunks(body);
    let words = |chunk: &Value| {
        chunk["choices"][0]["delta"]["content"]
            .as_str()
            .map(str::to_owned)
    };
    let content: String = chunks.iter().filter_map(words).collect();
    let mut content = Some(change(&content));
    for chunk in &mut chunks {
        if words(chunk).is_some_and(|words| !words.is_empty()) {
            chunk["choices"][0]["delta"]["content"] = content.take().unwrap_or_default().into();
        }
    }
    written(&chunks).replacen(" the ", " the\\ud83d ", 1).into()
}

/// A stream that refuses.
fn refuse(body: &[u8]) -> Bytes {
    let mut chunks = chunks(body);
    for chunk in &mut chunks {
        // The last, with the numbers, has no choice.
        let Some(delta) = chunk.pointer_mut("/choices/0/delta") else {
            continue;
        };
        if let Some(words) = delta.get_mut("content").map(Value::take) {
            let is_first = words.as_str() == Some("");
            let refusal = if is_first {
                "I cannot help with that."
            } else {
                ""
            };
            *delta = json!({"refusal": refusal});
        }
    }
    written(&chunks).into()
}
