//! PostgREST's protocol, embedded: an axum router over the real database that switches roles and is held to row-level
//! security as PostgREST is.

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use postrust_core::AppConfig;
use postrust_server::{AppState, Host};
use serde_json::{Map, Value};
use std::sync::Arc;

use crate::trouble::{Context as _, Trouble};

/// `max_rows` of a Supabase project: more are cut off silently.
const MAX_ROWS: i64 = 1000;
const POOL_SIZE: u32 = 20;
/// PostgREST's largest body here; a finished story's words are far smaller.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// PostgREST at the root of a router: `/stories?id=eq.…`, `/rpc/create_story`.
///
/// `authenticator_url` is its login, which owns no rights but may become `anon`, `authenticated` and `service_role`;
/// `keys` is the JSON Web Key Set tokens are verified with, shared secrets among them.
pub async fn router(authenticator_url: &str, keys: &Value) -> Result<Router, Trouble> {
    let mut config = AppConfig::default();
    config.db_uri = authenticator_url.to_owned();
    config.db_schemas = vec!["public".to_owned()];
    config.db_extra_search_path = vec!["public".to_owned(), "extensions".to_owned()];
    config.db_anon_role = Some("anon".to_owned());
    config.db_max_rows = Some(MAX_ROWS);
    config.db_pool_size = POOL_SIZE;
    config.db_channel_enabled = true;
    config.max_body_size = MAX_BODY_BYTES;
    config.jwt_secret = Some(keys.to_string());
    config.compat_mode = true;
    let app = postrust_server::build(config, Host::SERVER)
        .await
        .context("could not start PostgREST over the local database")?;
    let router = app
        .router
        .layer(middleware::from_fn_with_state(app.state, leave_out_nulls));
    Ok(router.layer(middleware::from_fn(answer_as_postgrest)))
}

/// A JSON null is SQL's NULL to PostgREST; the crate makes it the empty text, which no uuid or array can be read from.
/// Where an argument has a default it is left out instead: all our optional arguments default to NULL or to nothing.
async fn leave_out_nulls(
    State(state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some((_, function)) = parts.uri.path().rsplit_once("/rpc/") else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let body = match serde_json::from_slice::<Map<String, Value>>(&body) {
        Ok(arguments) if arguments.values().any(Value::is_null) => {
            let required = required_arguments(&state, function).await;
            let kept: Map<_, _> = arguments
                .into_iter()
                .filter(|(name, value)| !value.is_null() || required.contains(name))
                .collect();
            parts.headers.remove(header::CONTENT_LENGTH);
            Value::Object(kept).to_string().into()
        }
        _ => body,
    };
    next.run(Request::from_parts(parts, Body::from(body))).await
}

async fn required_arguments(state: &AppState, function: &str) -> Vec<String> {
    let schema = state.schema_cache().await;
    let overloads = schema
        .routines
        .iter()
        .filter(|(name, _)| name.name == function)
        .flat_map(|(_, overloads)| overloads);
    let arguments = overloads.flat_map(|overload| &overload.params);
    arguments
        .filter(|argument| argument.required)
        .map(|argument| argument.name.clone())
        .collect()
}

/// Two answers of the crate that differ from PostgREST's `Error.hs`, put right: a known user who lacks a right gets 403
/// (42501), not 401; a lost connection to the database is 503 `PGRST001`, which clients repeat, not 500.
async fn answer_as_postgrest(request: Request, next: Next) -> Response {
    let is_known = has_token(request.headers());
    let response = next.run(request).await;
    let may_differ = match response.status() {
        StatusCode::UNAUTHORIZED => is_known,
        status => status == StatusCode::INTERNAL_SERVER_ERROR,
    };
    if !may_differ {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let mut body: Bytes = to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
    let mut error: Value = serde_json::from_slice(&body).unwrap_or_default();
    if parts.status == StatusCode::UNAUTHORIZED && error["code"] == "42501" {
        parts.status = StatusCode::FORBIDDEN;
        parts.headers.remove(header::WWW_AUTHENTICATE);
    }
    if error["code"] == "PGRST500" && error["message"] == CONNECTION_LOST {
        parts.status = StatusCode::SERVICE_UNAVAILABLE;
        parts.headers.remove(header::CONTENT_LENGTH);
        error["code"] = "PGRST001".into();
        body = error.to_string().into();
    }
    Response::from_parts(parts, Body::from(body))
}

/// The crate's words for a connection that broke or could not be had.
const CONNECTION_LOST: &str = "Service temporarily unavailable";

fn has_token(headers: &HeaderMap) -> bool {
    headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value.as_bytes().starts_with(b"Bearer "))
}

#[cfg(test)]
mod tests;
