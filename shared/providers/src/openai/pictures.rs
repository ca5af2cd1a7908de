//! Pictures: generated from words alone, or edited from references.

use super::{
    ModelCall, OpenAi, PROVIDER, answers, models::picture_limits, picture_stream::PictureStream,
};
use crate::{
    CallUsage, ErrorKind, PictureBytes, PictureCall, PictureModel, Previews, ProviderError,
    References, answer::Listening, error::DRAWING as ATTEMPTED,
};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

const BYTES_MAX: usize = 32 << 20;
/// Asked for of each picture; fewer may come. Each is billed as some 100 tokens more.
const PREVIEWS: u32 = 1;
/// A connection that brings no byte for so much of a try is dead, 45 s of a minute: the preview comes about half-way.
const SILENCE_SHARE: f64 = 0.75;

impl OpenAi {
    async fn draw_with(
        &self,
        model: &str,
        call: &PictureCall,
        has_stand_in: bool,
        usage: &mut Vec<CallUsage>,
    ) -> Result<PictureBytes, ProviderError> {
        let limits = picture_limits(model);
        let prompt: String = call.prompt.chars().take(limits.prompt_chars_max).collect();
        let quality = limits.quality(self.config.picture_quality);
        let mut body = json!({"model": model, "prompt": prompt, "n": 1, "size": "1024x1024", "quality": quality});
        let (name, value) = limits.format;
        body[name] = value.into();
        let is_shown_meanwhile = limits.shows_previews && call.previews.are_wanted();
        if is_shown_meanwhile {
            body["stream"] = true.into();
            body["partial_images"] = PREVIEWS.into();
        }
        let sent = call.references.pictures();
        let sent = &sent[..sent.len().min(limits.references_max)];
        let request = || match sent {
            [] => self.post("images/generations").json(&body),
            pictures => self
                .post("images/edits")
                .multipart(edit_form(&body, pictures)),
        };
        let model_call = ModelCall {
            kind: "picture",
            attempted: ATTEMPTED,
            model,
            timeout: self.config.picture_try,
            bytes_max: BYTES_MAX,
            deadline: call.deadline,
            has_stand_in,
            sent: call.sent.clone(),
            fields: (!sent.is_empty()).then_some(&body),
        };
        let drawn = match is_shown_meanwhile {
            false => {
                self.call(model_call, request, answers::picture, usage)
                    .await
            }
            true => self.watch(model_call, &call.previews, request, usage).await,
        };
        drawn.map_err(|error| {
            let kind = match (&error.kind, &call.references) {
                // Nothing was sent that could be at fault.
                (ErrorKind::ReferenceUnreadable { .. }, _) if sent.is_empty() => ErrorKind::Invalid,
                // Neither code nor parameter: what differs from the calls that succeed is what a user brought along.
                (ErrorKind::Invalid, References::Pictures(_))
                    if error.code.is_none() && !sent.is_empty() =>
                {
                    ErrorKind::ReferenceUnreadable { index: None }
                }
                (kind, _) => kind.clone(),
            };
            ProviderError { kind, ..error }
        })
    }

    /// Asks one model, and shows what it draws while it comes.
    async fn watch(
        &self,
        call: ModelCall<'_>,
        previews: &Previews,
        request: impl Fn() -> reqwest::RequestBuilder,
        usage: &mut Vec<CallUsage>,
    ) -> Result<PictureBytes, ProviderError> {
        let mut stream = PictureStream::default();
        let mut receives = |bytes: Option<&[u8]>| match bytes {
            None => stream = PictureStream::default(),
            Some(bytes) => stream.take(bytes, previews),
        };
        let listening = Listening {
            receives: &mut receives,
            silence_max: Some(call.timeout.mul_f64(SILENCE_SHARE)),
            needs_whole: true,
        };
        let sent = self.send_counting_lost(&call, request, Some(listening), usage);
        let (endpoint, answer) = sent.await?;
        let id = answer.header("x-request-id");
        // Not everybody who is asked to stream does.
        let (picture, used) = match answer.body.is_empty() {
            true => stream.end(call.model, id),
            false => {
                let (picture, used) = answers::picture(&answer.body, call.model, id);
                (picture, Some(used))
            }
        };
        usage.extend(used);
        endpoint.finish(answer, picture)
    }
}

/// The multipart form of an edit; each file needs a name and its true type.
fn edit_form(fields: &Value, pictures: &[PictureBytes]) -> Form {
    let mut form = Form::new();
    for picture in pictures {
        let format = picture.format();
        let file = Part::stream(picture.bytes().clone())
            .file_name(format!("reference.{}", format.extension()))
            .mime_str(format.media_type())
            .expect("a valid media type");
        form = form.part("image[]", file);
    }
    for (name, value) in fields.as_object().into_iter().flatten() {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        form = form.text(name.clone(), value);
    }
    form
}

#[async_trait::async_trait]
impl PictureModel for OpenAi {
    async fn draw(
        &self,
        call: &PictureCall,
        usage: &mut Vec<CallUsage>,
    ) -> Result<PictureBytes, ProviderError> {
        let mut walk = self.images.walk(PROVIDER, ATTEMPTED, call.deadline);
        while let Some(model) = walk.next() {
            match self
                .draw_with(model, call, walk.has_stand_in() || call.has_stand_in, usage)
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
