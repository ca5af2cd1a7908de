//! Every route of the API as one table, and what answers where the table has nothing.

use crate::{
    BASE,
    deps::AppState,
    error::{ApiError, Code},
    extract::BODY_BYTES_MAX,
    request_log::log_request,
    routes::{
        assets::{
            self, CancelRequest, ContinueRequest, GenerateRequest, PictureRequest,
            RegenerateRequest, RestoreRequest, RetryRequest,
        },
        audio, bulk, characters, health, incoming, libraries, notices, openapi, plans, shares,
        shop, stories, uploads, users, webhooks,
    },
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    http::Method,
    middleware,
    routing::{MethodFilter, MethodRouter, on},
};

/// One row: a method, a path below [`BASE`], and who answers.
pub(crate) struct Route {
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the test of openapi.json reads it")
    )]
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    handler: MethodRouter<AppState>,
}

fn route<H: Handler<T, AppState>, T: 'static>(
    (method, filter): (Method, MethodFilter),
    path: &'static str,
    handler: H,
) -> Route {
    Route {
        method,
        path,
        handler: on(filter, handler),
    }
}

const GET: (Method, MethodFilter) = (Method::GET, MethodFilter::GET);
const POST: (Method, MethodFilter) = (Method::POST, MethodFilter::POST);
const PATCH: (Method, MethodFilter) = (Method::PATCH, MethodFilter::PATCH);
const DELETE: (Method, MethodFilter) = (Method::DELETE, MethodFilter::DELETE);

/// Every route there is; `openapi.json` describes the same.
pub(crate) fn table() -> Vec<Route> {
    vec![
        // A story and how far it is.
        route(POST, "/stories", stories::create),
        route(GET, "/stories", stories::list),
        route(POST, "/stories/bulk", bulk::create),
        route(GET, "/stories/{id}", stories::show),
        route(PATCH, "/stories/{id}", stories::change),
        route(DELETE, "/stories/{id}", stories::remove),
        route(POST, "/stories/{id}/share", shares::create),
        route(DELETE, "/stories/{id}/share", shares::remove),
        route(POST, "/stories/{id}/shop", shop::publish),
        route(GET, "/stories/{id}/shop", shop::show),
        route(GET, "/stories/{id}/assets/status", assets::status),
        route(GET, "/stories/{id}/history", assets::history),
        route(GET, "/stories/{id}/why", assets::why),
        // What a user may ask of a story that exists.
        route(
            POST,
            "/stories/{id}/assets/generate",
            assets::command::<GenerateRequest>,
        ),
        route(
            POST,
            "/stories/{id}/assets/retry",
            assets::command::<RetryRequest>,
        ),
        route(
            POST,
            "/stories/{id}/assets/regenerate",
            assets::command::<RegenerateRequest>,
        ),
        route(
            POST,
            "/stories/{id}/assets/continue",
            assets::command::<ContinueRequest>,
        ),
        route(
            POST,
            "/stories/{id}/assets/cancel",
            assets::command::<CancelRequest>,
        ),
        route(
            POST,
            "/stories/{id}/assets/restore",
            assets::command::<RestoreRequest>,
        ),
        route(POST, "/stories/{id}/assets/estimate", assets::estimate),
        route(
            POST,
            "/stories/{id}/art/regenerate",
            assets::command::<PictureRequest>,
        ),
        route(POST, "/stories/{id}/audio", audio::narrate),
        route(GET, "/audio/voices", audio::voices),
        // Heroes, shelves, and the user.
        route(POST, "/characters", characters::create),
        route(GET, "/characters", characters::list),
        route(GET, "/characters/{id}", characters::show),
        route(PATCH, "/characters/{id}", characters::change),
        route(DELETE, "/characters/{id}", characters::remove),
        route(POST, "/characters/{id}/uploads", uploads::create),
        route(POST, "/characters/{id}/sheet", characters::draw_sheet),
        route(GET, "/libraries", libraries::list),
        route(POST, "/libraries", libraries::create),
        route(PATCH, "/libraries/{id}", libraries::rename),
        route(GET, "/webhooks", webhooks::list),
        route(POST, "/webhooks", webhooks::create),
        route(PATCH, "/webhooks/{id}", webhooks::change),
        route(DELETE, "/webhooks/{id}", webhooks::remove),
        route(POST, "/webhooks/{id}/rotate", webhooks::rotate),
        route(GET, "/webhooks/{id}/deliveries", webhooks::deliveries),
        route(
            POST,
            "/webhooks/{id}/deliveries/{delivery}/redeliver",
            webhooks::redeliver,
        ),
        route(GET, "/shop/connection", shop::connection),
        route(POST, "/shop/connection", shop::connect),
        route(DELETE, "/shop/connection", shop::disconnect),
        route(GET, "/users/me", users::show),
        route(PATCH, "/users/me", users::change),
        route(DELETE, "/users/me", users::remove),
        route(GET, "/users/me/usage", users::usage),
        // Open to everybody.
        route(GET, "/characters/traits", characters::traits),
        route(GET, "/plans", plans::list),
        route(GET, "/shared/{token}", shares::show),
        route(GET, "/shared/{token}/book", shares::book),
        // By the link in a mail.
        route(POST, "/notices/unsubscribe/{token}", notices::unsubscribe),
        route(GET, "/notices/unsubscribe/{token}", notices::look),
        // Signed by whoever sends it.
        route(POST, "/webhooks/incoming/{sender}", incoming::receive),
        route(GET, "/health", health::health),
        route(GET, "/openapi.json", openapi::document),
    ]
}

pub(crate) fn router(deps: AppState) -> Router {
    table()
        .into_iter()
        .fold(Router::new(), |router, route| {
            router.route(&format!("{BASE}{}", route.path), route.handler)
        })
        .fallback(async || ApiError::new(Code::NotFound, "There is nothing at this path."))
        .method_not_allowed_fallback(async || {
            ApiError::new(
                Code::MethodNotAllowed,
                "This path does not know this method; Allow lists those it knows.",
            )
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(log_request))
        .with_state(deps)
}
