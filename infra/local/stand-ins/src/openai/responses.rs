//! `POST /v1/responses` (contract section 4.2), without streaming and without stored answers.

use axum::body::Bytes;
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::CREATED_UNIX_SECONDS;
use super::chat::refuse_sampling;
use super::errors::{ApiError, refuse_unknown_members};
use super::messages::{Answer, AnswerForm, Conversation, REASONING_TOKENS, answer, tokens_of};
use super::models::{self, Makes, Model};
use super::strict;
use crate::faults::Outcome;
use crate::gate::Played;
use crate::seeded::{digest, hex};

const KNOWN: &[&str] = &[
    "background",
    "context_management",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// Answers the input; a reasoning item comes first, as the real service often does.
///
/// # Errors
/// The refusals of contract sections 1, 3 and 4.
pub(crate) async fn respond(
    Extension(Played(outcome)): Extension<Played>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let request: Value = serde_json::from_slice(&body).map_err(|_| ApiError::unparsable_body())?;
    refuse_unknown_members(&request, KNOWN)?;
    let model = models::named_in(&request)?;
    let limit = check_parameters(&request, model)?;
    let form = answer_form(&request)?;
    let conversation = read_input(&request)?;
    let digits = hex(&digest(&body));
    if outcome == Outcome::Failed {
        let error = json!({ "code": "server_error", "message": "The server had an error processing your request." });
        return Ok(Json(envelope(
            &request,
            model.id,
            &digits,
            "failed",
            error,
            json!([]),
            Value::Null,
        )));
    }

    let answered = answer(&conversation, &form, limit, outcome);
    let (status, part) = match &answered {
        Answer::Whole(text) => ("completed", output_text(text)),
        Answer::CutOff(text) => ("incomplete", output_text(text)),
        Answer::Refusal(text) => ("completed", json!({ "type": "refusal", "refusal": text })),
    };
    let output = if outcome == Outcome::Empty {
        json!([])
    } else {
        json!([
            { "id": format!("rs_{}", &digits[..24]), "type": "reasoning", "summary": [] },
            { "id": format!("msg_{}", &digits[24..48]), "type": "message", "role": "assistant", "status": status,
              "content": [part] },
        ])
    };
    let (Answer::Whole(text) | Answer::CutOff(text) | Answer::Refusal(text)) = &answered;
    let (asked, given) = (conversation.tokens(), tokens_of(text) + REASONING_TOKENS);
    let usage = json!({
        "input_tokens": asked, "input_tokens_details": { "cached_tokens": 0, "cache_write_tokens": 0 },
        "output_tokens": given, "output_tokens_details": { "reasoning_tokens": REASONING_TOKENS },
        "total_tokens": asked + given,
    });
    Ok(Json(envelope(
        &request,
        model.id,
        &digits,
        status,
        Value::Null,
        output,
        usage,
    )))
}

/// Returns the limit of output tokens.
fn check_parameters(request: &Value, model: &Model) -> Result<Option<u64>, ApiError> {
    let Makes::Text { reasoning } = model.makes else {
        let message = format!(
            "The requested model '{}' cannot be used with the Responses API.",
            model.id
        );
        return Err(ApiError::bad_parameter("model", None, message));
    };
    refuse_sampling(request, reasoning)?;
    if request.get("stream") == Some(&Value::Bool(true)) {
        return Err(ApiError::bad_parameter(
            "stream",
            Some("unsupported_value"),
            "This stand-in does not stream responses.",
        ));
    }
    let limit = request.get("max_output_tokens").and_then(Value::as_u64);
    if limit.is_some_and(|limit| limit < 16) {
        let message =
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.";
        return Err(ApiError::bad_parameter(
            "max_output_tokens",
            Some("integer_below_min_value"),
            message,
        ));
    }
    Ok(limit)
}

fn output_text(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
}

fn envelope(
    request: &Value,
    model: &str,
    digits: &str,
    status: &str,
    error: Value,
    output: Value,
    usage: Value,
) -> Value {
    let incomplete = (status == "incomplete").then(|| json!({ "reason": "max_output_tokens" }));
    json!({
        "id": format!("resp_{}", &digits[..32]), "object": "response", "created_at": CREATED_UNIX_SECONDS,
        "status": status, "error": error, "incomplete_details": incomplete,
        "instructions": request.get("instructions"), "model": model, "tools": [], "tool_choice": "auto",
        "parallel_tool_calls": true, "metadata": request.get("metadata").cloned().unwrap_or_else(|| json!({})),
        "temperature": 1, "top_p": 1, "output": output, "usage": usage,
        "store": request.get("store").cloned().unwrap_or(Value::Bool(true)),
    })
}

fn answer_form(request: &Value) -> Result<AnswerForm, ApiError> {
    let Some(format) = request.pointer("/text/format") else {
        return Ok(AnswerForm::Text);
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(AnswerForm::Text),
        Some("json_object") => Ok(AnswerForm::AnyJson),
        Some("json_schema") => {
            let name = format.get("name").and_then(Value::as_str);
            let name = name.ok_or_else(|| ApiError::missing_parameter("text.format.name"))?;
            let schema = format
                .get("schema")
                .ok_or_else(|| ApiError::missing_parameter("text.format.schema"))?;
            // Unlike chat completions, strict is the default here.
            if format.get("strict") != Some(&Value::Bool(false)) {
                strict::check(name, schema, "text.format.schema")?;
            }
            Ok(AnswerForm::Schema {
                name: name.to_owned(),
                schema: schema.clone(),
            })
        }
        other => {
            let known = ["text", "json_object", "json_schema"];
            Err(ApiError::invalid_value(
                "text.format.type",
                other.unwrap_or_default(),
                &known,
            ))
        }
    }
}

fn read_input(request: &Value) -> Result<Conversation, ApiError> {
    let mut conversation = Conversation::default();
    if let Some(instructions) = request.get("instructions").and_then(Value::as_str) {
        conversation.add_text("developer", instructions);
    }
    match request.get("input") {
        Some(Value::String(text)) => conversation.add_text("user", text),
        Some(Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                let role = item.get("role").and_then(Value::as_str).unwrap_or("user");
                match item.get("content") {
                    Some(Value::String(text)) => conversation.add_text(role, text),
                    Some(Value::Array(parts)) => read_parts(&mut conversation, role, parts, index)?,
                    _ => {
                        return Err(ApiError::missing_parameter(&format!(
                            "input[{index}].content"
                        )));
                    }
                }
            }
        }
        _ => return Err(ApiError::missing_parameter("input")),
    }
    Ok(conversation)
}

fn read_parts(
    conversation: &mut Conversation,
    role: &str,
    parts: &[Value],
    index: usize,
) -> Result<(), ApiError> {
    for (position, part) in parts.iter().enumerate() {
        let param = format!("input[{index}].content[{position}]");
        match part.get("type").and_then(Value::as_str) {
            Some("input_text" | "output_text") => {
                conversation.add_text(
                    role,
                    part.get("text").and_then(Value::as_str).unwrap_or_default(),
                );
            }
            Some("input_image") => match part.get("image_url") {
                Some(Value::String(url)) => {
                    conversation.add_picture(url, &format!("{param}.image_url"))?
                }
                _ => {
                    return Err(ApiError::invalid_type(
                        &format!("{param}.image_url"),
                        "a string",
                    ));
                }
            },
            other => {
                let known = [
                    "input_text",
                    "input_image",
                    "output_text",
                    "refusal",
                    "input_file",
                ];
                return Err(ApiError::invalid_value(
                    &format!("{param}.type"),
                    other.unwrap_or_default(),
                    &known,
                ));
            }
        }
    }
    Ok(())
}
