//! Settings of the content agent.

use crate::prices::Prices;
use domain::traits::Trait;
use providers::{CallTimeouts, ElevenLabsConfig, OpenAiConfig};
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

/// Everything that is read before the first event.
#[derive(Clone, Debug)]
pub struct Config {
    /// `JOB_LEASE_SECONDS`, default 60.
    pub lease: Duration,
    /// `MAX_JOBS_IN_FLIGHT`, default 1000.
    pub max_jobs_in_flight: u32,
    /// `ASSET_WORKER_FUNCTION`: who is woken for what this invocation does not take on itself.
    pub asset_worker: String,
    /// `TIMEOUT_HANDLER_FUNCTION`: who sends a notice when a story ends here; nobody without `EMAIL_FROM`.
    pub notice_sender: Option<String>,
    /// `IMAGE_FALLBACK`, default `placeholder`.
    pub image_fallback: ImageFallback,
    /// `IMAGE_CHECK_SKIPS`: traits the check of pictures leaves out.
    pub unchecked_traits: Vec<Trait>,
    /// `OPENAI_IMAGE_MODELS`: a picture of other models is another picture.
    pub image_models: Vec<String>,
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
        let unchecked = variables.list_or(env::IMAGE_CHECK_SKIPS, "");
        let unchecked_traits = unchecked
            .iter()
            .map(|code| Trait::parse(code))
            .collect::<Result<_, _>>();
        Ok(Self {
            lease: variables.lease()?,
            max_jobs_in_flight: variables.max_jobs_in_flight()?,
            asset_worker: variables.required(env::ASSET_WORKER_FUNCTION)?.to_owned(),
            notice_sender: variables.notice_sender(),
            image_fallback: variables.parsed_or(env::IMAGE_FALLBACK, ImageFallback::Placeholder)?,
            unchecked_traits: unchecked_traits.map_err(|error| SettingError::Invalid {
                name: env::IMAGE_CHECK_SKIPS,
                problem: error.to_string(),
            })?,
            image_models: image_models(variables),
            prices: Prices::from_variables(variables)?,
        })
    }
}

pub(crate) fn text_models(variables: &Variables) -> Vec<String> {
    variables.list_or(env::OPENAI_TEXT_MODEL, "gpt-5.2")
}

pub(crate) fn analysis_models(variables: &Variables) -> Vec<String> {
    variables.list_or(env::OPENAI_ANALYSIS_MODEL, "gpt-5.2")
}

pub(crate) fn speech_model(variables: &Variables) -> &str {
    variables
        .optional(env::ELEVENLABS_MODEL)
        .unwrap_or("eleven_multilingual_v2")
}

pub(crate) fn image_models(variables: &Variables) -> Vec<String> {
    variables.list_or(
        env::OPENAI_IMAGE_MODELS,
        "gpt-image-2.5-sunburst,gpt-image-2",
    )
}

/// `PROVIDER_TRY_SECONDS` and `PROVIDER_PROBE_SECONDS`.
fn timeouts(variables: &Variables) -> Result<CallTimeouts, SettingError> {
    let CallTimeouts {
        try_max,
        probe_after,
    } = CallTimeouts::default();
    let seconds = |name, default: Duration| {
        variables
            .parsed_or(name, default.as_secs())
            .map(Duration::from_secs)
    };
    Ok(CallTimeouts {
        try_max: seconds(env::PROVIDER_TRY_SECONDS, try_max)?,
        probe_after: seconds(env::PROVIDER_PROBE_SECONDS, probe_after)?,
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
        image_models: image_models(variables),
        timeouts: timeouts(variables)?,
    })
}

/// The ElevenLabs account, model and default voice.
pub(crate) fn elevenlabs(variables: &Variables) -> Result<ElevenLabsConfig, SettingError> {
    let default_url: Url = "https://api.elevenlabs.io".parse().expect("a valid URL");
    Ok(ElevenLabsConfig {
        base_url: variables.parsed_or(env::ELEVENLABS_BASE_URL, default_url)?,
        api_key: variables.secret(env::ELEVENLABS_API_KEY)?,
        model: speech_model(variables).to_owned(),
        default_voice: variables.parsed_optional(env::ELEVENLABS_DEFAULT_VOICE)?,
        timeouts: timeouts(variables)?,
    })
}
