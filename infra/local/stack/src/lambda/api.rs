//! Everything the emulator answers over HTTP, on one port.

pub(crate) mod invoke;
pub(crate) mod runtime;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::{any, get, post},
};
use http::{StatusCode, Uri};
use serde_json::json;

use crate::lambda::{function_url, metrics::Metrics, state::Core};

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
        // What AWS does not have: for whoever wants to know what a story cost.
        .route("/_local/metrics", get(metrics))
        .fallback(unknown_path);
    if core.config.url_function.is_some() {
        router = router.route("/api/{*path}", any(function_url::serve));
    }
    router.with_state(core)
}

async fn metrics(State(core): State<Arc<Core>>) -> Json<Metrics> {
    Json(core.ledger.totals())
}

async fn unknown_path(uri: Uri) -> Response {
    let message = format!("The local Lambda serves nothing at {}", uri.path());
    (StatusCode::NOT_FOUND, Json(json!({ "Message": message }))).into_response()
}
