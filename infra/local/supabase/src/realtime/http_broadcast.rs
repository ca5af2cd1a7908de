//! Broadcasts sent over HTTP: `POST /api/broadcast` and `POST /api/broadcast/{topic}/events/{event}`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::broadcast::{Broadcast, Content};
use super::channel::TOPIC_PREFIX;
use super::socket::{bearer, unauthorized};

#[derive(Deserialize)]
struct Batch {
    messages: Vec<BatchMessage>,
}

#[derive(Deserialize)]
struct BatchMessage {
    topic: String,
    event: String,
    #[serde(default)]
    payload: Value,
    /// Nobody can be on a private channel here, so a private message reaches nobody.
    #[serde(default)]
    private: bool,
}

/// Many messages in one call: what `channel.send()` does without a joined socket.
pub(crate) async fn batch(
    State(server): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Err(error) = bearer(&server, &headers, &query) {
        return unauthorized(&error);
    }
    let batch: Batch = match serde_json::from_slice(&body) {
        Ok(batch) => batch,
        Err(error) => return unprocessable(&error.to_string()),
    };
    for message in batch
        .messages
        .into_iter()
        .filter(|message| !message.private)
    {
        let broadcast = Broadcast {
            event: message.event,
            meta: None,
            content: Content::Json(message.payload),
        };
        server.hub.publish(
            &format!("{TOPIC_PREFIX}{}", message.topic),
            None,
            &broadcast,
        );
    }
    StatusCode::ACCEPTED.into_response()
}

/// One message, its payload the body: what `channel.httpSend()` does.
pub(crate) async fn single(
    State(server): State<Arc<Shared>>,
    Path((topic, event)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Err(error) = bearer(&server, &headers, &query) {
        return unauthorized(&error);
    }
    let binary = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/octet-stream"));
    let content = match (binary, serde_json::from_slice(&body)) {
        (true, _) => Content::Raw(body),
        (false, Ok(value)) => Content::Json(value),
        (false, Err(error)) => return unprocessable(&error.to_string()),
    };
    if query.get("private").is_none_or(|private| private != "true") {
        server.hub.publish(
            &format!("{TOPIC_PREFIX}{topic}"),
            None,
            &Broadcast {
                event,
                meta: None,
                content,
            },
        );
    }
    StatusCode::ACCEPTED.into_response()
}

fn unprocessable(problem: &str) -> Response {
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        Json(json!({"errors": {"body": [problem]}})),
    )
        .into_response()
}
