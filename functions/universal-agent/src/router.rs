//! Every route of the API as one table, and what answers where the table has nothing.

use crate::{
    Deps,
    error::{ApiError, Code},
    frame,
    incoming::BODY_BYTES_MAX,
    routes::{assets, audio, characters, health, openapi, stories, users},
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    middleware,
    routing::{MethodRouter, delete, get, patch, post},
};
use std::sync::Arc;

pub(crate) type AppState = Arc<Deps>;

/// Everything is served below this path.
pub(crate) const BASE: &str = "/api/v1";

/// One row: a method, a path below [`BASE`], and who answers.
pub(crate) struct Route {
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the test of openapi.json reads it")
    )]
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    answers: MethodRouter<AppState>,
}

fn row<H: Handler<T, AppState>, T: 'static>(
    method: &'static str,
    path: &'static str,
    handler: H,
) -> Route {
    let answers = match method {
        "GET" => get(handler),
        "POST" => post(handler),
        "PATCH" => patch(handler),
        _ => delete(handler),
    };
    Route {
        method,
        path,
        answers,
    }
}

pub(crate) fn table() -> Vec<Route> {
    vec![
        // A story and how far it is.
        row("POST", "/stories", stories::create),
        row("GET", "/stories", stories::list),
        row("GET", "/stories/{id}", stories::show),
        row("GET", "/stories/{id}/assets/status", assets::status),
        // What a user may ask of a story that exists.
        row("POST", "/stories/{id}/assets/generate", assets::generate),
        row("POST", "/stories/{id}/assets/retry", assets::retry),
        row(
            "POST",
            "/stories/{id}/assets/regenerate",
            assets::regenerate,
        ),
        row("POST", "/stories/{id}/assets/continue", assets::go_on),
        row("POST", "/stories/{id}/assets/cancel", assets::cancel),
        row("POST", "/stories/{id}/assets/estimate", assets::estimate),
        row(
            "POST",
            "/stories/{id}/art/regenerate",
            assets::regenerate_picture,
        ),
        row("POST", "/stories/{id}/audio", audio::narrate),
        row("GET", "/audio/voices", audio::voices),
        // Heroes, and the user.
        row("POST", "/characters", characters::create),
        row("GET", "/characters", characters::list),
        row("GET", "/characters/{id}", characters::show),
        row("PATCH", "/characters/{id}", characters::change),
        row("DELETE", "/characters/{id}", characters::remove),
        row("GET", "/users/me/usage", users::usage),
        // Open to everybody.
        row("GET", "/health", health::health),
        row("GET", "/openapi.json", openapi::document),
    ]
}

pub(crate) fn router(deps: AppState) -> Router {
    table()
        .into_iter()
        .fold(Router::new(), |router, route| {
            router.route(&format!("{BASE}{}", route.path), route.answers)
        })
        .fallback(async || ApiError::new(Code::NotFound, "There is nothing at this path."))
        .method_not_allowed_fallback(async || {
            ApiError::new(
                Code::MethodNotAllowed,
                "This path does not know this method; Allow lists those it knows.",
            )
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(frame::frame))
        .with_state(deps)
}
