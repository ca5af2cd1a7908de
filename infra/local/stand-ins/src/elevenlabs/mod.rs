//! The ElevenLabs stand-in: its routes, the headers on every answer and the faults it can play.

mod account;
mod errors;
mod synthesis;
mod voices;
#[cfg(test)]
mod wire_tests;

use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::calls::CallKind;
use crate::config::StandInConfig;
use crate::control;
use crate::faults::Outcome;
use crate::gate::{Gate, Provider, pass};
use crate::openai::bad_gateway;
use errors::ApiError;

/// Concurrent requests of the Creator plan for the Multilingual models (contract section 6).
const CONCURRENT_MAX: usize = 15;

/// The routes of `https://api.elevenlabs.io` that the pipeline uses, plus `/_local/…`.
///
/// Serve it on an already bound listener: `axum::serve(listener, elevenlabs_router(config))`; the
/// base URL is then `http://127.0.0.1:PORT`.
pub fn elevenlabs_router(config: StandInConfig) -> Router {
    let gate = Gate {
        config: config.clone(),
        provider: Provider::ElevenLabs,
    };
    Router::new()
        .route(
            "/v1/text-to-speech/{voice_id}/with-timestamps",
            post(synthesis::whole),
        )
        .route(
            "/v1/text-to-speech/{voice_id}/stream/with-timestamps",
            post(synthesis::streamed),
        )
        .route("/v1/voices", get(voices::list))
        .route("/v1/voices/{voice_id}", get(voices::one))
        .route("/v2/voices", get(voices::search))
        .route("/v1/models", get(account::models))
        .route("/v1/user/subscription", get(account::subscription))
        .fallback(|| async {
            (
                StatusCode::NOT_FOUND,
                axum::Json(serde_json::json!({ "detail": "Not Found" })),
            )
        })
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(gate, pass))
        .with_state(config.clone())
        .merge(control::routes(config))
}

/// 401 unless the request carries a key that does not call itself invalid.
pub(crate) fn refuse_key(headers: &HeaderMap) -> Option<Response> {
    let key = headers
        .get("xi-api-key")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .trim();
    if key.is_empty() {
        Some(ApiError::missing_key().into_response())
    } else if key.contains("invalid") {
        Some(ApiError::invalid_key().into_response())
    } else {
        None
    }
}

/// The answer of a fault that needs no handler; None when the handler must play it.
pub(crate) fn fault_answer(outcome: Outcome, _kind: CallKind) -> Option<Response> {
    let answer = match outcome {
        Outcome::RateLimited => ApiError::too_many_at_once().into_response(),
        Outcome::RateLimitedWithRetryAfter => ApiError::system_busy().into_response(),
        Outcome::Quota => ApiError::quota_exceeded().into_response(),
        Outcome::ServerError | Outcome::Failed => ApiError::internal_error().into_response(),
        Outcome::BadGateway => bad_gateway(),
        Outcome::Overloaded => ApiError::unavailable().into_response(),
        Outcome::InvalidKey => ApiError::invalid_key().into_response(),
        Outcome::Policy | Outcome::PolicyBare => ApiError::against_policy().into_response(),
        Outcome::Timeout => StatusCode::GATEWAY_TIMEOUT.into_response(),
        _ => return None,
    };
    Some(answer)
}

/// The headers of contract section 1; `character-cost` is the synthesis handler's.
pub(crate) fn add_headers(headers: &mut HeaderMap, id: u64, speaking: usize) {
    let mut add = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    add("request-id", format!("local{id:015}"));
    add("x-trace-id", format!("{id:032x}"));
    add("current-concurrent-requests", speaking.to_string());
    add("maximum-concurrent-requests", CONCURRENT_MAX.to_string());
}
