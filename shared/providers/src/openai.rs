//! OpenAI: chat completions with structured output, image generations and edits.
//! Wire facts: the public OpenAPI document of the provider and its Python SDK.

mod answers;
mod errors;
mod models;
mod picture_stream;
mod pictures;
mod stream;
mod texts;
#[cfg(test)]
mod wire_tests;

use crate::{
    CallCount, CallTimeouts, CallUsage, ErrorKind, ListedModel, ProviderError,
    answer::{Answer, Endpoint, Listening, Sending},
    breaker::Breaker,
    catalog,
    chain::Chain,
};
use domain::{picture_quality::PictureQuality, price::OPENAI};
use models::Rooms;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use url::Url;

const PROVIDER: &str = "OpenAI";
const LISTING_TIMEOUT: Duration = Duration::from_secs(15);
const LISTING_BYTES_MAX: usize = 4 << 20;

/// Account and models; each list is tried in order.
#[derive(Clone, Debug)]
pub struct OpenAiConfig {
    pub base_url: Url,
    pub api_key: SecretString,
    pub text_models: Vec<String>,
    pub analysis_models: Vec<String>,
    pub image_models: Vec<String>,
    pub picture_quality: PictureQuality,
    /// Longest one try at a picture may take.
    pub picture_try: Duration,
    pub timeouts: CallTimeouts,
}

/// The account, ready to call.
#[derive(Clone)]
pub struct OpenAi {
    config: OpenAiConfig,
    http: reqwest::Client,
    breaker: Breaker,
    story: Arc<Chain>,
    analysis: Arc<Chain>,
    images: Arc<Chain>,
    rooms: Arc<Rooms>,
}

impl std::fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenAi")
    }
}

/// One kind of call to one model.
struct ModelCall<'a> {
    kind: &'static str,
    attempted: &'static str,
    model: &'a str,
    /// Longest one try may take.
    timeout: Duration,
    /// Largest answer that is read.
    bytes_max: usize,
    deadline: Instant,
    /// Another model is asked if this one fails.
    has_stand_in: bool,
    sent: CallCount,
    /// The fields of a body that is a form.
    fields: Option<&'a Value>,
}

/// What an answer holds or what is wrong with it, from its body, the model that was asked and the call's id; and what it
/// is billed, in both cases.
type Read<T> = fn(&[u8], &str, &str) -> (Result<T, ErrorKind>, CallUsage);

impl OpenAi {
    pub fn new(config: OpenAiConfig, http: reqwest::Client) -> Self {
        let chain = |noun, models: &[String]| Arc::new(Chain::new(noun, models));
        Self {
            breaker: Breaker::new(PROVIDER, config.timeouts),
            story: chain("text", &config.text_models),
            analysis: chain("text", &config.analysis_models),
            images: chain("image", &config.image_models),
            rooms: Arc::default(),
            config,
            http,
        }
    }

    fn post(&self, path: &str) -> reqwest::RequestBuilder {
        let base = self.config.base_url.as_str().trim_end_matches('/');
        self.http
            .post(format!("{base}/{path}"))
            .bearer_auth(self.config.api_key.expose_secret())
    }

    /// The models of the account, `GET /models`. Nothing is billed for it.
    ///
    /// # Errors
    /// When the list cannot be had or read.
    pub async fn list_models(&self, deadline: Instant) -> Result<Vec<ListedModel>, ProviderError> {
        let endpoint = Endpoint {
            provider: PROVIDER,
            kind: "models",
            model: None,
            attempted: "list its models",
            timeout: LISTING_TIMEOUT.min(self.config.timeouts.try_max),
            breaker: self.breaker.clone(),
            bytes_max: LISTING_BYTES_MAX,
            classify: errors::classify,
        };
        let base = self.config.base_url.as_str().trim_end_matches('/');
        let key = self.config.api_key.expose_secret();
        let request = || self.http.get(format!("{base}/models")).bearer_auth(key);
        let answer = endpoint.send(deadline, request).await?;
        let listing = serde_json::from_slice::<Value>(&answer.body);
        let listed = listing.map(|listing| catalog::read(&listing["data"], "id"));
        let listed = listed.ok().filter(|listed| !listed.is_empty());
        endpoint.finish(answer, listed.ok_or(ErrorKind::Malformed))
    }

    /// Asks one model. Whatever is billed is added to `usage`, whether or not its answer can be used.
    async fn call<T>(
        &self,
        call: ModelCall<'_>,
        request: impl Fn() -> reqwest::RequestBuilder,
        read: Read<T>,
        usage: &mut Vec<CallUsage>,
    ) -> Result<T, ProviderError> {
        let (endpoint, answer) = self.send_counting_lost(&call, request, None, usage).await?;
        let id = answer.header("x-request-id");
        let (value, used) = read(&answer.body, call.model, id);
        usage.push(used);
        endpoint.finish(answer, value)
    }

    /// The same as [`Self::send`]. Answers that began as a success and broke off are billed: that they cost is known, how much is not.
    async fn send_counting_lost(
        &self,
        call: &ModelCall<'_>,
        request: impl Fn() -> reqwest::RequestBuilder,
        listening: Option<Listening<'_, '_>>,
        usage: &mut Vec<CallUsage>,
    ) -> Result<(Endpoint, Answer), ProviderError> {
        let mut lost = Vec::new();
        let sent = self.send(call, request, listening, &mut lost).await;
        usage.extend(lost.into_iter().map(|request_id| CallUsage {
            provider: OPENAI,
            model: call.model.to_owned(),
            request_id,
            ..CallUsage::default()
        }));
        sent
    }

    async fn send(
        &self,
        call: &ModelCall<'_>,
        request: impl Fn() -> reqwest::RequestBuilder,
        listening: Option<Listening<'_, '_>>,
        lost: &mut Vec<String>,
    ) -> Result<(Endpoint, Answer), ProviderError> {
        let endpoint = Endpoint {
            provider: PROVIDER,
            kind: call.kind,
            model: Some(call.model.to_owned()),
            attempted: call.attempted,
            timeout: call.timeout.min(self.config.timeouts.try_max),
            breaker: self.breaker.clone(),
            bytes_max: call.bytes_max,
            classify: errors::classify,
        };
        let sending = Sending {
            deadline: call.deadline,
            has_stand_in: call.has_stand_in,
            listening,
            lost,
            sent: call.sent.clone(),
            fields: call.fields,
        };
        let answer = endpoint.send_to_model(request, sending).await?;
        Ok((endpoint, answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debug_form_of_the_settings_shows_no_key() {
        let config = OpenAiConfig {
            base_url: "https://api.openai.com/v1".parse().expect("a URL"),
            api_key: "sk-very-secret".into(),
            text_models: Vec::new(),
            analysis_models: Vec::new(),
            image_models: Vec::new(),
            picture_quality: PictureQuality::default(),
            picture_try: crate::PICTURE_TRY,
            timeouts: CallTimeouts::default(),
        };
        let printed = format!("{config:?}");
        assert!(printed.contains("api_key"), "{printed}");
        assert!(!printed.contains("sk-very-secret"), "{printed}");
    }
}
