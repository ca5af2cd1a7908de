//! Settings of the content agent.

use crate::{prices::Prices, trait_strictness::TraitStrictness};
use domain::{
    picture_quality::PictureQuality,
    price::{BFL, OPENAI},
    voice::{ConfiguredVoice, DEFAULT_VOICE},
};
use providers::{BflConfig, CallTimeouts, ElevenLabsConfig, OpenAiConfig, PICTURE_TRY, References};
use runtime::{SettingError, Variables, env};
use std::{str::FromStr, time::Duration};
use url::Url;

/// What becomes of a picture that cannot be made (C-07).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageFallback {
    /// Of pictures that did not pass their check but are safe, the one that shows most traits; else a placeholder.
    Best,
    Placeholder,
    Fail,
}

/// Who draws pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImageProvider {
    OpenAi,
    Bfl,
}

impl ImageProvider {
    fn named(name: &str) -> Option<Self> {
        match name {
            "openai" => Some(Self::OpenAi),
            "bfl" => Some(Self::Bfl),
            _ => None,
        }
    }

    /// Its models, as the variables name them, and the variable.
    pub(crate) fn models(self, variables: &Variables) -> (&'static str, Vec<String>) {
        match self {
            Self::OpenAi => {
                let default = "gpt-image-2.5-sunburst,gpt-image-2";
                let models = variables.list_or(env::OPENAI_IMAGE_MODELS, default);
                (env::OPENAI_IMAGE_MODELS, models)
            }
            Self::Bfl => {
                let models = variables.list_or(env::BFL_IMAGE_MODELS, "flux-2-pro");
                (env::BFL_IMAGE_MODELS, models)
            }
        }
    }

    /// As the price list and the ledger name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => OPENAI,
            Self::Bfl => BFL,
        }
    }
}

/// What one picture may take, whoever is asked and however many attempts it takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PictureBudget {
    /// Of tries that fail.
    pub time: Duration,
    /// Of drawing, US dollars.
    pub usd: f64,
}

/// Everything that is read before the first event.
#[derive(Clone, Debug)]
pub struct Config {
    /// `JOB_LEASE_SECONDS`, default 60.
    pub lease: Duration,
    /// `MAX_JOBS_IN_FLIGHT`, default 1000.
    pub max_jobs_in_flight: u32,
    /// `ASSET_WORKER_FUNCTION`: who is woken for what this invocation does not take on itself.
    pub asset_worker: String,
    /// `TIMEOUT_HANDLER_FUNCTION`: who sends a notice when a story ends here.
    pub notice_sender: Option<String>,
    /// `IMAGE_FALLBACK`, default `placeholder`.
    pub image_fallback: ImageFallback,
    /// `IMAGE_CHECK_TRAITS` and `IMAGE_CHECK_SKIPS`: what a picture must show.
    pub trait_strictness: TraitStrictness,
    /// `PICTURE_QUALITY`, default `medium`.
    pub picture_quality: PictureQuality,
    /// `PICTURE_PREVIEWS`: pictures are shown while they are drawn, by models that do; each costs some USD 0.003 more.
    pub shows_previews: bool,
    /// `PICTURE_TRIES`: pictures that are drawn for one wish until one passes its check, default 3 (S1-073).
    pub picture_tries: u32,
    /// Of all who draw: a picture of other models is another picture.
    pub image_models: Vec<String>,
    /// `PICTURE_BUDGET_SECONDS` and `PICTURE_BUDGET_USD`, default 240 and 0.12.
    pub picture_budget: PictureBudget,
    /// `STAND_IN_NAMES`: providers, but for who reads aloud, never hear what a character is called.
    pub hides_names: bool,
    /// `KEEP_EXCHANGES`: what providers were asked and answered is kept beside a story's files.
    pub keeps_exchanges: bool,
    /// What calls of the configured models cost.
    pub prices: Prices,
}

impl FromStr for ImageFallback {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "best" => Ok(Self::Best),
            "placeholder" => Ok(Self::Placeholder),
            "fail" => Ok(Self::Fail),
            _ => Err("it must be best, placeholder or fail"),
        }
    }
}

