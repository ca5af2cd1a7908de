//! Reading what OpenAI answered: the result, and beside it what the answer is billed, whether or not it can be used.

use crate::{CallUsage, ErrorKind, NotAPicture, PictureBytes};
use base64::{
    Engine,
    engine::DecodePaddingMode,
    engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig},
};
use domain::price::OPENAI;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// Tokens in and out, from the numbers of `usage`; an answer without them says nothing of its price.
pub(super) fn usage_of(answer: &Value, asked_model: &str, request_id: &str) -> CallUsage {
    let tokens = |names: [&str; 2]| {
        let usage = &answer["usage"];
        names.iter().find_map(|name| usage[*name].as_u64())
    };
    CallUsage {
        provider: OPENAI,
        model: answer["model"].as_str().unwrap_or(asked_model).to_owned(),
        input_units: tokens(["prompt_tokens", "input_tokens"]).unwrap_or_default(),
        output_units: tokens(["completion_tokens", "output_tokens"]).unwrap_or_default(),
        request_id: request_id.to_owned(),
    }
}

/// The JSON that a chat completion holds, or what is wrong with it; its price in both cases.
///
/// In this order: a refusal, an answer cut short, and only then its content.
pub(super) fn completion(
    body: &[u8],
    asked_model: &str,
    request_id: &str,
) -> (Result<Value, ErrorKind>, CallUsage) {
    let answer: Value = domain::sanitize::from_slice(body).unwrap_or_default();
    completion_of(&answer, asked_model, request_id)
}

/// The same of an answer that is read already.
pub(super) fn completion_of(
    answer: &Value,
    asked_model: &str,
    request_id: &str,
) -> (Result<Value, ErrorKind>, CallUsage) {
    let usage = usage_of(answer, asked_model, request_id);
    let choice = &answer["choices"][0];
    let message = &choice["message"];
    let refusal = message["refusal"].as_str().unwrap_or_default();
    let read = match choice["finish_reason"].as_str() {
        _ if !refusal.is_empty() => Err(ErrorKind::Refused),
        Some("content_filter") => Err(ErrorKind::Refused),
        Some("length") => Err(ErrorKind::CutShort),
        Some("stop") => message["content"]
            .as_str()
            .and_then(|content| domain::sanitize::parse_answer(content).ok())
            .ok_or(ErrorKind::Malformed),
        _ => Err(ErrorKind::Malformed),
    };
    (read, usage)
}

#[derive(Deserialize)]
struct Pictures<'a> {
    #[serde(borrow)]
    data: Vec<PictureData<'a>>,
    #[serde(default)]
    usage: Value,
}

#[derive(Deserialize)]
struct PictureData<'a> {
    /// Some 3 MB, and no character of base64 is ever escaped: read where it lies.
    #[serde(borrow)]
    b64_json: Cow<'a, str>,
}

/// The first picture of an answer, or what is wrong with it; its price in both cases.
pub(super) fn picture(
    body: &[u8],
    asked_model: &str,
    request_id: &str,
) -> (Result<PictureBytes, ErrorKind>, CallUsage) {
    let price = |usage: Value| {
        usage_of(
            &serde_json::json!({ "usage": usage }),
            asked_model,
            request_id,
        )
    };
    match serde_json::from_slice::<Pictures<'_>>(body) {
        Ok(Pictures { data, usage }) => {
            let first = data.first().ok_or(ErrorKind::Malformed);
            let read =
                first.and_then(|data| decode(&data.b64_json).map_err(|_| ErrorKind::Malformed));
            (read, price(usage))
        }
        Err(_) => {
            let mut answer: Value = serde_json::from_slice(body).unwrap_or_default();
            let usage = answer.get_mut("usage").map(Value::take);
            (Err(ErrorKind::Malformed), price(usage.unwrap_or_default()))
        }
    }
}

pub(super) fn decode(encoded: &str) -> Result<PictureBytes, NotAPicture> {
    // Whatever the padding: a picture that was paid for is not thrown away for it.
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let bytes = LENIENT.decode(encoded.trim()).map_err(|_| NotAPicture)?;
    PictureBytes::parse(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &Value) -> (Result<Value, ErrorKind>, (u64, u64)) {
        let (read, usage) = completion(body.to_string().as_bytes(), "gpt-5.2", "req_1");
        (read, (usage.input_units, usage.output_units))
    }

    #[test]
    fn every_answer_has_its_price_whether_or_not_it_can_be_used() {
        let usage = json!({"prompt_tokens": 900, "completion_tokens": 8000});
        let answer = |message: Value, reason: Value| json!({"model": "gpt-5.2", "choices": [{"message": message, "finish_reason": reason}], "usage": usage});
        for (body, expected) in [
            (
                answer(json!({"content": "", "refusal": null}), json!("length")),
                Err(ErrorKind::CutShort),
            ),
            (
                answer(json!({"content": null, "refusal": "No."}), json!("stop")),
                Err(ErrorKind::Refused),
            ),
            (
                answer(json!({"content": "half"}), json!("content_filter")),
                Err(ErrorKind::Refused),
            ),
            (
                answer(json!({"content": "Certainly!"}), json!("stop")),
                Err(ErrorKind::Malformed),
            ),
            (
                answer(json!({"content": null}), json!("stop")),
                Err(ErrorKind::Malformed),
            ),
            (
                answer(json!({"content": 7}), json!(null)),
                Err(ErrorKind::Malformed),
            ),
            (
                answer(json!("text"), json!("stop")),
                Err(ErrorKind::Malformed),
            ),
            (
                json!({"choices": [], "usage": usage}),
                Err(ErrorKind::Malformed),
            ),
            (
                json!({"choices": "none", "usage": usage}),
                Err(ErrorKind::Malformed),
            ),
            (
                answer(
                    json!({"content": "{\"a\":1}", "refusal": ""}),
                    json!("stop"),
                ),
                Ok(json!({"a": 1})),
            ),
        ] {
            assert_eq!(read(&body), (expected, (900, 8000)), "{body}");
        }
    }

    #[test]
    fn a_price_that_is_missing_or_of_another_type_spoils_no_answer() {
        for usage in [json!(null), json!("dear"), json!({"prompt_tokens": "9"})] {
            let body = json!({"model": null, "choices": [{"message": {"content": "{}"}, "finish_reason": "stop"}], "usage": usage});
            assert_eq!(read(&body), (Ok(json!({})), (0, 0)));
        }
    }

    #[test]
    fn a_picture_that_is_none_has_its_price_too() {
        let usage = json!({"input_tokens": 140, "output_tokens": 1560});
        for data in [
            json!([]),
            json!([{}]),
            json!([{"b64_json": "not base64 !"}]),
            json!([{"b64_json": "AAAA"}]),
            json!([{"b64_json": 7}]),
            json!("none"),
            json!([{"url": "https://example.com/a.png"}]),
        ] {
            let body = json!({"data": data, "usage": usage}).to_string();
            let (read, usage) = picture(body.as_bytes(), "gpt-image-2", "req_2");
            assert_eq!(read.unwrap_err(), ErrorKind::Malformed, "{body}");
            let expected = ("gpt-image-2", 140, 1560);
            let used = (usage.model.as_str(), usage.input_units, usage.output_units);
            assert_eq!(used, expected, "{body}");
        }
        let (read, usage) = picture(b"{\"data\":[{\"b64_json\":\"iVBO", "gpt-image-2", "req_3");
        assert!(read.is_err());
        assert_eq!(usage.request_id, "req_3");
    }
}
