//! OpenAI: chat completions with structured output, image generations and edits.
//! Wire facts: the public OpenAPI document of the provider and its Python SDK.

mod answers;
mod errors;
mod models;
#[cfg(test)]
mod wire_tests;

use crate::{
    Billed, ErrorKind, PictureBytes, PictureCall, PictureModel, ProviderError, References,
    TextCall, TextModel, TextModelRole,
    answer::Endpoint,
    breaker::{Breaker, Patience},
    chain::Chain,
};
use base64::Engine;
use models::{Room, Rooms, picture_limits, text_limits};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};
use url::Url;

const PROVIDER: &str = "OpenAI";
/// Pictures commonly take half a minute; a try that takes longer than this is given up.
const PICTURE_TIMEOUT: Duration = Duration::from_secs(150);
const TEXT_TIMEOUT: Duration = Duration::from_secs(120);
const TEXT_BYTES_MAX: usize = 1 << 20;
const PICTURE_BYTES_MAX: usize = 32 << 20;
/// With less time than this left, an answer that was cut short is not asked for again.
const TIME_FOR_MORE_ROOM: Duration = Duration::from_secs(20);

/// Account and models; each list is tried in order.
#[derive(Clone)]
pub struct OpenAiConfig {
    pub base_url: Url,
    pub api_key: String,
    pub text_models: Vec<String>,
    pub analysis_models: Vec<String>,
    pub image_models: Vec<String>,
    pub patience: Patience,
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

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenAi")
    }
}

impl OpenAi {
    pub fn new(config: OpenAiConfig, http: reqwest::Client) -> Self {
        let chain = |noun, models: &[String]| Arc::new(Chain::new(noun, models));
        Self {
            breaker: Breaker::new(PROVIDER, config.patience),
            story: chain("text", &config.text_models),
            analysis: chain("text", &config.analysis_models),
            images: chain("image", &config.image_models),
            rooms: Arc::default(),
            config,
            http,
        }
    }

