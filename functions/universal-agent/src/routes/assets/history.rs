//! What a story was before: every version of its text and of its assets, any of which can be shown again.

use crate::{
    answer::Answer,
    deps::AppState,
    error::ApiError,
    extract::{PathStoryId, SignedIn},
};
use axum::extract::State;
use store::StoryHistory;

/// `GET /stories/{id}/history`
pub(crate) async fn history(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathStoryId(story): PathStoryId,
) -> Result<Answer<StoryHistory>, ApiError> {
    let history = deps.store.story_history(caller.user_id, story).await?;
    Ok(Answer::ok(history))
}
