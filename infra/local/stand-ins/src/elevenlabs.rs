//! The ElevenLabs stand-in: its routes, the headers on every answer and the faults it can play.

mod errors;
mod models;
mod synthesis;
mod voices;
#[cfg(test)]
mod wire_tests;

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use http::{HeaderMap, StatusCode};

use crate::calls::{CallKind, CallLog};
use crate::config::StandInConfig;
use crate::control;
use crate::fault_layer::{StandIn, pass};
use crate::faults::Outcome;
use errors::ApiError;

/// Concurrent requests of the Creator plan for the Multilingual models.
const CONCURRENT_MAX: usize = 15;

/// The routes of `https://api.elevenlabs.io` that functions call, and `/_local/…`.
///
/// Serve it on an already bound listener: `axum::serve(listener, elevenlabs_router(config))`; the
/// base URL is then `http://127.0.0.1:PORT`.
pub fn elevenlabs_router(config: StandInConfig) -> Router {
    let layer = middleware::from_fn_with_state(config.clone(), pass::<ElevenLabs>);
    Router::new()
        .route(
            "/v1/text-to-speech/{voice_id}/with-timestamps",
            post(synthesis::speak_with_times),
        )
        .route("/v1/voices", get(voices::list))
        .route("/v1/models", get(models::list))
        .fallback(|| async {
            (
                StatusCode::NOT_FOUND,
                axum::Json(serde_json::json!({ "detail": "Not Found" })),
            )
        })
        .layer(DefaultBodyLimit::disable())
        .layer(layer)
        .with_state(config.clone())
        .merge(control::routes(config))
}

/// The wire of ElevenLabs.
#[derive(Debug)]
struct ElevenLabs;

impl StandIn for ElevenLabs {
    const NAME: &'static str = "elevenlabs";
    const TELLS_LIMITS: bool = false;

    fn refuse_key(headers: &HeaderMap) -> Option<Response> {
        let key = headers.get("xi-api-key").and_then(|key| key.to_str().ok());
        match key.unwrap_or_default().trim() {
            "" => Some(ApiError::of("missing_key", &[]).into_response()),
            key if key.contains("invalid") => {
                Some(ApiError::of("invalid_key", &[]).into_response())
            }
            _ => None,
        }
    }

    fn fault_answer(outcome: Outcome, _kind: CallKind) -> Option<Response> {
        let error = match outcome {
            Outcome::RateLimited => ApiError::of("too_many_at_once", &[]),
            Outcome::RateLimitedWithRetryAfter => ApiError::of("system_busy", &[]),
            Outcome::Quota => ApiError::of("quota_exceeded", &[]),
            Outcome::ServerError => ApiError::of("internal_error", &[]),
            Outcome::Overloaded => ApiError::of("unavailable", &[]),
            Outcome::InvalidKey => ApiError::of("invalid_key", &[]),
            Outcome::Policy | Outcome::PolicyBare => ApiError::of("against_policy", &[]),
            _ => return None,
        };
        Some(error.into_response())
    }

    /// `character-cost` is the handler's.
    fn headers(id: u64, _took: Duration, calls: &CallLog) -> Vec<(&'static str, String)> {
        let speaking = calls.in_flight(CallKind::Speech);
        vec![
            ("request-id", format!("local{id:015}")),
            ("x-trace-id", format!("{id:032x}")),
            ("current-concurrent-requests", speaking.to_string()),
            ("maximum-concurrent-requests", CONCURRENT_MAX.to_string()),
        ]
    }
}
