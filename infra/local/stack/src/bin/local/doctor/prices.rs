//! Whether every configured model has a price: the content agent does not start with one that has none.

use super::services::{IMAGE_MODELS, TEXT_MODEL};
use domain::price::{CallKind, ELEVENLABS, OPENAI, PriceList};
use std::collections::BTreeMap;

pub(super) const SPEECH_MODEL: &str = "eleven_multilingual_v2";

/// Names the models that have no price, in the list or in `MODEL_PRICES`.
pub(super) fn look_up(variables: &BTreeMap<String, String>) -> Result<(), String> {
    let setting = |name: &str, default: &'static str| {
        let set = variables.get(name).filter(|value| !value.is_empty());
        set.map_or(default, String::as_str).to_owned()
    };
    let prices: PriceList = setting("MODEL_PRICES", "")
        .parse()
        .map_err(|error| format!("MODEL_PRICES: {error}"))?;
    let text = |name| (OPENAI, CallKind::Text, setting(name, TEXT_MODEL));
    let configured = [
        text("OPENAI_TEXT_MODEL"),
        text("OPENAI_ANALYSIS_MODEL"),
        (
            OPENAI,
            CallKind::Picture,
            setting("OPENAI_IMAGE_MODELS", IMAGE_MODELS),
        ),
        (
            ELEVENLABS,
            CallKind::Speech,
            setting("ELEVENLABS_MODEL", SPEECH_MODEL),
        ),
    ];
    let mut unknown = Vec::new();
    for (provider, kind, models) in &configured {
        let models = models
            .split(',')
            .map(str::trim)
            .filter(|model| !model.is_empty());
        let without = models.filter(|model| prices.quote(provider, model, *kind).is_none());
        unknown.extend(without.map(str::to_owned));
    }
    unknown.dedup();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(format!(
        "none known of {}; MODEL_PRICES can give one",
        unknown.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked<const N: usize>(settings: [(&str, &str); N]) -> Result<(), String> {
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        look_up(&BTreeMap::from(settings))
    }

    #[test]
    fn a_model_without_a_price_is_a_problem_until_a_setting_gives_it_one() {
        assert_eq!(looked([]), Ok(()));
        let new = ("OPENAI_IMAGE_MODELS", "gpt-image-2,gpt-image-9");
        let problem = looked([new]).unwrap_err();
        assert!(problem.contains("gpt-image-9") && !problem.contains("gpt-image-2,"));
        assert_eq!(looked([new, ("MODEL_PRICES", "gpt-image-9=0.05")]), Ok(()));
        assert!(looked([("MODEL_PRICES", "free")]).is_err());
    }
}
