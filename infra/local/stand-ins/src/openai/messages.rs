//! A conversation as far as an answer depends on it, and the answer.

use crate::storyteller::story;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::errors::ApiError;
use super::schema;
use crate::faults::Outcome;

/// A conversation as far as an answer depends on it.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    /// Developer and system messages, joined.
    pub(crate) instructions: String,
    /// User messages, joined.
    pub(crate) asked: String,
    /// Pictures that came with the messages, as bytes.
    pub(crate) pictures: Vec<Vec<u8>>,
    /// Pictures given as a web address; they are not fetched.
    pub(crate) picture_addresses: usize,
}

impl Conversation {
    pub(crate) fn add_text(&mut self, role: &str, text: &str) {
        let target = if role == "user" {
            &mut self.asked
        } else {
            &mut self.instructions
        };
        if !target.is_empty() {
            target.push('\n');
        }
        target.push_str(text);
    }

    /// Takes a picture in the form of a web or `data:` address.
    ///
    /// # Errors
    /// 400 `invalid_image_format`/`invalid_base64_image` when a `data:` address is no picture.
    pub(crate) fn add_picture(&mut self, address: &str, param: &str) -> Result<(), ApiError> {
        if let Some(bytes) = picture_bytes(address, param)? {
            self.pictures.push(bytes);
        } else {
            self.picture_addresses += 1;
        }
        Ok(())
    }

    /// Tokens of the question, at about four characters each and 85 a picture of low detail.
    pub(crate) fn tokens(&self) -> u64 {
        let pictures = self.pictures.len() + self.picture_addresses;
        tokens_of(&self.instructions) + tokens_of(&self.asked) + 85 * pictures as u64 + 7
    }
}

/// The bytes of a `data:` picture; None for a web address.
///
/// # Errors
/// 400 when it is neither, or no picture the service can read.
pub(crate) fn picture_bytes(address: &str, param: &str) -> Result<Option<Vec<u8>>, ApiError> {
    let Some(data) = address.strip_prefix("data:") else {
        if address.starts_with("https://") || address.starts_with("http://") {
            return Ok(None);
        }
        return Err(ApiError::of("invalid_image_url", &[&param, &param]));
    };
    let Some((_, encoded)) = data.split_once(";base64,") else {
        return Err(ApiError::of("invalid_base64", &[&param]));
    };
    let bytes = STANDARD.decode(encoded);
    let bytes = bytes.map_err(|_| ApiError::of("invalid_base64", &[&param]))?;
    if is_picture(&bytes) {
        Ok(Some(bytes))
    } else {
        Err(ApiError::of("unsupported_image", &[&param]))
    }
}

/// Whether the bytes decode as a picture of a format the service reads.
pub(crate) fn is_picture(bytes: &[u8]) -> bool {
    match image::guess_format(bytes) {
        // The decoder for this one is not built in; its two signatures are enough.
        Ok(image::ImageFormat::Gif) => bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a"),
        Ok(_) => image::load_from_memory(bytes).is_ok(),
        Err(_) => false,
    }
}

pub(crate) fn tokens_of(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4)
}

/// What the answer must look like: the name of a task, and its schema.
#[derive(Debug, Clone)]
pub(crate) struct AnswerForm {
    pub(crate) name: String,
    pub(crate) schema: Value,
}

/// How an answer ends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Whole(String),
    /// Cut off by the token limit, perhaps before the first word.
    CutOff(String),
    Refusal(String),
}

impl Answer {
    /// The member of a message that it is, its words, and the reason why they end.
    pub(crate) fn parts(&self) -> (&'static str, &str, &'static str) {
        match self {
            Answer::Whole(text) => ("content", text, "stop"),
            Answer::CutOff(text) => ("content", text, "length"),
            Answer::Refusal(text) => ("refusal", text, "stop"),
        }
    }
}

/// Answers a conversation, playing the outcome drawn for the call.
///
/// # Errors
/// 500 when the storyteller has no answer of the form that was asked for.
pub(crate) fn answer(
    conversation: &Conversation,
    form: &AnswerForm,
    tokens_max: Option<u64>,
    outcome: Outcome,
) -> Result<Answer, ApiError> {
    if matches!(outcome, Outcome::Policy | Outcome::PolicyBare) {
        let refusal = "I'm sorry, but I can't help with that request.";
        return Ok(Answer::Refusal(refusal.into()));
    }
    let AnswerForm { name, schema } = form;
    let (asked, pictures) = (&conversation.asked, &conversation.pictures);
    let mut draft = story::answer(name, asked, pictures, outcome == Outcome::CheckFails);
    // A model writes what it is asked for, whatever else it would know.
    if let (Some(members), Some(wanted)) = (draft.as_object_mut(), schema["properties"].as_object())
    {
        members.retain(|name, _| wanted.contains_key(name));
    }
    schema::check(schema, &draft, schema, "#")
        .map_err(|what| ApiError::of("no_answer", &[name, &what]))?;
    let text = schema::written(schema, &draft);
    let half: String = text.chars().take(text.chars().count() / 2).collect();
    let limit = tokens_max.unwrap_or(u64::MAX);
    Ok(match outcome {
        Outcome::Length => Answer::CutOff(half),
        Outcome::InvalidJson => Answer::Whole(format!("Certainly! Here is the JSON: {half}")),
        // Reasoning counts inside the limit: a tight one leaves nothing for the answer.
        _ if limit <= REASONING_TOKENS => Answer::CutOff(String::new()),
        _ if tokens_of(&text) + REASONING_TOKENS > limit => Answer::CutOff(
            text.chars()
                .take(((limit - REASONING_TOKENS) * 4) as usize)
                .collect(),
        ),
        _ => Answer::Whole(text),
    })
}

/// What the stand-in pretends to think before each answer.
pub(crate) const REASONING_TOKENS: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_address_that_is_no_picture_is_refused() {
        let not_a_picture = format!("data:image/png;base64,{}", STANDARD.encode("hello"));
        let error = picture_bytes(&not_a_picture, "messages").unwrap_err();
        assert_eq!(error.code.as_deref(), Some("invalid_image_format"));
        assert!(picture_bytes("data:image/png;base64,***", "messages").is_err());
    }

    #[test]
    fn a_tight_token_limit_leaves_empty_content() {
        let form = AnswerForm {
            name: "story".into(),
            schema: serde_json::json!({}),
        };
        let answer = answer(&Conversation::default(), &form, Some(10), Outcome::Ok).unwrap();
        assert_eq!(answer, Answer::CutOff(String::new()));
    }
}
