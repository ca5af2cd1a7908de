//! What an image order may ask of which model. Of what the real service takes, that is what the functions ask for.

use serde_json::Value;

use super::errors::{ApiError, is_listed, refuse_unknown_members};
use super::models::{self, Makes};

const PROMPT_CHARACTERS_MAX: usize = 32_000;

/// A checked request for a picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PictureOrder {
    pub(crate) prompt: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) quality: String,
    /// Of an answer that comes in events: how often it is shown before it is done.
    pub(crate) previews: Option<u64>,
}

impl PictureOrder {
    /// Reads the members that generations and edits share.
    ///
    /// # Errors
    /// 400 for a parameter the model does not take, 404 for a model that is gone.
    pub(crate) fn read(request: &Value, known: &str) -> Result<Self, ApiError> {
        refuse_unknown_members(request, known)?;
        let model = models::named_in(request)?;
        if model.makes != Makes::Images {
            return Err(ApiError::of("no_image_model", &[&model.id]));
        }
        one_of(request, "output_format", "png", "png")?;
        if request["n"].as_u64().is_some_and(|count| count != 1) {
            return Err(ApiError::of("answers_once", &[]));
        }
        let (width, height) = size(request)?;
        Ok(PictureOrder {
            prompt: prompt(request)?,
            width,
            height,
            quality: one_of(request, "quality", "medium high", "medium")?,
            previews: previews(request)?,
        })
    }
}

fn previews(request: &Value) -> Result<Option<u64>, ApiError> {
    let wanted = request["partial_images"].as_u64().unwrap_or_default();
    if wanted > 3 {
        return Err(ApiError::invalid_value("partial_images", "4", "0 1 2 3"));
    }
    match &request["stream"] {
        Value::Null => Ok(None),
        Value::Bool(streams) => Ok(streams.then_some(wanted)),
        _ => Err(ApiError::invalid_type("stream", "true or false")),
    }
}

fn prompt(request: &Value) -> Result<String, ApiError> {
    let prompt = request["prompt"].as_str().unwrap_or_default();
    if prompt.trim().is_empty() {
        return Err(ApiError::missing_parameter("prompt"));
    }
    let length = prompt.chars().count();
    if length > PROMPT_CHARACTERS_MAX {
        return Err(ApiError::of(
            "long_prompt",
            &[&PROMPT_CHARACTERS_MAX, &length],
        ));
    }
    Ok(prompt.to_owned())
}

fn one_of(request: &Value, name: &str, supported: &str, default: &str) -> Result<String, ApiError> {
    match request.get(name) {
        None | Some(Value::Null) => Ok(default.to_owned()),
        Some(Value::String(value)) if is_listed(supported, value) => Ok(value.clone()),
        Some(Value::String(value)) => Err(ApiError::invalid_value(name, value, supported)),
        Some(_) => Err(ApiError::invalid_type(name, "a string")),
    }
}

fn size(request: &Value) -> Result<(u32, u32), ApiError> {
    let name = request["size"].as_str().unwrap_or("1024x1024");
    let parsed = name
        .split_once('x')
        .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    parsed
        .filter(|size| is_allowed_size(*size))
        .ok_or_else(|| ApiError::of("invalid_size", &[&name]))
}

fn is_allowed_size((width, height): (u32, u32)) -> bool {
    let (long, short) = (width.max(height), width.min(height));
    short > 0
        && width % 16 == 0
        && height % 16 == 0
        && long <= short * 3
        && long <= 3840
        && short <= 2160
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn order(extra: Value) -> Result<PictureOrder, ApiError> {
        let mut request = json!({ "model": "gpt-image-2.5-flare", "prompt": "a fox" });
        for (name, value) in extra.as_object().unwrap() {
            request[name] = value.clone();
        }
        PictureOrder::read(
            &request,
            "model n output_format partial_images prompt quality size stream",
        )
    }

    #[test]
    fn sizes_follow_the_rules_of_the_model() {
        assert_eq!(order(json!({ "size": "1600x896" })).unwrap().width, 1600);
        for size in ["1000x1000", "4096x1024", "1024x256", "big"] {
            assert_eq!(
                order(json!({ "size": size })).unwrap_err().param.as_deref(),
                Some("size"),
                "{size}"
            );
        }
    }

    #[test]
    fn parameters_of_the_dead_models_are_unknown_here() {
        for name in ["response_format", "style"] {
            assert_eq!(
                order(json!({ name: "url" })).unwrap_err().code.as_deref(),
                Some("unknown_parameter")
            );
        }
    }

    #[test]
    fn a_prompt_over_the_limit_is_refused() {
        let error = order(json!({ "prompt": "x".repeat(32_001) })).unwrap_err();
        assert_eq!(error.code.as_deref(), Some("string_above_max_length"));
        assert!(order(json!({ "prompt": "é".repeat(32_000) })).is_ok());
    }

    #[test]
    fn one_picture_is_drawn_and_as_png() {
        assert!(order(json!({ "n": 1, "output_format": "png" })).is_ok());
        assert!(order(json!({ "n": 2 })).is_err());
        assert!(order(json!({ "output_format": "jpeg" })).is_err());
        let shown = |extra| order(extra).map(|order| order.previews).ok();
        let streamed = json!({ "stream": true, "partial_images": 1 });
        assert_eq!(shown(streamed), Some(Some(1)));
        assert_eq!(shown(json!({ "stream": true, "partial_images": 4 })), None);
    }
}
