//! What calls of the configured models cost. A model without a price is refused before the first event: its calls would
//! count for nothing, and no limit would hold.

use crate::config::{
    analysis_models, image_providers, picture_quality, shows_previews, speech_models, text_models,
};
use domain::price::{CallKind, ELEVENLABS, OPENAI, Price, PriceList, Quote};
use providers::{Bfl, CallUsage, References};
use runtime::{SettingError, Variables, env};

/// The price list, and what is asked for by configuration.
#[derive(Clone, Debug)]
pub struct Prices {
    list: PriceList,
    /// Kind, and what the dearest configured model costs.
    dearest: Vec<(CallKind, Quote)>,
    /// Of the configured models that draw, with their providers.
    pictures: Vec<(&'static str, Quote)>,
    /// What a picture is billed at least in the quality that is asked for, where tokens are.
    picture_tokens: u64,
}

/// Tokens out of a preview (OpenAI's guide to pictures).
const PREVIEW_TOKENS: u64 = 100;

/// Units of a call that two prices are compared by: tokens in and out, credits, or megapixels of a reference and a picture.
const fn typical_units(kind: CallKind) -> (u64, u64) {
    match kind {
        CallKind::Text | CallKind::Speech => (1_500, 2_500),
        CallKind::Picture => (1, 1),
    }
}

impl Prices {
    /// # Errors
    /// Names the setting whose model has no price, in the list or in `MODEL_PRICES`.
    pub(crate) fn from_variables(variables: &Variables) -> Result<Self, SettingError> {
        let text = [
            (env::OPENAI_TEXT_MODEL, text_models(variables)),
            (env::OPENAI_ANALYSIS_MODEL, analysis_models(variables)),
        ];
        let text = text.map(|(name, models)| (OPENAI, CallKind::Text, name, models));
        let mut configured = Vec::from(text);
        for provider in image_providers(variables)? {
            let (name, models) = provider.models(variables);
            configured.push((provider.name(), CallKind::Picture, name, models));
        }
        let voices = speech_models(variables);
        configured.push((ELEVENLABS, CallKind::Speech, env::ELEVENLABS_MODEL, voices));
        let mut prices = Self {
            list: variables.parsed_or(env::MODEL_PRICES, PriceList::default())?,
            dearest: Vec::new(),
            pictures: Vec::new(),
            picture_tokens: picture_tokens(variables)?,
        };
        for (provider, kind, name, models) in configured {
            for model in models {
                let quote = prices.list.quote(provider, &model, kind);
                let quote = quote.ok_or_else(|| SettingError::Invalid {
                    name,
                    problem: format!(
                        "no price of {model} is known; {} can give it one",
                        env::MODEL_PRICES
                    ),
                })?;
                prices.remember_dearest(kind, quote);
                if kind == CallKind::Picture {
                    prices.pictures.push((provider, quote));
                }
            }
        }
        Ok(prices)
    }

    fn remember_dearest(&mut self, kind: CallKind, quote: Quote) {
        let (input, output) = typical_units(kind);
        let usd = |quote: &Quote| quote.price.usd(input, output);
        match self.dearest.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, known)) if usd(known) < usd(&quote) => *known = quote,
            Some(_) => {}
            None => self.dearest.push((kind, quote)),
        }
    }

    /// Of a picture that was drawn.
    pub(crate) fn picture_usd(&self, billed: &CallUsage) -> f64 {
        let quote = self.quote(billed.provider, CallKind::Picture, &billed.model);
        quote.price.usd(billed.input_units, billed.output_units)
    }

    /// What a picture with these references costs at least: of this provider, or of whoever draws cheapest.
    pub(crate) fn least_picture_usd(&self, provider: Option<&str>, references: &References) -> f64 {
        let references = references.count().min(Bfl::REFERENCES_MAX) as u64;
        let known = self.pictures.iter();
        let known = known.filter(|(name, _)| provider.is_none_or(|provider| *name == provider));
        let usd = known.map(|(_, quote)| match quote.price {
            Price::Picture(_) => quote.price.usd(references, self.picture_tokens),
            price => price.usd(references, 1),
        });
        usd.fold(f64::INFINITY, f64::min)
    }

    /// Of the model that answered. One that names itself in a way nobody knows costs what the dearest configured one does.
    pub(crate) fn quote(&self, provider: &str, kind: CallKind, model: &str) -> Quote {
        let known = self.list.quote(provider, model, kind);
        known.unwrap_or_else(|| {
            let mut dearest = self.dearest.iter();
            let of_kind = dearest.find(|(known, _)| *known == kind);
            of_kind.expect("every kind has a configured model").1
        })
    }
}

