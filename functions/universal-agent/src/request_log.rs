//! Around every request: its id, its one log line, a limit of time.

use crate::{
    cors,
    error::{ApiError, Cause},
    rates::Told,
};
use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{StoryId, UserId};
use lambda_http::RequestExt;
use std::time::{Duration, Instant};
use tracing::{
    Instrument, Span,
    field::{Empty, display},
};
use uuid::Uuid;

/// Less than the function's ten seconds, so that a slow database is answered as such and not by a killed process.
const TIME_LIMIT: Duration = Duration::from_secs(8);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Every line of this request says from now on which story it is about.
pub(crate) fn note_story(id: StoryId) {
    Span::current().record("storyId", display(id));
}

/// Every line of this request says from now on who asks.
pub(crate) fn note_user(id: UserId) {
    Span::current().record("userId", display(id));
}

/// Answers a request within [`TIME_LIMIT`], under an id that the answer and every log line carry.
pub(crate) async fn log_request(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let request_id = request.lambda_context_ref().map_or_else(
        || Uuid::new_v4().to_string(),
        |context| context.request_id.clone(),
    );
    let span = tracing::error_span!(
        "request",
        requestId = request_id,
        userId = Empty,
        storyId = Empty
    );
    let is_a_route = request.extensions().get::<MatchedPath>().is_some();
    let told = Told::default();
    request.extensions_mut().insert(told.clone());
    let mut response = if method == Method::OPTIONS && is_a_route {
        cors::preflight(request.headers())
    } else {
        tokio::time::timeout(TIME_LIMIT, next.run(request).instrument(span.clone()))
            .await
            .unwrap_or_else(|late| ApiError::unavailable(late).into_response())
    };
    finish_headers(response.headers_mut(), &request_id);
    add_limits(response.headers_mut(), &told);
    span.in_scope(|| log(&method, &route, &response, started));
    runtime::errors_sent().await;
    response
}

fn finish_headers(headers: &mut HeaderMap, request_id: &str) {
    let text = HeaderValue::from_static;
    cors::add_headers(headers);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, text("nosniff"));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(text("no-store"));
    if let Ok(request_id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, request_id);
    }
}

fn add_limits(headers: &mut HeaderMap, told: &Told) {
    let Some((policy, left)) = told.headers() else {
        return;
    };
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", left)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// The route's template, never the path or the query: those may hold anything.
fn log(method: &Method, route: &str, response: &Response, started: Instant) {
    if let Some(Cause { code, source }) = response.extensions().get() {
        tracing::error!(
            code,
            error = runtime::chain(source.as_ref()),
            "Request failed"
        );
    }
    tracing::info!(
        method = method.as_str(),
        route,
        status = response.status().as_u16(),
        durationMs = started.elapsed().as_millis() as u64,
        "Request answered"
    );
}
