//! What browsers may ask of us from pages of any origin, and which headers of an answer they may see.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// What our own clients send, allowed whether or not a browser asks.
const OUR_HEADERS: &str = "authorization, content-type, idempotency-key, x-client-info, apikey";

/// No credentials travel in cookies here, so any origin may ask, with any headers: monitoring in the browser adds its own
/// to every request. What may be seen hangs on the token.
pub(crate) fn preflight(request: &HeaderMap) -> Response {
    let mut allowed = OUR_HEADERS.to_owned();
    for name in requested_headers(request) {
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
fn requested_headers(request: &HeaderMap) -> Vec<String> {
    const NAMES_MAX: usize = 64;
    let lists = request
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

/// Lets a page read an answer, and the headers of ours that it needs.
pub(crate) fn add_headers(headers: &mut HeaderMap) {
    let text = HeaderValue::from_static;
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, text("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        text("x-request-id, idempotency-replayed, retry-after, etag, ratelimit, ratelimit-policy"),
    );
}
