//! What there is to choose between before anybody has signed in: plans and packs.

use crate::{answer::Answer, deps::AppState, error::ApiError};
use axum::{
    extract::State,
    http::{HeaderName, header},
};
use store::Plans;

/// `GET /plans`: what a page with prices shows.
pub(crate) async fn list(
    State(deps): State<AppState>,
) -> Result<([(HeaderName, &'static str); 1], Answer<Plans>), ApiError> {
    let plans = deps.plans.get(deps.store.plans()).await?;
    Ok((
        [(header::CACHE_CONTROL, "public, max-age=300")],
        Answer::ok(plans),
    ))
}
