//! `POST /v1/chat/completions`.

use crate::storyteller::seeded::{digest, hex};
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::header;
use serde_json::{Value, json};

use super::CREATED_UNIX_SECONDS;
use super::errors::{ApiError, is_listed, refuse_unknown_members};
use super::messages::{Answer, AnswerForm, Conversation, REASONING_TOKENS, answer, tokens_of};
use super::models::{self, Makes, Model};
use super::strict;
use crate::fault_layer::InjectedOutcome;
use crate::faults::Outcome;

const KNOWN: &str = "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens \
    max_tokens messages metadata modalities model moderation n parallel_tool_calls prediction \
    presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention \
    reasoning_effort response_format safety_identifier seed service_tier stop store stream \
    stream_options temperature tool_choice tools top_logprobs top_p user verbosity \
    web_search_options";
const ROLES: &str = "developer system user assistant tool function";
const PARTS: &str = "text image_url input_audio refusal audio file";
const EFFORTS: &str = "none minimal low medium high xhigh max";

/// Answers the last question of a conversation.
///
/// # Errors
/// The refusals of the service.
pub(crate) async fn complete(
    Extension(InjectedOutcome(outcome, words)): Extension<InjectedOutcome>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let request: Value =
        serde_json::from_slice(&body).map_err(|_| ApiError::of("unparsable_body", &[]))?;
    refuse_unknown_members(&request, KNOWN)?;
    let model = models::named_in(&request)?;
    check_parameters(&request, &model)?;
    let form = answer_form(&request)?;
    let conversation = read_messages(&request)?;
    let limit = ["max_completion_tokens", "max_tokens"]
        .iter()
        .find_map(|name| request.get(*name)?.as_u64());

    let id = format!("chatcmpl-{}", &hex(&digest(&body))[..24]);
    let answered = match words {
        Some(words) => Answer::Whole(words),
        None => answer(&conversation, &form, limit, outcome)?,
    };
    let reasons = model.makes == (Makes::Text { reasoning: true });
    let reasoning = if reasons { REASONING_TOKENS } else { 0 };
    let usage = usage(&conversation, &answered, reasoning);
    if request["stream"] == true {
        let is_empty = outcome == Outcome::Empty;
        let told = request["stream_options"]["include_usage"] == true;
        let answered = (!is_empty).then_some(&answered);
        return Ok(stream(&id, &model, answered, told.then_some(usage)));
    }
    let choices = if outcome == Outcome::Empty {
        json!([])
    } else {
        json!([choice(&answered)])
    };
    let answer = json!({
        "id": id, "object": "chat.completion", "created": CREATED_UNIX_SECONDS, "model": model.id,
        "choices": choices, "usage": usage, "service_tier": "default",
    });
    Ok(Json(answer).into_response())
}

/// Characters of an answer that one event of its stream brings.
const EVENT_CHARS: usize = 24;

/// The answer as server-sent events: the role, the words, the reason why they end, and the price where it is asked for.
fn stream(id: &str, model: &Model, answered: Option<&Answer>, usage: Option<Value>) -> Response {
    let event = |choices: Value, usage: &Value| {
        let chunk = json!({
            "id": id, "object": "chat.completion.chunk", "created": CREATED_UNIX_SECONDS, "model": model.id,
            "choices": choices, "usage": usage,
        });
        format!("data: {chunk}\n\n")
    };
    let delta = |delta: Value, reason: Value| {
        let choice =
            json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": reason });
        event(json!([choice]), &Value::Null)
    };
    let mut events = String::new();
    if let Some(answered) = answered {
        let (field, text, reason) = answered.parts();
        events += &delta(json!({ "role": "assistant", field: "" }), Value::Null);
        let letters: Vec<char> = text.chars().collect();
        for words in letters.chunks(EVENT_CHARS) {
            let words: String = words.iter().collect();
            events += &delta(json!({ field: words }), Value::Null);
        }
        events += &delta(json!({}), json!(reason));
    }
    if let Some(usage) = usage {
        events += &event(json!([]), &usage);
    }
    events += "data: [DONE]\n\n";
    ([(header::CONTENT_TYPE, EVENT_STREAM)], events).into_response()
}

/// The content type of an answer that comes in events.
pub(crate) const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

