//! A picture as it is ordered: the request, written once however often it is sent, and what tells it from others.

use super::{Bfl, models::limits};
use crate::PictureCall;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::json;
use sha2::{Digest, Sha256};

/// From 0, the strictest, to 5; the provider's own choice.
const SAFETY_TOLERANCE: u8 = 2;

pub(super) struct Order<'a> {
    pub(super) model: &'a str,
    /// JSON.
    pub(super) body: Bytes,
    /// How many pictures are sent along.
    pub(super) references: usize,
}

impl<'a> Order<'a> {
    pub(super) fn of(model: &'a str, call: &PictureCall) -> Self {
        let limits = limits(model);
        let mut body =
            json!({"prompt": call.prompt, "width": 1024, "height": 1024, "output_format": "png"});
        if limits.takes_tolerance {
            body["safety_tolerance"] = SAFETY_TOLERANCE.into();
        }
        let most = limits.references_max.min(Bfl::REFERENCES_MAX);
        let references = call.references.pictures();
        let references = references.get(..most).unwrap_or(references);
        for (number, picture) in (1..).zip(references) {
            let name = match number {
                1 => "input_image".to_owned(),
                number => format!("input_image_{number}"),
            };
            body[name] = STANDARD.encode(picture.bytes()).into();
        }
        Self {
            model,
            body: body.to_string().into(),
            references: references.len(),
        }
    }

    /// Tells it from others.
    pub(super) fn digest(&self) -> String {
        STANDARD.encode(Sha256::digest(&self.body))
    }
}
