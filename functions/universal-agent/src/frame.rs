//! Around every request: its id, one log line, CORS, a limit of time.

use crate::error::{ApiError, Cause, Code};
use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{StoryId, UserId};
use lambda_http::RequestExt;
use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Less than the function's ten seconds, so that a slow database is answered as such and not by a killed process.
const TIME_LIMIT: Duration = Duration::from_secs(8);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the log line tells beside method and status; extractors and handlers fill it in.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) user: OnceLock<UserId>,
    pub(crate) story: OnceLock<StoryId>,
}

pub(crate) async fn frame(mut request: Request, next: Next) -> Response {
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
    let notes = Arc::new(Notes::default());
    request.extensions_mut().insert(Arc::clone(&notes));

    let is_a_route = request.extensions().get::<MatchedPath>().is_some();
    let mut response = if method == Method::OPTIONS && is_a_route {
        preflight(request.headers())
    } else {
        tokio::time::timeout(TIME_LIMIT, next.run(request))
            .await
            .unwrap_or_else(|late| ApiError::unavailable(late).into_response())
    };
    finish_headers(response.headers_mut(), &request_id);
    log(&method, &route, &response, &request_id, started, &notes);
    response
}

/// What our own clients send, allowed whether or not a browser asks.
const OUR_HEADERS: &str = "authorization, content-type, idempotency-key, x-client-info, apikey";

/// No credentials travel in cookies here, so any origin may ask, with any headers: monitoring in the browser adds its own
/// to every request. What may be seen hangs on the token.
fn preflight(asking: &HeaderMap) -> Response {
    let mut allowed = OUR_HEADERS.to_owned();
    for name in asked_headers(asking) {
        if !allowed.split(", ").any(|known| known == name) {
            allowed = format!("{allowed}, {name}");
        }
    }
    let headers = [
        (
            header::ACCESS_CONTROL_ALLOW_METHODS,
            "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
        ),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, &allowed),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        (header::VARY, "access-control-request-headers"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// The names a browser would like to send, as far as they are names. Nobody needs more than this many.
fn asked_headers(asking: &HeaderMap) -> Vec<String> {
    const NAMES_MAX: usize = 64;
    let lists = asking
        .get_all(header::ACCESS_CONTROL_REQUEST_HEADERS)
        .iter();
    lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .map(|name| name.as_str().to_owned())
        .take(NAMES_MAX)
        .collect()
}

fn finish_headers(headers: &mut HeaderMap, request_id: &str) {
    let text = HeaderValue::from_static;
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, text("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        text("x-request-id, idempotency-replayed, retry-after"),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, text("nosniff"));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(text("no-store"));
    if let Ok(request_id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, request_id);
    }
}

/// The route's template, never the path or the query: those may hold anything.
fn log(
    method: &Method,
    route: &str,
    response: &Response,
    request_id: &str,
    started: Instant,
    notes: &Notes,
) {
    let user = notes.user.get().map(tracing::field::display);
    let story = notes.story.get().map(tracing::field::display);
    if let Some(Cause { code, source }) = response.extensions().get() {
        tracing::error!(
            requestId = request_id,
            storyId = story,
            userId = user,
            code,
            error = runtime::chain(source.as_ref()),
            "Request failed"
        );
    }
    tracing::info!(
        method = method.as_str(),
        route,
        status = response.status().as_u16(),
        requestId = request_id,
        durationMs = started.elapsed().as_millis() as u64,
        userId = user,
        storyId = story,
        "Request answered"
    );
}

/// Whatever a request is refused for before a handler sees it, in the envelope.
pub(crate) fn rejected(status: StatusCode, field: &str, message: String) -> ApiError {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(
            Code::PayloadTooLarge,
            format!(
                "The body is larger than {} bytes.",
                crate::incoming::BODY_BYTES_MAX
            ),
        ),
        _ => ApiError::invalid(field, message),
    }
}
