//! OpenAI: chat completions with structured output, image generations and edits.
//! Wire facts: the public OpenAPI document of the provider and its Python SDK.

use crate::{
    Billed, ErrorKind, PictureBytes, PictureCall, PictureModel, ProviderError, References,
    TextCall, TextModel, TextModelRole,
    answer::{Answer, Endpoint},
    breaker::{Breaker, Patience},
};
use base64::{
    Engine,
    engine::DecodePaddingMode,
    engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig},
};
use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{borrow::Cow, fmt, time::Duration};
use url::Url;

const PROVIDER: &str = "OpenAI";
/// Pictures commonly take half a minute; a try that takes longer than this is given up.
const PICTURE_TIMEOUT: Duration = Duration::from_secs(150);
const TEXT_TIMEOUT: Duration = Duration::from_secs(120);
const TEXT_BYTES_MAX: usize = 1 << 20;
const PICTURE_BYTES_MAX: usize = 32 << 20;
/// Longest prompt a picture model takes, in characters.
const PROMPT_CHARS_MAX: usize = 32_000;

/// Account and models.
#[derive(Clone)]
pub struct OpenAiConfig {
    pub base_url: Url,
    pub api_key: String,
    pub text_model: String,
    pub analysis_model: String,
    /// Tried in order when one is retired.
    pub image_models: Vec<String>,
    pub patience: Patience,
}

/// The account, ready to call.
#[derive(Clone)]
pub struct OpenAi {
    config: OpenAiConfig,
    http: reqwest::Client,
    breaker: Breaker,
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenAi")
    }
}

#[derive(Deserialize)]
struct ErrorEnvelope {
    error: ErrorBody,
}

#[derive(Deserialize)]
struct ErrorBody {
    code: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Completion {
    model: String,
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    refusal: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Usage {
    #[serde(alias = "input_tokens")]
    prompt_tokens: u64,
    #[serde(alias = "output_tokens")]
    completion_tokens: u64,
}

#[derive(Deserialize)]
struct Pictures<'a> {
    #[serde(borrow)]
    data: Vec<PictureData<'a>>,
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
struct PictureData<'a> {
    /// Some 3 MB, and no character of base64 is ever escaped: read where it lies.
    #[serde(borrow)]
    b64_json: Cow<'a, str>,
}

/// Billing codes first: 429 means wait, or it means no money, and only the code tells.
fn classify(status: u16, body: &[u8]) -> (ErrorKind, Option<String>) {
    let error = serde_json::from_slice::<ErrorEnvelope>(body)
        .ok()
        .map(|envelope| envelope.error);
    let kind = error
        .as_ref()
        .and_then(|error| error.kind.clone())
        .unwrap_or_default();
    let code = error.and_then(|error| error.code);
    let meaning = match (code.as_deref(), kind.as_str(), status) {
        (
            Some(
                "insufficient_quota"
                | "credit_balance_exhausted"
                | "organization_spend_limit_exceeded"
                | "project_spend_limit_exceeded"
                | "organization_usage_limit_exceeded"
                | "billing_hard_limit_reached",
            ),
            ..,
        )
        | (_, "insufficient_quota" | "billing_limit_user_error", _) => ErrorKind::OutOfCredits,
        (Some("moderation_blocked" | "content_policy_violation"), ..) => ErrorKind::Refused,
        (Some("model_not_found"), ..) => ErrorKind::ModelGone,
        (Some("invalid_api_key"), ..) | (.., 401 | 403) => ErrorKind::BadCredentials,
        (.., 429) => ErrorKind::RateLimited { retry_after: None },
        (.., 408 | 409) | (.., 500..) => ErrorKind::Unavailable,
        (.., 404) => ErrorKind::ModelGone,
        _ => ErrorKind::Invalid,
    };
    (meaning, code)
}

impl OpenAi {
    pub fn new(config: OpenAiConfig, http: reqwest::Client) -> Self {
        let breaker = Breaker::new(PROVIDER, config.patience);
        Self {
            config,
            http,
            breaker,
        }
    }