    fn endpoint(&self, attempted: &'static str, timeout: Duration, bytes_max: usize) -> Endpoint {
        Endpoint {
            provider: PROVIDER,
            attempted,
            timeout: timeout.min(self.config.patience.try_max),
            breaker: self.breaker.clone(),
            bytes_max,
            classify: errors::classify,
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
        has_stand_in: bool,
        billed: &mut Vec<Billed>,
    ) -> Result<PictureBytes, ProviderError> {
        let endpoint = self.endpoint("draw a picture", PICTURE_TIMEOUT, PICTURE_BYTES_MAX);
        let limits = picture_limits(model);
        let prompt: String = call.prompt.chars().take(limits.prompt_chars_max).collect();
        let mut body = json!({"model": model, "prompt": prompt, "n": 1, "size": "1024x1024", "quality": limits.quality});
        let (name, value) = limits.format;
        body[name] = value.into();
        let none = References::None;
        let references = match &call.references {
            _ if limits.references_max == 0 => &none,
            References::Urls(urls) if urls.is_empty() => &none,
            references => references,
        };
        let mut lost = Vec::new();
        let sent = endpoint
            .send_to_model(
                call.deadline,
                || match references {
                    References::None => self.post("images/generations").json(&body),
                    References::Urls(urls) => {
                        let images: Vec<_> = urls
                            .iter()
                            .take(limits.references_max)
                            .map(|url| json!({"image_url": url}))
                            .collect();
                        let mut body = body.clone();
                        body["images"] = images.into();
                        self.post("images/edits").json(&body)
                    }
                    References::Picture(picture) => self
                        .post("images/edits")
                        .multipart(edit_form(&body, picture)),
                },
                has_stand_in,
                &mut lost,
            )
            .await;
        billed.extend(unread(model, lost));
        let answer = sent.map_err(|error| {
            let kind = match (&error.kind, references) {
                // Nothing was sent that could be at fault.
                (ErrorKind::ReferenceUnreadable { .. }, References::None) => ErrorKind::Invalid,
                // Neither code nor parameter: what differs from the calls that succeed is what a user brought along.
                (ErrorKind::Invalid, References::Urls(_)) if error.code.is_none() => {
                    ErrorKind::ReferenceUnreadable { index: None }
                }
                (kind, _) => kind.clone(),
            };
            ProviderError { kind, ..error }
        })?;
        let id = answer.header("x-request-id");
        let (picture, price) = answers::picture(&answer.body, model, id);
        billed.push(price);
        picture.map_err(|kind| endpoint.error(kind))
    }

    /// Asks one model; once more with more room, if its answer was cut short.
    async fn write_with(
        &self,
        model: &str,
        call: &TextCall,
        has_stand_in: bool,
        billed: &mut Vec<Billed>,
    ) -> Result<Value, ProviderError> {
        let limits = text_limits(model);
        let step = self.rooms.known(model, call.name);
        let asked = self.write_once(model, call, limits.room(step), has_stand_in, billed);
        let error = match asked.await {
            Err(error) if error.kind == ErrorKind::CutShort => error,
            done => return done,
        };
        let Some(next) = limits.next_step(step) else {
            return Err(error);
        };
        self.rooms.remember(model, call.name, next);
        if call.deadline.saturating_duration_since(Instant::now()) < TIME_FOR_MORE_ROOM {
            return Err(error);
        }
        let room = limits.room(next);
        tracing::warn!(
            model,
            tokens = room.tokens,
            effort = room.effort,
            "Answer was cut short, asking again with more room"
        );
        let asked = self.write_once(model, call, room, has_stand_in, billed);
        match asked.await {
            Err(again) if again.kind == ErrorKind::CutShort => {
                if let Some(further) = limits.next_step(next) {
                    self.rooms.remember(model, call.name, further);
                }
                Err(again)
            }
            // It takes less than we know of it: the answer that was cut short stays the cause.
            Err(refused) if refused.kind == ErrorKind::Invalid => {
                tracing::error!(model, error = %refused, "{model} refused to be given more room");
                self.rooms.remember(model, call.name, step);
                Err(error)
            }
            done => done,
        }
    }

    async fn write_once(
        &self,
        model: &str,
        call: &TextCall,
        room: Room,
        has_stand_in: bool,
        billed: &mut Vec<Billed>,
    ) -> Result<Value, ProviderError> {
        let endpoint = self.endpoint("write a text", TEXT_TIMEOUT, TEXT_BYTES_MAX);
        let mut body = json!({
            "model": model,
            "messages": [
                {"role": "developer", "content": call.instructions},
                {"role": "user", "content": user_content(call)},
            ],
            "response_format": {"type": "json_schema",
                "json_schema": {"name": call.name, "strict": true, "schema": call.schema}},
            "max_completion_tokens": room.tokens,
            "store": false,
        });
        if let Some(effort) = room.effort {
            body["reasoning_effort"] = effort.into();
        }
        let mut lost = Vec::new();
        let sent = endpoint
            .send_to_model(
                call.deadline,
                || self.post("chat/completions").json(&body),
                has_stand_in,
                &mut lost,
            )
            .await;
        billed.extend(unread(model, lost));
        let answer = sent.map_err(|error| match error.kind {
            // A text has no references; the picture of a check is our own.
            ErrorKind::ReferenceUnreadable { .. } => ProviderError {
                kind: ErrorKind::Invalid,
                ..error
            },
            _ => error,
        })?;
        let id = answer.header("x-request-id");
        let (value, price) = answers::completion(&answer.body, model, id);
        billed.push(price);
        value.map_err(|kind| endpoint.error(kind))
    }
}

/// Answers that began as a success and broke off: what they cost in tokens is not known, that they were billed is.
fn unread(model: &str, request_ids: Vec<String>) -> impl Iterator<Item = Billed> {
    request_ids.into_iter().map(move |request_id| Billed {
        model: model.to_owned(),
        request_id,
        ..Billed::default()
    })
}

/// The multipart form of an edit; the file needs a name and its true type.
fn edit_form(fields: &Value, picture: &PictureBytes) -> Form {
    let format = picture.format();
    let file = Part::stream(picture.bytes().clone())
        .file_name(format!("reference.{}", format.extension()))
        .mime_str(format.media_type())
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

/// The data in delimiters: what stands between them is material, whatever it says.
fn user_content(call: &TextCall) -> Value {
    let escaped = |data: &Value| data.to_string().replace('<', "\\u003c");
    let mut text = format!("<request>\n{}\n</request>", escaped(&call.data));
    if let Some(problem) = &call.correction {
        text.push_str("\nAn earlier answer to this could not be used. What was wrong with it stands between <problem> tags; avoid it.\n<problem>\n");
        text.push_str(&escaped(&Value::from(problem.as_str())));
        text.push_str("\n</problem>");
    }
    match &call.picture {
        None => Value::from(text),
        Some(picture) => {
            let encoded = base64::engine::general_purpose::STANDARD.encode(picture);
            json!([{"type": "text", "text": text},
                {"type": "image_url", "image_url": {"url": format!("data:image/jpeg;base64,{encoded}"), "detail": "low"}}])
        }
    }
}

#[async_trait::async_trait]
impl TextModel for OpenAi {
    async fn ask(&self, call: &TextCall, billed: &mut Vec<Billed>) -> Result<Value, ProviderError> {
        let chain = match call.model {
            TextModelRole::Story => &self.story,
            TextModelRole::Analysis => &self.analysis,
        };
        let mut walk = chain.walk(PROVIDER, "write a text", call.deadline);
        while let Some(model) = walk.next() {
            match self
                .write_with(model, call, walk.has_stand_in(), billed)
                .await
            {
                Ok(value) => {
                    walk.delivered(model);
                    return Ok(value);
                }
                Err(error) => walk.failed(model, error)?,
            }
        }
        Err(walk.into_error())
    }
}

#[async_trait::async_trait]
impl PictureModel for OpenAi {
    async fn draw(
        &self,
        call: &PictureCall,
        billed: &mut Vec<Billed>,
    ) -> Result<PictureBytes, ProviderError> {
        let mut walk = self.images.walk(PROVIDER, "draw a picture", call.deadline);
        while let Some(model) = walk.next() {
            match self
                .draw_with(model, call, walk.has_stand_in(), billed)
                .await
            {
                Ok(picture) => {
                    walk.delivered(model);
                    return Ok(picture);
                }
                Err(error) => walk.failed(model, error)?,
            }
        }
        Err(walk.into_error())
    }
}
