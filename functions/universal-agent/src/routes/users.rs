//! The user: what is used of the plan, and what is left.

use crate::{answer::Answer, deps::AppState, error::ApiError, extract::SignedIn};
use axum::extract::State;
use store::Usage;

/// `GET /users/me/usage`
pub(crate) async fn usage(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
) -> Result<Answer<Usage>, ApiError> {
    Ok(Answer::ok(deps.store.user_usage(&caller).await?))
}
