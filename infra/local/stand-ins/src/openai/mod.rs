//! The OpenAI stand-in: its routes, the headers on every answer and the faults it can play.

mod chat;
mod edits;
mod errors;
mod image_order;
mod images;
mod messages;
mod models;
mod moderations;
#[cfg(test)]
mod picture_wire_tests;
mod responses;
mod strict;
mod voice;
#[cfg(test)]
mod wire_tests;

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::calls::CallKind;
use crate::config::StandInConfig;
use crate::control;
use crate::faults::Outcome;
use crate::gate::{Gate, Provider, pass};
use errors::ApiError;

/// The routes of `https://api.openai.com` that the pipeline uses, plus `/_local/…`.
///
/// Serve it on an already bound listener: `axum::serve(listener, openai_router(config))`; the base
/// URL is then `http://127.0.0.1:PORT/v1`.
pub fn openai_router(config: StandInConfig) -> Router {
    let gate = Gate {
        config: config.clone(),
        provider: Provider::OpenAi,
    };
    Router::new()
        .route("/v1/chat/completions", post(chat::complete))
        .route("/v1/responses", post(responses::respond))
        .route("/v1/images/generations", post(images::generate))
        .route("/v1/images/edits", post(edits::edit))
        .route("/v1/moderations", post(moderations::moderate))
        .route("/v1/audio/speech", post(voice::speak))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{id}", get(models::one))
        .fallback(|uri: http::Uri| async move { ApiError::unknown_url(&uri) })
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(gate, pass))
        .with_state(config.clone())
        .merge(control::routes(config))
}

/// 401 unless the request carries a bearer key that does not call itself invalid.
pub(crate) fn refuse_key(headers: &HeaderMap) -> Option<Response> {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let key = given.strip_prefix("Bearer ").unwrap_or_default().trim();
    if key.is_empty() {
        Some(ApiError::missing_key().into_response())
    } else if key.contains("invalid") {
        Some(ApiError::invalid_key(key).into_response())
    } else {
        None
    }
}

/// The answer of a fault that needs no handler; None when the handler must play it.
pub(crate) fn fault_answer(outcome: Outcome, kind: CallKind) -> Option<Response> {
    let answer = match outcome {
        Outcome::RateLimited => ApiError::rate_limited(kind).into_response(),
        Outcome::RateLimitedWithRetryAfter => {
            ([(header::RETRY_AFTER, "1")], ApiError::rate_limited(kind)).into_response()
        }
        Outcome::Quota => ApiError::out_of_quota().into_response(),
        Outcome::ServerError => ApiError::server_error().into_response(),
        Outcome::Failed if kind != CallKind::Text => ApiError::server_error().into_response(),
        Outcome::BadGateway => bad_gateway(),
        Outcome::Overloaded => ApiError::overloaded().into_response(),
        Outcome::InvalidKey => ApiError::invalid_key("sk-revoked").into_response(),
        Outcome::ModelClosed => ApiError::closed_model().into_response(),
        Outcome::InvalidImage => ApiError::unreadable_image().into_response(),
        Outcome::Timeout => StatusCode::GATEWAY_TIMEOUT.into_response(),
        _ => return None,
    };
    Some(answer)
}

/// A gateway's page: what a client sees when the service itself was not reached.
pub(crate) fn bad_gateway() -> Response {
    let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n";
    (
        StatusCode::BAD_GATEWAY,
        [(header::CONTENT_TYPE, "text/html")],
        page,
    )
        .into_response()
}

/// The headers of contract section 2 (reset values are Go-style durations).
pub(crate) fn add_headers(headers: &mut HeaderMap, id: u64, took: Duration) {
    let mut add = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    add("x-request-id", format!("req_{id:032x}"));
    add("openai-organization", "storytailor-local".into());
    add("openai-processing-ms", took.as_millis().to_string());
    add("openai-version", "2020-10-01".into());
    add("x-ratelimit-limit-requests", "10000".into());
    add("x-ratelimit-limit-tokens", "2000000".into());
    add("x-ratelimit-remaining-requests", "9999".into());
    add("x-ratelimit-remaining-tokens", "1999000".into());
    add("x-ratelimit-reset-requests", "6ms".into());
    add("x-ratelimit-reset-tokens", "30ms".into());
}

/// A fixed point from which the `created` times of answers are counted, so that the same request
/// gives the same bytes: 2026-11-18.
pub(crate) const CREATED_UNIX_SECONDS: u64 = 1_795_000_000;
