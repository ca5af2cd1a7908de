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
        let none = References::None;
        let references = match &call.references {
            _ if limits.references_max == 0 => &none,
            References::Urls(urls) if urls.is_empty() => &none,
            references => references,
        };
        let request = || match references {
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
        })
    }
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
