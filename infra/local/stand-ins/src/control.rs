//! The stand-ins' own route: the list of calls, for whoever times a story. The real services have no such thing.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::config::StandInConfig;

pub(crate) fn routes(config: StandInConfig) -> Router {
    Router::new()
        .route("/_local/calls", get(calls))
        .with_state(config)
}

async fn calls(State(config): State<StandInConfig>) -> Json<Value> {
    Json(json!({ "calls": config.calls() }))
}