fn picture_tokens(variables: &Variables) -> Result<u64, SettingError> {
    let picture = picture_quality(variables)?.tokens();
    let preview = match shows_previews(variables)? {
        true => PREVIEW_TOKENS,
        false => 0,
    };
    Ok(picture + preview)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem<const N: usize>(settings: [(&str, &str); N]) -> Option<String> {
        let prices = Prices::from_variables(&Variables::from_pairs(settings));
        prices.err().map(|error| error.to_string())
    }

    #[test]
    fn a_configured_model_without_a_price_is_refused_by_its_setting_s_name() {
        for (name, value) in [
            ("OPENAI_TEXT_MODEL", "gpt-5.2,gpt-9"),
            ("OPENAI_ANALYSIS_MODEL", "gpt-9"),
            ("OPENAI_IMAGE_MODELS", "gpt-image-2,gpt-image-9"),
            ("ELEVENLABS_MODEL", "eleven_v3,eleven_v9"),
        ] {
            let problem = problem([(name, value)]).expect("a refusal");
            assert!(problem.starts_with(name), "{problem}");
            assert!(problem.contains("MODEL_PRICES"), "{problem}");
        }
        assert_eq!(problem([]), None, "the defaults have prices");
        let (key, new) = (("BFL_API_KEY", "k"), ("BFL_IMAGE_MODELS", "flux-9"));
        assert_eq!(problem([new]), None, "nobody asks it");
        assert!(problem([key, new]).is_some_and(|problem| problem.starts_with("BFL_IMAGE_MODELS")));
        assert_eq!(problem([key]), None);
    }

    #[test]
    fn a_setting_gives_a_new_model_its_price() {
        let settings = [
            ("OPENAI_TEXT_MODEL", "gpt-9"),
            ("MODEL_PRICES", "gpt-9=3/30"),
        ];
        assert_eq!(problem(settings), None);
        assert!(problem([("MODEL_PRICES", "gpt-9")]).is_some());
    }

    #[test]
    fn a_finer_picture_costs_as_many_times_more_as_it_has_tokens_and_a_preview_a_tenth() {
        for (settings, cents) in [
            (
                [("PICTURE_QUALITY", "medium"), ("PICTURE_PREVIEWS", "false")],
                3.4,
            ),
            (
                [("PICTURE_QUALITY", "medium"), ("PICTURE_PREVIEWS", "true")],
                3.7,
            ),
            (
                [("PICTURE_QUALITY", "high"), ("PICTURE_PREVIEWS", "false")],
                13.4,
            ),
        ] {
            let prices = Prices::from_variables(&Variables::from_pairs(settings)).expect("prices");
            let usd = prices.least_picture_usd(None, &References::None);
            assert!((usd * 100.0 - cents).abs() < 0.05, "{settings:?}: {usd}");
        }
    }

    #[test]
    fn an_answer_of_a_model_nobody_knows_costs_what_the_dearest_configured_one_does() {
        let variables = Variables::from_pairs([("OPENAI_TEXT_MODEL", "gpt-5-nano,gpt-4o")]);
        let prices = Prices::from_variables(&variables).expect("prices");
        let quote = prices.quote(OPENAI, CallKind::Text, "house-model");
        // That of the analysis model, whose default is the dearest of the three.
        let dearest = Price::Text {
            input: 1.75,
            output: 14.0,
        };
        assert_eq!(quote.price, dearest);
        let known = prices.quote(OPENAI, CallKind::Text, "gpt-5-nano-2025-08-07");
        assert!(known.price.usd(1_000, 0) < quote.price.usd(1_000, 0));
    }
}
