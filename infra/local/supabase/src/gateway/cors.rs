//! Cross-origin headers: which of a browser's requests and answers supabase-js needs let through.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

const ALLOWED_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
const ALLOWED_HEADERS: &str = "authorization, apikey, x-client-info, content-type, accept, accept-profile, \
     content-profile, prefer, range, x-supabase-api-version, x-retry-count, idempotency-key";
const EXPOSED_HEADERS: &str = "content-range, content-location, preference-applied, x-supabase-api-version, \
     sb-gateway-version, x-sb-error-code";
const PREFLIGHT_SECONDS_MAX: &str = "3600";

/// Answers preflights and opens every answer to every origin: local development only.
pub(crate) async fn allow_browsers(request: Request, next: Next) -> Response {
    let preflight = request.method() == Method::OPTIONS;
    let mut response = if preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let mut set = |name: HeaderName, value: &'static str| {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    };
    set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    if preflight {
        set(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
        set(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
        set(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS_MAX);
    }
    response
}
