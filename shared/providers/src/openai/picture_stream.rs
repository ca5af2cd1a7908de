//! A picture that comes in events: previews of it while it is drawn, then the whole with its price, or what went wrong.
//! Wire facts: the provider's OpenAPI document, `ImageGenStreamEvent` and `ImageEditStreamEvent`.

use super::{
    answers,
    stream::{Events, failure_of},
};
use crate::{CallUsage, ErrorKind, PictureBytes, Previews};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Event<'a> {
    /// `image_generation.partial_image`, `image_edit.completed` and so on.
    #[serde(borrow, default)]
    r#type: Cow<'a, str>,
    /// Some 3 MB, read where they lie.
    #[serde(borrow, default)]
    b64_json: Cow<'a, str>,
    #[serde(default)]
    usage: Value,
    #[serde(default)]
    error: Value,
}

/// The answer as far as it came.
#[derive(Default)]
pub(super) struct PictureStream {
    events: Events,
    picture: Option<Result<PictureBytes, ErrorKind>>,
    usage: Value,
    /// What went wrong after the answer had begun.
    failure: Option<ErrorKind>,
    /// Some of it was drawn.
    has_begun: bool,
}

impl PictureStream {
    pub(super) fn take(&mut self, bytes: &[u8], previews: &Previews) {
        let mut events = std::mem::take(&mut self.events);
        events.take(bytes, |data| self.take_event(data, previews));
        self.events = events;
    }

    fn take_event(&mut self, data: &[u8], previews: &Previews) {
        let Ok(event) = serde_json::from_slice::<Event<'_>>(data) else {
            self.failure.get_or_insert(ErrorKind::Malformed);
            return;
        };
        if event.r#type == "error" || !event.error.is_null() {
            self.failure.get_or_insert(failure_of(data));
        } else if event.r#type.ends_with(".partial_image") {
            self.has_begun = true;
            // One that cannot be read is no loss: the picture itself is to come.
            if let Ok(preview) = answers::decode(&event.b64_json) {
                previews.show(preview);
            }
        } else if event.r#type.ends_with(".completed") {
            self.usage = event.usage;
            let picture = answers::decode(&event.b64_json);
            self.picture = Some(picture.map_err(|_| ErrorKind::Malformed));
        }
    }

    /// The picture once nothing more comes, or what is wrong with it; and what it is billed, which is known where it is whole.
    /// A refusal before anything was drawn is billed as little as one with a status.
    pub(super) fn end(
        self,
        asked_model: &str,
        request_id: &str,
    ) -> (Result<PictureBytes, ErrorKind>, Option<CallUsage>) {
        let picture = match (self.picture, self.failure) {
            (Some(picture), _) => picture,
            (None, Some(failure)) if !self.has_begun => return (Err(failure), None),
            (None, Some(failure)) => Err(failure),
            // The connection was closed in good order, and the answer had not ended.
            (None, None) => Err(ErrorKind::Unavailable),
        };
        let answer = serde_json::json!({ "usage": self.usage });
        let usage = answers::usage_of(&answer, asked_model, request_id);
        (picture, Some(usage))
    }
}
