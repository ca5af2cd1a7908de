//! The stand-ins' own routes, `/_local/…`: change latency and faults, script outcomes, read the
//! list of calls. They exist for tests and never on the real services.

use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::{Value, json};

use crate::config::{LatencyProfile, PictureReuse, StandInConfig};
use crate::faults::{FaultProfile, Scripted};
use crate::setting::ConfigError;

/// Body of `POST /_local/config`; what is left out stays as it is.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// `"text=800,image=1200"` or `{"text":800}`.
    #[serde(default, deserialize_with = "setting")]
    latency: Option<LatencyProfile>,
    /// `"429=0.1"` or `{"429":0.1}`.
    #[serde(default, deserialize_with = "setting")]
    faults: Option<FaultProfile>,
    picture_reuse: Option<PictureReuse>,
    /// Replaces the outcomes scripted so far: `"429"` or `{"outcome","kind","contains","times"}`.
    #[serde(default, deserialize_with = "scripted")]
    next: Option<Vec<Scripted>>,
}

/// Reads the `name=value,…` form that the environment variables use, or an object of the same members.
fn setting<'de, D: Deserializer<'de>, T>(from: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err = ConfigError>,
{
    let text = match Value::deserialize(from)? {
        Value::Null => return Ok(None),
        Value::String(text) => text,
        Value::Object(members) => {
            let members = members.iter();
            let pairs = members.map(|(name, number)| format!("{name}={number}"));
            pairs.collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    };
    text.parse().map(Some).map_err(D::Error::custom)
}

/// Reads a list of outcomes, of which a name alone is short for `{"outcome":name}`.
fn scripted<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Scripted>>, D::Error> {
    let read = |value: Value| {
        let whole = match value {
            Value::String(_) => json!({ "outcome": value }),
            whole => whole,
        };
        serde_json::from_value(whole).map_err(D::Error::custom)
    };
    let listed: Option<Vec<Value>> = Option::deserialize(from)?;
    let outcomes = listed.map(|listed| listed.into_iter().map(read).collect());
    outcomes.transpose()
}

pub(crate) fn routes(config: StandInConfig) -> Router {
    Router::new()
        .route("/_local/config", post(change).get(show))
        .route("/_local/calls", get(calls).delete(clear))
        .with_state(config)
}

async fn show(State(config): State<StandInConfig>) -> Json<Value> {
    Json(config.shown())
}

async fn change(
    State(config): State<StandInConfig>,
    body: Bytes,
) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    match apply(&config, &body) {
        Ok(()) => Ok(show(State(config)).await),
        Err(cause) => {
            let message = format!("cannot read the stand-in settings: {cause}");
            Err((StatusCode::BAD_REQUEST, Json(json!({ "error": message }))))
        }
    }
}

/// Changes nothing unless everything could be read.
fn apply(config: &StandInConfig, body: &[u8]) -> serde_json::Result<()> {
    let change: Change = serde_json::from_slice(body)?;
    let mut settings = config.settings();
    settings.latency = change.latency.unwrap_or(settings.latency);
    settings.faults = change.faults.unwrap_or(settings.faults);
    settings.picture_reuse = change.picture_reuse.unwrap_or(settings.picture_reuse);
    drop(settings);
    if let Some(next) = change.next {
        config.clear_script();
        config.script(next);
    }
    Ok(())
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

    #[test]
    fn settings_are_taken_as_text_or_as_objects() {
        let config = StandInConfig::default();
        let body = br#"{"latency":{"text":5},"faults":"429=0.5","next":["500",{"outcome":"policy","kind":"image","times":2}]}"#;
        apply(&config, body).unwrap();
        assert_eq!(config.settings().latency.text, 5);
        let shown = config.shown();
        assert_eq!(
            (&shown["latency"]["text"], &shown["faults"]["429"]),
            (&json!(5), &json!(0.5))
        );
        assert_eq!(shown["picture_reuse"], "never");
        assert_eq!(
            shown["next"],
            json!([
                { "outcome": "server_error", "times": 1 },
                { "outcome": "policy", "kind": "image", "times": 2 },
            ])
        );
    }

    #[test]
    fn a_change_that_cannot_be_read_changes_nothing() {
        let config = StandInConfig::default();
        let before = config.settings().latency;
        for body in [
            r#"{"latency":"text=1","next":["sometimes"]}"#,
            r#"{"latency":"text=1","faults":{"sometimes":1}}"#,
            r#"{"latency":"text=1","sometimes":1}"#,
        ] {
            let message = apply(&config, body.as_bytes()).unwrap_err().to_string();
            assert!(message.contains("sometimes"), "{message}");
            assert_eq!(config.settings().latency, before);
        }
    }
}
