//! One request to a provider and its answer.

use axum::http::HeaderMap;
use bytes::Bytes;
use memchr::memmem;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// By the header that its key comes in.
    pub(crate) provider: &'static str,
    /// What is asked for: of a text the name of its schema, else as [`kind_of`] calls it.
    pub(crate) kind: String,
    /// The name that stands in it, of those that were listened for.
    pub(crate) about: Option<String>,
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    pub(crate) content_type: String,
    pub(crate) sent: Bytes,
    /// 0 until there is an answer.
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The answer as it came from the stand-in, before it was spoilt, or that of the proxy; as far as it has come.
    pub(crate) received: Vec<u8>,
    pub(crate) is_spoilt: bool,
}

impl Exchange {
    /// Whether somebody is billed for it once it begins as a success.
    pub(crate) fn costs(&self) -> bool {
        let is_free = matches!(
            self.kind.as_str(),
            "moderation" | "models" | "voices" | "standing" | "picture_file"
        );
        !is_free && (200..300).contains(&self.status)
    }

    /// What makes it the same request as another: a form without its random boundary.
    pub(crate) fn same(&self) -> Vec<u8> {
        let Some((_, boundary)) = self.content_type.split_once("boundary=") else {
            return self.sent.to_vec();
        };
        let text = String::from_utf8_lossy(&self.sent);
        text.replace(boundary.trim_matches('"'), "").into_bytes()
    }
}

/// Whether a text stands in a body as it is.
pub(super) fn has(body: &[u8], text: &str) -> bool {
    memmem::find(body, text.as_bytes()).is_some()
}

/// What a request asks for, by its path and, of texts, by its schema.
pub(crate) fn kind_of(path: &str, sent: &[u8]) -> String {
    let kind = match path {
        path if path.ends_with("/chat/completions") => {
            let asked: Value = serde_json::from_slice(sent).unwrap_or_default();
            let name = &asked["response_format"]["json_schema"]["name"];
            return name.as_str().unwrap_or("text").to_owned();
        }
        path if path.contains("/images/") => "picture",
        path if path.starts_with("/v1/flux-") => "order",
        "/v1/get_result" => "standing",
        path if path.starts_with("/delivery/") => "picture_file",
        path if path.contains("/text-to-speech/") => "speech",
        path if path.ends_with("/moderations") => "moderation",
        path if path.ends_with("/voices") => "voices",
        path if path.ends_with("/models") => "models",
        _ => "other",
    };
    kind.to_owned()
}