impl Config {
    pub fn from_variables(variables: &Variables) -> Result<Self, SettingError> {
        let prices = Prices::from_variables(variables)?;
        let picture_usd = variables.parsed_or(env::PICTURE_BUDGET_USD, 0.12)?;
        let least_usd = prices.least_picture_usd(None, &References::None);
        if picture_usd < least_usd {
            return Err(SettingError::Invalid {
                name: env::PICTURE_BUDGET_USD,
                problem: format!("one picture costs {least_usd:.3} in this quality"),
            });
        }
        let picture_tries = variables.parsed_or(env::PICTURE_TRIES, 3)?;
        if !(1..=PICTURE_TRIES_MAX).contains(&picture_tries) {
            return Err(SettingError::Invalid {
                name: env::PICTURE_TRIES,
                problem: format!("it must be 1 to {PICTURE_TRIES_MAX}"),
            });
        }
        Ok(Self {
            lease: variables.lease()?,
            max_jobs_in_flight: variables.max_jobs_in_flight()?,
            asset_worker: variables.required(env::ASSET_WORKER_FUNCTION)?.to_owned(),
            notice_sender: variables.notice_sender(),
            image_fallback: variables.parsed_or(env::IMAGE_FALLBACK, ImageFallback::Placeholder)?,
            trait_strictness: TraitStrictness::from_variables(variables)?,
            picture_quality: picture_quality(variables)?,
            shows_previews: shows_previews(variables)?,
            picture_tries,
            image_models: image_providers(variables)?
                .into_iter()
                .flat_map(|provider| provider.models(variables).1)
                .collect(),
            picture_budget: PictureBudget {
                time: seconds(
                    variables,
                    env::PICTURE_BUDGET_SECONDS,
                    Duration::from_secs(240),
                )?,
                usd: picture_usd,
            },
            hides_names: variables.parsed_or(env::STAND_IN_NAMES, false)?,
            keeps_exchanges: variables.parsed_or(env::KEEP_EXCHANGES, true)?,
            prices,
        })
    }
}

/// A wish that six pictures do not meet is not met by a seventh.
const PICTURE_TRIES_MAX: u32 = 6;

pub(crate) fn picture_quality(variables: &Variables) -> Result<PictureQuality, SettingError> {
    variables.parsed_or(env::PICTURE_QUALITY, PictureQuality::default())
}

pub(crate) fn shows_previews(variables: &Variables) -> Result<bool, SettingError> {
    variables.parsed_or(env::PICTURE_PREVIEWS, false)
}

pub(crate) fn text_models(variables: &Variables) -> Vec<String> {
    variables.list_or(env::OPENAI_TEXT_MODEL, "gpt-5.2")
}

pub(crate) fn analysis_models(variables: &Variables) -> Vec<String> {
    variables.list_or(env::OPENAI_ANALYSIS_MODEL, "gpt-5.2")
}

/// The provider's id of the voice that reads where nobody chose one, as far as the settings say.
pub(crate) fn default_voice(variables: &Variables) -> String {
    let configured: Option<ConfiguredVoice> = variables
        .parsed_optional(env::ELEVENLABS_DEFAULT_VOICE)
        .unwrap_or_default();
    let configured = configured.as_ref().map(ConfiguredVoice::id);
    configured.unwrap_or(DEFAULT_VOICE).to_owned()
}

pub(crate) fn speech_models(variables: &Variables) -> Vec<String> {
    variables.list_or(env::ELEVENLABS_MODEL, "eleven_multilingual_v2")
}

/// `IMAGE_PROVIDERS` in their order, but for those nobody has a key of.
///
/// # Errors
/// When one of them is unknown, or nobody is left.
pub(crate) fn image_providers(variables: &Variables) -> Result<Vec<ImageProvider>, SettingError> {
    let invalid = |problem: String| SettingError::Invalid {
        name: env::IMAGE_PROVIDERS,
        problem,
    };
    let mut providers = Vec::new();
    for name in variables.list_or(env::IMAGE_PROVIDERS, "openai,bfl") {
        let provider = ImageProvider::named(&name)
            .ok_or_else(|| invalid(format!("`{name}` is neither openai nor bfl")))?;
        let has_key =
            provider == ImageProvider::OpenAi || variables.optional(env::BFL_API_KEY).is_some();
        if has_key && !providers.contains(&provider) {
            providers.push(provider);
        }
    }
    if providers.is_empty() {
        return Err(invalid(format!("{} is not set", env::BFL_API_KEY)));
    }
    Ok(providers)
}

