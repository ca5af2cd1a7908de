//! Whether the API can do its work: it can when the database answers.

use crate::{answer::Answer, deps::AppState, error::ApiError};
use axum::extract::State;
use runtime::release;
use serde::Serialize;
use std::time::Duration;
use store::PlatformState;

/// A probe waits no longer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

#[derive(Serialize)]
pub(crate) struct Health {
    status: &'static str,
    database: &'static str,
    environment: String,
    version: &'static str,
    commit: &'static str,
    /// What it does at the moment, and why not everything.
    platform: PlatformState,
}

/// `GET /health`: 200, or 503 while the database does not answer.
pub(crate) async fn health(State(deps): State<AppState>) -> Result<Answer<Health>, ApiError> {
    let platform = tokio::time::timeout(ANSWERS_WITHIN, deps.store.platform_state())
        .await
        .map_err(ApiError::unavailable)?
        .map_err(ApiError::unavailable)?;
    Ok(Answer::ok(Health {
        status: "ok",
        database: "ok",
        environment: deps.config.environment.clone(),
        version: release::VERSION,
        commit: release::COMMIT,
        platform,
    }))
}
