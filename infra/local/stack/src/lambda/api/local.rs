//! `/_local/…`: what AWS does not have, for tests and for looking inside.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::lambda::{
    config::Faults,
    dead_letters::DeadLetter,
    instance::InstanceView,
    metrics::{InvocationRecord, Metrics},
    state::Core,
};

pub(crate) async fn metrics(State(core): State<Arc<Core>>) -> Json<Metrics> {
    Json(core.ledger.totals())
}

pub(crate) async fn invocations(State(core): State<Arc<Core>>) -> Json<Vec<InvocationRecord>> {
    Json(core.ledger.records())
}

pub(crate) async fn instances(State(core): State<Arc<Core>>) -> Json<Vec<InstanceView>> {
    Json(core.instance_views())
}

pub(crate) async fn dead_letters(State(core): State<Arc<Core>>) -> Json<Vec<DeadLetter>> {
    Json(core.dead_letters.all())
}

pub(crate) async fn faults(State(core): State<Arc<Core>>) -> Json<Faults> {
    Json(*core.faults.lock())
}

pub(crate) async fn set_faults(
    State(core): State<Arc<Core>>,
    Json(faults): Json<Faults>,
) -> Json<Faults> {
    *core.faults.lock() = faults;
    Json(faults)
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SchedulesSwitch {
    paused: bool,
}

pub(crate) async fn set_schedules(
    State(core): State<Arc<Core>>,
    Json(switch): Json<SchedulesSwitch>,
) -> Json<SchedulesSwitch> {
    core.schedules_paused
        .store(switch.paused, Ordering::Relaxed);
    Json(switch)
}

pub(crate) async fn tick(State(core): State<Arc<Core>>, Path(rule): Path<String>) -> Response {
    match core.tick(&rule) {
        Ok(request_id) => (
            StatusCode::ACCEPTED,
            Json(json!({ "requestId": request_id })),
        )
            .into_response(),
        Err(error) => (
            StatusCode::NOT_FOUND,
            Json(json!({ "message": error.to_string() })),
        )
            .into_response(),
    }
}