fn check_parameters(request: &Value, model: &Model) -> Result<(), ApiError> {
    let Makes::Text { reasoning } = model.makes else {
        return Err(ApiError::of("wrong_endpoint", &[&model.id]));
    };
    if reasoning && !request["max_tokens"].is_null() {
        return Err(ApiError::of("max_tokens", &[]));
    }
    refuse_sampling(request, reasoning)?;
    if let Some(effort) = request["reasoning_effort"].as_str() {
        if !is_listed(EFFORTS, effort) {
            return Err(ApiError::invalid_value("reasoning_effort", effort, EFFORTS));
        }
        if !reasoning {
            return Err(ApiError::of("no_reasoning", &[]));
        }
    }
    if request["stream"] != true && !request["stream_options"].is_null() {
        return Err(ApiError::of("stream_options", &[]));
    }
    if request["n"].as_u64().is_some_and(|count| count != 1) {
        return Err(ApiError::of("answers_once", &[]));
    }
    Ok(())
}

/// Reasoning models accept only the default temperature and top_p.
fn refuse_sampling(request: &Value, reasoning: bool) -> Result<(), ApiError> {
    for name in ["temperature", "top_p"] {
        if let Some(value) = request[name].as_f64()
            && reasoning
            && (value - 1.0).abs() > f64::EPSILON
        {
            return Err(ApiError::of("fixed_sampling", &[&name, &name, &value]));
        }
    }
    Ok(())
}

fn answer_form(request: &Value) -> Result<AnswerForm, ApiError> {
    let missing = |member: &str| ApiError::missing_parameter(&format!("response_format{member}"));
    let format = &request["response_format"];
    match format["type"].as_str() {
        Some("json_schema") => {}
        // The real service writes plain text, too.
        Some(other) => {
            let param = "response_format.type";
            return Err(ApiError::invalid_value(param, other, "json_schema"));
        }
        None => return Err(missing(".type")),
    }
    let wrapper = &format["json_schema"];
    let name = wrapper["name"].as_str();
    let name = name.ok_or_else(|| missing(".json_schema.name"))?;
    let schema = wrapper.get("schema");
    let schema = schema.ok_or_else(|| missing(".json_schema.schema"))?;
    if wrapper["strict"] == true {
        strict::check(name, schema, "response_format")?;
    }
    Ok(AnswerForm {
        name: name.to_owned(),
        schema: schema.clone(),
    })
}

fn read_messages(request: &Value) -> Result<Conversation, ApiError> {
    let messages = request
        .get("messages")
        .ok_or_else(|| ApiError::missing_parameter("messages"))?;
    let messages = messages
        .as_array()
        .ok_or_else(|| ApiError::invalid_type("messages", "an array of objects"))?;
    if messages.is_empty() {
        return Err(ApiError::of("no_messages", &[]));
    }
    let mut conversation = Conversation::default();
    for (index, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if !is_listed(ROLES, role) {
            let param = format!("messages[{index}].role");
            return Err(ApiError::invalid_value(&param, role, ROLES));
        }
        match message.get("content") {
            Some(Value::String(text)) => conversation.add_text(role, text),
            Some(Value::Array(parts)) => read_parts(&mut conversation, role, parts, index)?,
            _ if role == "assistant" => {}
            _ => {
                let param = format!("messages[{index}].content");
                return Err(ApiError::invalid_type(&param, "a string or an array"));
            }
        }
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
        let param = format!("messages[{index}].content[{position}]");
        match part["type"].as_str() {
            Some("text") => {
                let missing = || ApiError::missing_parameter(&format!("{param}.text"));
                conversation.add_text(role, part["text"].as_str().ok_or_else(missing)?);
            }
            Some("image_url") => {
                let param = format!("{param}.image_url");
                let wrong = || ApiError::invalid_type(&param, "an object with a url");
                let url = part["image_url"]["url"].as_str().ok_or_else(wrong)?;
                conversation.add_picture(url, &param)?;
            }
            other => {
                let (param, other) = (format!("{param}.type"), other.unwrap_or_default());
                return Err(ApiError::invalid_value(&param, other, PARTS));
            }
        }
    }
    Ok(())
}

fn choice(answered: &Answer) -> Value {
    let (field, text, reason) = answered.parts();
    let mut message =
        json!({ "role": "assistant", "content": null, "refusal": null, "annotations": [] });
    message[field] = text.into();
    json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": reason })
}

fn usage(conversation: &Conversation, answered: &Answer, reasoning: u64) -> Value {
    let (_, text, _) = answered.parts();
    let prompt = conversation.tokens();
    let completion = tokens_of(text) + reasoning;
    json!({
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
        "prompt_tokens_details": { "cached_tokens": 0, "audio_tokens": 0 },
        "completion_tokens_details": {
            "reasoning_tokens": reasoning, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    })
}
