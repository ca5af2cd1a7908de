//! Pictures: generated from words alone, or edited from references.

use super::{ModelCall, OpenAi, PROVIDER, answers, models::picture_limits};
use crate::{
    CallUsage, ErrorKind, PictureBytes, PictureCall, PictureModel, ProviderError, References,
    error::DRAWING as ATTEMPTED,
};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

const BYTES_MAX: usize = 32 << 20;

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
        let mut body = json!({"model": model, "prompt": prompt, "n": 1, "size": "1024x1024", "quality": limits.quality});
        let (name, value) = limits.format;
        body[name] = value.into();
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
            fields: matches!(references, References::Picture(_)).then_some(&body),
        };
        let drawn = self.call(model_call, request, answers::picture, usage);
        drawn.await.map_err(|error| {
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