    fn endpoint(&self, attempted: &'static str, timeout: Duration, bytes_max: usize) -> Endpoint {
        Endpoint {
            provider: PROVIDER,
            attempted,
            timeout: timeout.min(self.config.patience.try_max),
            breaker: self.breaker.clone(),
            bytes_max,
            classify,
        }
    }

    fn post(&self, path: &str) -> reqwest::RequestBuilder {
        let base = self.config.base_url.as_str().trim_end_matches('/');
        self.http
            .post(format!("{base}/{path}"))
            .bearer_auth(&self.config.api_key)
    }

    async fn draw_with(
        &self,
        model: &str,
        call: &PictureCall,
    ) -> Result<(PictureBytes, Billed), ProviderError> {
        let endpoint = self.endpoint("draw a picture", PICTURE_TIMEOUT, PICTURE_BYTES_MAX);
        let prompt: String = call.prompt.chars().take(PROMPT_CHARS_MAX).collect();
        let body = json!({"model": model, "prompt": prompt, "n": 1, "size": "1024x1024", "quality": "medium", "output_format": "png"});
        let answer = endpoint
            .send(call.deadline, || match &call.references {
                References::None => self.post("images/generations").json(&body),
                References::Urls(urls) => {
                    let images: Vec<_> = urls.iter().map(|url| json!({"image_url": url})).collect();
                    let mut body = body.clone();
                    body["images"] = images.into();
                    self.post("images/edits").json(&body)
                }
                References::Picture(picture) => self
                    .post("images/edits")
                    .multipart(edit_form(&body, picture)),
            })
            .await?;
        read_picture(&endpoint, model, &answer)
    }
}

/// The multipart form of an edit; the file needs a name and its true type.
fn edit_form(fields: &Value, picture: &PictureBytes) -> Form {
    let file = Part::stream(picture.bytes().clone())
        .file_name("reference.png")
        .mime_str("image/png")
        .expect("a valid media type");
    let mut form = Form::new().part("image[]", file);
    for (name, value) in fields.as_object().into_iter().flatten() {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        form = form.text(name.clone(), value);
    }
    form
}

fn read_picture(
    endpoint: &Endpoint,
    model: &str,
    answer: &Answer,
) -> Result<(PictureBytes, Billed), ProviderError> {
    // Whatever the padding: a picture that was paid for is not thrown away for it.
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let pictures: Pictures<'_> =
        serde_json::from_slice(&answer.body).map_err(|_| endpoint.malformed())?;
    let encoded = &pictures
        .data
        .first()
        .ok_or_else(|| endpoint.malformed())?
        .b64_json;
    let bytes = LENIENT
        .decode(encoded.trim())
        .map_err(|_| endpoint.malformed())?;
    let picture = PictureBytes::parse(bytes.into()).map_err(|_| endpoint.malformed())?;
    let billed = Billed {
        model: model.to_owned(),
        input_units: pictures.usage.prompt_tokens,
        output_units: pictures.usage.completion_tokens,
        request_id: answer.header("x-request-id").to_owned(),
    };
    Ok((picture, billed))
}

/// The data in delimiters: what stands between them is material, whatever it says.
fn user_content(call: &TextCall) -> Value {
    let text = format!(
        "<request>\n{}\n</request>",
        call.data.to_string().replace('<', "\\u003c")
    );
    match &call.picture {
        None => Value::from(text),
        Some(picture) => {
            let encoded = base64::engine::general_purpose::STANDARD.encode(picture);
            json!([{"type": "text", "text": text},
                {"type": "image_url", "image_url": {"url": format!("data:image/jpeg;base64,{encoded}"), "detail": "low"}}])
        }
    }
}

fn read_completion(endpoint: &Endpoint, answer: &Answer) -> Result<(Value, Billed), ProviderError> {
    let completion: Completion =
        domain::sanitize::from_slice(&answer.body).map_err(|_| endpoint.malformed())?;
    let choice = completion
        .choices
        .first()
        .ok_or_else(|| endpoint.malformed())?;
    let refused = choice.message.refusal.is_some()
        || choice.finish_reason.as_deref() == Some("content_filter");
    if refused {
        return Err(ProviderError::new(
            PROVIDER,
            endpoint.attempted,
            ErrorKind::Refused,
        ));
    }
    if choice.finish_reason.as_deref() != Some("stop") {
        return Err(endpoint.malformed());
    }
    let content = choice
        .message
        .content
        .as_deref()
        .ok_or_else(|| endpoint.malformed())?;
    let value = domain::sanitize::parse_answer(content).map_err(|_| endpoint.malformed())?;
    let billed = Billed {
        model: completion.model,
        input_units: completion.usage.prompt_tokens,
        output_units: completion.usage.completion_tokens,
        request_id: answer.header("x-request-id").to_owned(),
    };
    Ok((value, billed))
}

#[async_trait::async_trait]
impl TextModel for OpenAi {
    async fn ask(&self, call: &TextCall) -> Result<(Value, Billed), ProviderError> {
        let endpoint = self.endpoint("write a text", TEXT_TIMEOUT, TEXT_BYTES_MAX);
        let model = match call.model {
            TextModelRole::Story => &self.config.text_model,
            TextModelRole::Analysis => &self.config.analysis_model,
        };
        let body = json!({
            "model": model,
            "messages": [
                {"role": "developer", "content": call.instructions},
                {"role": "user", "content": user_content(call)},
            ],
            "response_format": {"type": "json_schema",
                "json_schema": {"name": call.name, "strict": true, "schema": call.schema}},
            "max_completion_tokens": 8000,
            "store": false,
        });
        let answer = endpoint
            .send(call.deadline, || self.post("chat/completions").json(&body))
            .await?;
        read_completion(&endpoint, &answer)
    }
}

#[async_trait::async_trait]
impl PictureModel for OpenAi {
    async fn draw(&self, call: &PictureCall) -> Result<(PictureBytes, Billed), ProviderError> {
        let mut last = ProviderError::new(PROVIDER, "draw a picture", ErrorKind::ModelGone);
        for model in &self.config.image_models {
            tracing::info!(model, "Trying {model}...");
            match self.draw_with(model, call).await {
                Err(error) if error.kind == ErrorKind::ModelGone => {
                    tracing::error!(model, error = %error, "{model} failed: it is retired or unknown, trying the next");
                    last = error;
                }
                done => return done,
            }
        }
        Err(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_status_means_wait_or_no_money_by_its_code() {
        let kind = |status, body: &str| classify(status, body.as_bytes()).0;
        assert_eq!(
            kind(
                429,
                r#"{"error":{"code":"insufficient_quota","type":"insufficient_quota"}}"#
            ),
            ErrorKind::OutOfCredits
        );
        assert_eq!(
            kind(
                429,
                r#"{"error":{"code":null,"type":"insufficient_quota"}}"#
            ),
            ErrorKind::OutOfCredits
        );
        assert_eq!(
            kind(
                429,
                r#"{"error":{"code":"rate_limit_exceeded","type":"requests"}}"#
            ),
            ErrorKind::RateLimited { retry_after: None }
        );
        assert_eq!(
            kind(
                400,
                r#"{"error":{"code":"moderation_blocked","type":"image_generation_user_error"}}"#
            ),
            ErrorKind::Refused
        );
        assert_eq!(
            kind(
                404,
                r#"{"error":{"code":"model_not_found","type":"invalid_request_error"}}"#
            ),
            ErrorKind::ModelGone
        );
        assert_eq!(
            kind(502, "<html>bad gateway</html>"),
            ErrorKind::Unavailable
        );
        assert_eq!(kind(401, "{}"), ErrorKind::BadCredentials);
        assert_eq!(kind(400, "{}"), ErrorKind::Invalid);
    }
}
