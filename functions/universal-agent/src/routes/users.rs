//! The user: what is used of the plan, and what is left; and an end of it.

use crate::{
    answer::{Answer, Gone},
    deps::AppState,
    error::ApiError,
    extract::SignedIn,
    hand_off::delete_files,
};
use axum::extract::State;
use std::time::Duration;
use store::Usage;

/// A request waits no longer than this for a large account; the queue deletes the rest of it.
const DELETED_WITHIN: Duration = Duration::from_secs(5);

/// `GET /users/me/usage`
pub(crate) async fn usage(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
) -> Result<Answer<Usage>, ApiError> {
    Ok(Answer::ok(deps.store.user_usage(&caller).await?))
}

/// `DELETE /users/me`: everything of the user, the sign-in included. Asked again with the same token it is the same answer.
pub(crate) async fn remove(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
) -> Result<Gone, ApiError> {
    let deleted = deps.store.delete_user(caller.user_id, DELETED_WITHIN);
    let is_done = deleted.await?;
    tracing::info!(isDone = is_done, "User deleted");
    delete_files(&deps).await;
    Ok(Gone { replayed: false })
}