fn seconds(
    variables: &Variables,
    name: &'static str,
    default: Duration,
) -> Result<Duration, SettingError> {
    let seconds = variables.parsed_or(name, default.as_secs())?;
    Ok(Duration::from_secs(seconds))
}

/// `PROVIDER_TRY_SECONDS` and `PROVIDER_PROBE_SECONDS`.
fn timeouts(variables: &Variables) -> Result<CallTimeouts, SettingError> {
    let CallTimeouts {
        try_max,
        probe_after,
    } = CallTimeouts::default();
    Ok(CallTimeouts {
        try_max: seconds(variables, env::PROVIDER_TRY_SECONDS, try_max)?,
        probe_after: seconds(variables, env::PROVIDER_PROBE_SECONDS, probe_after)?,
    })
}

/// The OpenAI account and models, as the variables name them.
pub(crate) fn openai(variables: &Variables) -> Result<OpenAiConfig, SettingError> {
    let default_url: Url = "https://api.openai.com/v1".parse().expect("a valid URL");
    Ok(OpenAiConfig {
        base_url: variables.parsed_or(env::OPENAI_BASE_URL, default_url)?,
        api_key: variables.secret(env::OPENAI_API_KEY)?,
        text_models: text_models(variables),
        analysis_models: analysis_models(variables),
        image_models: ImageProvider::OpenAi.models(variables).1,
        picture_quality: picture_quality(variables)?,
        picture_try: seconds(variables, env::PICTURE_TRY_SECONDS, PICTURE_TRY)?,
        timeouts: timeouts(variables)?,
    })
}

/// The account of Black Forest Labs and its models.
pub(crate) fn bfl(variables: &Variables) -> Result<BflConfig, SettingError> {
    let default_url: Url = "https://api.eu.bfl.ai".parse().expect("a valid URL");
    Ok(BflConfig {
        base_url: variables.parsed_or(env::BFL_BASE_URL, default_url)?,
        api_key: variables.secret(env::BFL_API_KEY)?,
        image_models: ImageProvider::Bfl.models(variables).1,
        picture_try: seconds(variables, env::PICTURE_TRY_SECONDS, PICTURE_TRY)?,
        timeouts: timeouts(variables)?,
    })
}

/// The ElevenLabs account, model and default voice.
pub(crate) fn elevenlabs(variables: &Variables) -> Result<ElevenLabsConfig, SettingError> {
    let default_url: Url = "https://api.elevenlabs.io".parse().expect("a valid URL");
    Ok(ElevenLabsConfig {
        base_url: variables.parsed_or(env::ELEVENLABS_BASE_URL, default_url)?,
        api_key: variables.secret(env::ELEVENLABS_API_KEY)?,
        models: speech_models(variables),
        default_voice: variables.parsed_optional(env::ELEVENLABS_DEFAULT_VOICE)?,
        timeouts: timeouts(variables)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn providers<const N: usize>(
        settings: [(&str, &str); N],
    ) -> Result<Vec<ImageProvider>, String> {
        let variables = Variables::from_pairs(settings);
        image_providers(&variables).map_err(|error| error.to_string())
    }

    #[test]
    fn a_second_provider_of_pictures_is_asked_once_it_has_a_key_and_in_the_order_that_is_set() {
        let key = ("BFL_API_KEY", "k");
        let (openai, bfl) = (ImageProvider::OpenAi, ImageProvider::Bfl);
        assert_eq!(providers([]), Ok(vec![openai]));
        assert_eq!(providers([key]), Ok(vec![openai, bfl]));
        let turned = ("IMAGE_PROVIDERS", "bfl, openai");
        assert_eq!(providers([key, turned]), Ok(vec![bfl, openai]));
        assert_eq!(providers([turned]), Ok(vec![openai]));
        for wrong in ["bfl", "openai,dall-e"] {
            let problem = providers([("IMAGE_PROVIDERS", wrong)]).expect_err("a refusal");
            assert!(problem.starts_with("IMAGE_PROVIDERS"), "{problem}");
        }
    }
}
