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
mod schema;
mod strict;
#[cfg(test)]
mod wire_tests;

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use http::{HeaderMap, HeaderValue, header};

use crate::calls::{CallKind, CallLog};
use crate::config::StandInConfig;
use crate::control;
use crate::fault_layer::{StandIn, pass};
use crate::faults::Outcome;
use errors::ApiError;
pub(crate) use moderations::unsafe_categories;

/// The routes of `https://api.openai.com` that functions and `cargo local doctor` call, moderations, and `/_local/…`.
///
/// Serve it on an already bound listener: `axum::serve(listener, openai_router(config))`; the base
/// URL is then `http://127.0.0.1:PORT/v1`.
pub fn openai_router(config: StandInConfig) -> Router {
    let layer = middleware::from_fn_with_state(config.clone(), pass::<OpenAi>);
    Router::new()
        .route("/v1/chat/completions", post(chat::complete))
        .route("/v1/images/generations", post(images::generate))
        .route("/v1/images/edits", post(edits::edit))
        .route("/v1/moderations", post(moderations::moderate))
        .route("/v1/models", get(models::list))
        .fallback(|uri: http::Uri| async move { ApiError::of("unknown_url", &[&uri.path()]) })
        .layer(DefaultBodyLimit::disable())
        .layer(layer)
        .with_state(config.clone())
        .merge(control::routes(config))
}

/// The wire of OpenAI.
#[derive(Debug)]
struct OpenAi;

impl StandIn for OpenAi {
    const NAME: &'static str = "openai";
    const TELLS_LIMITS: bool = true;

    fn refuse_key(headers: &HeaderMap) -> Option<Response> {
        let given = headers.get(header::AUTHORIZATION);
        let key = given
            .and_then(|given| given.to_str().ok())
            .and_then(|given| given.strip_prefix("Bearer "));
        match key.unwrap_or_default().trim() {
            "" => Some(ApiError::of("missing_key", &[]).into_response()),
            key if key.contains("invalid") => Some(ApiError::invalid_key(key).into_response()),
            _ => None,
        }
    }

    fn fault_answer(outcome: Outcome, kind: CallKind) -> Option<Response> {
        let error = match outcome {
            Outcome::RateLimited | Outcome::RateLimitedWithRetryAfter => {
                ApiError::rate_limited(kind)
            }
            Outcome::Quota => ApiError::of("out_of_quota", &[]),
            Outcome::ServerError => ApiError::of("server_error", &[]),
            Outcome::Overloaded => ApiError::of("overloaded", &[]),
            Outcome::InvalidKey => ApiError::invalid_key("sk-revoked"),
            Outcome::ModelClosed => ApiError::of("closed_model", &[]),
            Outcome::InvalidImage => ApiError::of("unreadable_image", &[]),
            _ => return None,
        };
        let mut answer = error.into_response();
        if outcome == Outcome::RateLimitedWithRetryAfter {
            let second = HeaderValue::from_static("1");
            answer.headers_mut().insert(header::RETRY_AFTER, second);
        }
        Some(answer)
    }

    /// Reset values are Go-style durations.
    fn headers(id: u64, took: Duration, _calls: &CallLog) -> Vec<(&'static str, String)> {
        vec![
            ("x-request-id", format!("req_{id:032x}")),
            ("openai-organization", "storytailor-local".into()),
            ("openai-processing-ms", took.as_millis().to_string()),
            ("openai-version", "2020-10-01".into()),
            ("x-ratelimit-limit-requests", "10000".into()),
            ("x-ratelimit-limit-tokens", "2000000".into()),
            ("x-ratelimit-remaining-requests", "9999".into()),
            ("x-ratelimit-remaining-tokens", "1999000".into()),
            ("x-ratelimit-reset-requests", "6ms".into()),
            ("x-ratelimit-reset-tokens", "30ms".into()),
        ]
    }
}

/// A fixed point from which the `created` times of answers are counted, so that the same request
/// gives the same bytes: 2026-11-18.
pub(crate) const CREATED_UNIX_SECONDS: u64 = 1_795_000_000;
