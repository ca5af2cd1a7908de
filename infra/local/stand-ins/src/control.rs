//! The stand-ins' own routes, `/_local/…`: change latency and faults, script outcomes, read the
//! list of calls. They exist for tests and never on the real services.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::{PictureReuse, StandInConfig};
use crate::faults::Scripted;
use crate::setting::ConfigError;

/// Body of `POST /_local/config`; what is left out stays as it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// `"text=800,image=1200"` or `{"text":800}`.
    latency: Option<Value>,
    /// `"429=0.1"` or `{"429":0.1}`.
    faults: Option<Value>,
    picture_reuse: Option<PictureReuse>,
    /// Replaces the outcomes scripted so far: `"429"` or `{"outcome","kind","contains","times"}`.
    next: Option<Vec<Value>>,
}

pub(crate) fn routes(config: StandInConfig) -> Router {
    Router::new()
        .route("/_local/config", post(change).get(show))
        .route("/_local/calls", get(calls).delete(clear))
        .with_state(config)
}

async fn show(State(config): State<StandInConfig>) -> Json<Value> {
    Json(json!({
        "latency": config.latency(),
        "faults": config.faults(),
        "picture_reuse": config.picture_reuse(),
        "next": config.remaining_script(),
    }))
}

async fn change(State(config): State<StandInConfig>, body: axum::body::Bytes) -> Response {
    match apply(&config, &body) {
        Ok(()) => show(State(config)).await.into_response(),
        Err(message) => {
            (StatusCode::BAD_REQUEST, Json(json!({ "error": message }))).into_response()
        }
    }
}

fn apply(config: &StandInConfig, body: &[u8]) -> Result<(), String> {
    let change: Change = serde_json::from_slice(body)
        .map_err(|cause| format!("cannot read the stand-in settings: {cause}"))?;
    let sentence = |cause: ConfigError| cause.to_string();
    let latency = change
        .latency
        .map(|value| setting(&value).parse())
        .transpose()
        .map_err(sentence)?;
    let faults = change
        .faults
        .map(|value| setting(&value).parse())
        .transpose()
        .map_err(sentence)?;
    let next = change
        .next
        .map(|outcomes| {
            outcomes
                .into_iter()
                .map(scripted)
                .collect::<Result<Vec<_>, _>>()
        })
        .transpose()?;
    // Nothing is changed unless everything could be read.
    if let Some(latency) = latency {
        config.set_latency(latency);
    }
    if let Some(faults) = faults {
        config.set_faults(faults);
    }
    if let Some(picture_reuse) = change.picture_reuse {
        config.set_picture_reuse(picture_reuse);
    }
    if let Some(next) = next {
        config.clear_script();
        config.script(next);
    }
    Ok(())
}

/// Writes an object as the `name=value,…` form that the environment variables use.
fn setting(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => members
            .iter()
            .map(|(name, number)| format!("{name}={number}"))
            .collect::<Vec<_>>()
            .join(","),
        other => other.to_string(),
    }
}

fn scripted(value: Value) -> Result<Scripted, String> {
    match value {
        Value::String(name) => name
            .parse()
            .map(Scripted::next)
            .map_err(|cause: ConfigError| cause.to_string()),
        object => serde_json::from_value(object)
            .map_err(|cause| format!("cannot read a scripted outcome: {cause}")),
    }
}

async fn calls(State(config): State<StandInConfig>) -> Json<Value> {
    Json(json!({ "calls": config.calls() }))
}

async fn clear(State(config): State<StandInConfig>) -> StatusCode {
    config.clear_calls();
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Outcome;

    #[test]
    fn settings_are_taken_as_text_or_as_objects() {
        let config = StandInConfig::default();
        let body = br#"{"latency":{"text":5},"faults":"429=0.5","next":["500",{"outcome":"policy","kind":"image","times":2}]}"#;
        apply(&config, body).unwrap();
        assert_eq!(config.latency().text, 5);
        assert!((config.faults().rate_limited - 0.5).abs() < 1e-9);
        let script = config.remaining_script();
        assert_eq!(
            (script[0].outcome, script[1].times),
            (Outcome::ServerError, 2)
        );
    }

    #[test]
    fn a_change_that_cannot_be_read_changes_nothing() {
        let config = StandInConfig::default();
        let before = config.latency();
        let message = apply(&config, br#"{"latency":"text=1","next":["sometimes"]}"#).unwrap_err();
        assert!(message.contains("sometimes"), "{message}");
        assert_eq!(config.latency(), before);
    }
}
