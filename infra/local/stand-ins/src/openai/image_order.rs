//! What an image order may ask of which model.

use serde_json::Value;
use storyteller::pictures::PictureFormat;

use super::errors::{ApiError, refuse_unknown_members};
use super::models::{self, ImageGeneration, Makes, Model};

const PROMPT_CHARACTERS_MAX: usize = 32_000;
const STANDARD_SIZES: &[&str] = &["1024x1024", "1024x1536", "1536x1024", "auto"];

/// A checked request for pictures.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PictureOrder {
    pub(crate) prompt: String,
    pub(crate) count: u64,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) format: PictureFormat,
    pub(crate) quality: String,
    pub(crate) background: String,
}

impl PictureOrder {
    /// Reads the members that generations and edits share.
    ///
    /// # Errors
    /// 400 for a parameter the model does not take, 404 for a model that is gone.
    pub(crate) fn read(request: &Value, known: &str) -> Result<Self, ApiError> {
        refuse_unknown_members(request, known)?;
        let model = models::named_in(request)?;
        let generation = image_generation(&model)?;
        refuse_dead_parameters(request)?;
        let format = output_format(request)?;
        let background = one_of(
            request,
            "background",
            &["transparent", "opaque", "auto"],
            "auto",
        )?;
        if background == "transparent" && matches!(format, PictureFormat::Jpeg { .. }) {
            return Err(ApiError::of("opaque_jpeg", &[]));
        }
        one_of(request, "moderation", &["auto", "low"], "auto")?;
        let qualities: &[&str] = if generation == ImageGeneration::TwoAndAHalf {
            &["low", "medium", "high", "xhigh", "max", "auto"]
        } else {
            &["low", "medium", "high", "auto"]
        };
        let (width, height) = size(request, generation)?;
        Ok(PictureOrder {
            prompt: prompt(request)?,
            count: whole_number(request, "n", 1, 10)?.unwrap_or(1),
            width,
            height,
            format,
            quality: one_of(request, "quality", qualities, "auto")?,
            background,
        })
    }
}

/// Refuses `input_fidelity` where the model does not take it (edits only).
pub(crate) fn check_input_fidelity(request: &Value) -> Result<(), ApiError> {
    let Some(fidelity) = request.get("input_fidelity").and_then(Value::as_str) else {
        return Ok(());
    };
    match image_generation(&models::named_in(request)?)? {
        ImageGeneration::OneMini if fidelity != "low" => Err(ApiError::invalid_value(
            "input_fidelity",
            fidelity,
            &["low"],
        )),
        ImageGeneration::Two | ImageGeneration::TwoAndAHalf => {
            Err(ApiError::of("no_fidelity", &[]))
        }
        _ => one_of(request, "input_fidelity", &["high", "low"], "low").map(|_| ()),
    }
}

fn image_generation(model: &Model) -> Result<ImageGeneration, ApiError> {
    match model.makes {
        Makes::Images(generation) => Ok(generation),
        _ => Err(ApiError::of("no_image_model", &[&model.id])),
    }
}

fn refuse_dead_parameters(request: &Value) -> Result<(), ApiError> {
    // Both existed for DALL-E and are the classic way to break a migration.
    for name in ["response_format", "style"] {
        if request.get(name).is_some() {
            return Err(ApiError::of("unknown_parameter", &[&name, &name]));
        }
    }
    if request.get("stream") == Some(&Value::Bool(true)) {
        return Err(ApiError::of("no_streamed_picture", &[]));
    }
    Ok(())
}

fn prompt(request: &Value) -> Result<String, ApiError> {
    let prompt = match request.get("prompt") {
        Some(Value::String(prompt)) if !prompt.trim().is_empty() => prompt,
        Some(Value::String(_)) | None => return Err(ApiError::missing_parameter("prompt")),
        Some(_) => return Err(ApiError::invalid_type("prompt", "a string")),
    };
    let length = prompt.chars().count();
    if length > PROMPT_CHARACTERS_MAX {
        return Err(ApiError::of(
            "long_prompt",
            &[&PROMPT_CHARACTERS_MAX, &length],
        ));
    }
    Ok(prompt.clone())
}

fn one_of(
    request: &Value,
    name: &str,
    supported: &[&str],
    default: &str,
) -> Result<String, ApiError> {
    match request.get(name) {
        None | Some(Value::Null) => Ok(default.to_owned()),
        Some(Value::String(value)) if supported.contains(&value.as_str()) => Ok(value.clone()),
        Some(Value::String(value)) => Err(ApiError::invalid_value(name, value, supported)),
        Some(_) => Err(ApiError::invalid_type(name, "a string")),
    }
}

fn whole_number(request: &Value, name: &str, low: u64, high: u64) -> Result<Option<u64>, ApiError> {
    let Some(value) = request.get(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    match value.as_u64() {
        Some(number) if (low..=high).contains(&number) => Ok(Some(number)),
        Some(number) => Err(ApiError::of(
            "out_of_range",
            &[&name, &name, &low, &high, &number],
        )),
        None => Err(ApiError::invalid_type(name, "an integer")),
    }
}

fn output_format(request: &Value) -> Result<PictureFormat, ApiError> {
    let name = one_of(request, "output_format", &["png", "jpeg", "webp"], "png")?;
    let compression = whole_number(request, "output_compression", 0, 100)?;
    if compression.is_some_and(|level| level < 100) && name == "png" {
        return Err(ApiError::of("png_compression", &[]));
    }
    Ok(match name.as_str() {
        "jpeg" => PictureFormat::Jpeg {
            quality: compression.unwrap_or(90).clamp(1, 100) as u8,
        },
        "webp" => PictureFormat::Webp,
        _ => PictureFormat::Png,
    })
}

fn size(request: &Value, generation: ImageGeneration) -> Result<(u32, u32), ApiError> {
    let name = match request.get("size") {
        None | Some(Value::Null) => "auto",
        Some(Value::String(name)) => name,
        Some(_) => return Err(ApiError::invalid_type("size", "a string")),
    };
    if name == "auto" {
        return Ok((1024, 1024));
    }
    let parsed = name
        .split_once('x')
        .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let any_size = matches!(
        generation,
        ImageGeneration::Two | ImageGeneration::TwoAndAHalf
    );
    match parsed {
        Some(size) if STANDARD_SIZES.contains(&name) || (any_size && is_allowed_size(size)) => {
            Ok(size)
        }
        Some(_) if any_size => Err(ApiError::of("invalid_size", &[&name])),
        _ => Err(ApiError::invalid_value("size", name, STANDARD_SIZES)),
    }
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

    const KNOWN: &str =
        "background model output_compression output_format prompt response_format size style";

    fn order(extra: Value) -> Result<PictureOrder, ApiError> {
        let mut request = json!({ "model": "gpt-image-2.5-flare", "prompt": "a fox" });
        for (name, value) in extra.as_object().unwrap() {
            request[name] = value.clone();
        }
        PictureOrder::read(&request, KNOWN)
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
    fn compression_and_transparency_must_fit_the_format() {
        assert!(order(json!({ "output_compression": 80 })).is_err());
        assert!(order(json!({ "output_compression": 80, "output_format": "jpeg" })).is_ok());
        assert!(order(json!({ "background": "transparent", "output_format": "jpeg" })).is_err());
    }

    #[test]
    fn input_fidelity_is_only_for_the_first_models() {
        let request = json!({ "model": "gpt-image-2", "input_fidelity": "high" });
        assert_eq!(
            check_input_fidelity(&request).unwrap_err().param.as_deref(),
            Some("input_fidelity")
        );
    }
}
