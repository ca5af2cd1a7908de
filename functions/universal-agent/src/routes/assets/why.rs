//! Why a story is not whole, for whoever waits for it.

use crate::{
    answer::Answer,
    deps::AppState,
    error::ApiError,
    extract::{PathStoryId, SignedIn},
};
use axum::extract::State;
use store::StoryWhy;

/// `GET /stories/{id}/why`
pub(crate) async fn why(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathStoryId(story): PathStoryId,
) -> Result<Answer<StoryWhy>, ApiError> {
    let why = deps.store.story_why(caller.user_id, story).await?;
    Ok(Answer::ok(why))
}
