//! What there is to choose between before anybody has signed in: plans and packs.

use crate::{
    answer::{Answer, Caching, Tagged},
    deps::AppState,
    error::ApiError,
    extract::Held,
};
use axum::extract::State;
use store::Plans;

/// `GET /plans`: what a page with prices shows.
pub(crate) async fn list(
    State(deps): State<AppState>,
    held: Held,
) -> Result<Tagged<Plans>, ApiError> {
    let plans = deps.plans.get(deps.store.plans()).await?;
    Ok(Tagged {
        answer: Answer::ok(plans),
        held,
        caching: Caching::Public("public, max-age=300"),
    })
}
