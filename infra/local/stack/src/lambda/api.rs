//! Everything the emulator answers over HTTP, on one port.

pub(crate) mod invoke;
mod local;
pub(crate) mod runtime;

use std::sync::Arc;

use axum::{
    Json, Router,
    response::{IntoResponse as _, Response},
    routing::{any, get, post, put},
};
use http::{StatusCode, Uri};
use serde_json::json;

use crate::lambda::{function_url, state::Core};

pub(crate) fn router(core: Arc<Core>) -> Router {
    let mut router = Router::new()
        // Spoken by the functions, each below its own token.
        .route(
            "/.rt/{token}/2018-06-01/runtime/invocation/next",
            get(runtime::next),
        )
        .route(
            "/.rt/{token}/2018-06-01/runtime/invocation/{id}/response",
            post(runtime::response),
        )
        .route(
            "/.rt/{token}/2018-06-01/runtime/invocation/{id}/error",
            post(runtime::error),
        )
        .route(
            "/.rt/{token}/2018-06-01/runtime/init/error",
            post(runtime::init_error),
        )
        // Spoken by AWS SDKs and the AWS CLI.
        .route(
            "/2015-03-31/functions/{name}/invocations",
            post(invoke::invoke),
        )
        // For tests and curious developers.
        .route("/_local/metrics", get(local::metrics))
        .route("/_local/invocations", get(local::invocations))
        .route("/_local/instances", get(local::instances))
        .route("/_local/dead-letters", get(local::dead_letters))
        .route("/_local/faults", get(local::faults).put(local::set_faults))
        .route("/_local/schedules", put(local::set_schedules))
        .route("/_local/tick/{rule}", post(local::tick))
        .fallback(unknown_path);
    if core.config.url_function.is_some() {
        router = router.route("/api/{*path}", any(function_url::serve));
    }
    router.with_state(core)
}

async fn unknown_path(uri: Uri) -> Response {
    let message = format!("The local Lambda serves nothing at {}", uri.path());
    (StatusCode::NOT_FOUND, Json(json!({ "Message": message }))).into_response()
}
