//! Whether every configured model has a price: the content agent does not start with one that has none.

use super::{listed, setting};
use domain::price::{BFL, CallKind, ELEVENLABS, OPENAI, PriceList};
use std::collections::BTreeMap;

/// Names the models that have no price, in the list or in `MODEL_PRICES`.
pub(super) fn look_up(variables: &BTreeMap<String, String>) -> Result<(), String> {
    let prices: PriceList = setting(variables, "MODEL_PRICES")
        .parse()
        .map_err(|error| format!("MODEL_PRICES: {error}"))?;
    let configured = [
        (OPENAI, CallKind::Text, "OPENAI_TEXT_MODEL"),
        (OPENAI, CallKind::Text, "OPENAI_ANALYSIS_MODEL"),
        (OPENAI, CallKind::Picture, "OPENAI_IMAGE_MODELS"),
        (BFL, CallKind::Picture, "BFL_IMAGE_MODELS"),
        (ELEVENLABS, CallKind::Speech, "ELEVENLABS_MODEL"),
    ];
    let mut unknown = Vec::new();
    for (provider, kind, name) in configured {
        let models = listed(setting(variables, name));
        unknown.extend(models.filter(|model| prices.quote(provider, model, kind).is_none()));
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
