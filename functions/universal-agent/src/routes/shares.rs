//! Sharing a finished book by a link: its owner makes it and takes it back, whoever has it reads.

use crate::{
    answer::{Answer, Gone},
    deps::AppState,
    error::{ApiError, Code},
    extract::{Anyone, Keyed, PathStoryId, SignedIn},
};
use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::Value;
use store::{Share, ShareToken};

/// A link to a book. The token stands behind `#`, which no server and no log sees.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShareLink {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(flatten)]
    share: Share,
}

/// `POST /stories/{id}/share`: a link that reads for 30 days; asked again, the same for 30 days more.
pub(crate) async fn create(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathStoryId(id): PathStoryId,
    // Nothing to replay: asked again, the answer is the same link.
    Keyed(_): Keyed,
) -> Result<Answer<ShareLink>, ApiError> {
    let share = deps.store.share_story(caller.user_id, id).await?;
    let page = deps.config.page.as_deref();
    let url = page.map(|page| format!("{page}read.html#share={}", share.token.as_ref()));
    Ok(Answer::created(ShareLink { url, share }))
}

/// `DELETE /stories/{id}/share`: whoever has the link reads no more.
pub(crate) async fn remove(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathStoryId(id): PathStoryId,
    Keyed(_): Keyed,
) -> Result<Gone, ApiError> {
    deps.store.unshare_story(caller.user_id, id).await?;
    Ok(Gone { replayed: false })
}

/// `GET /shared/{token}`: the book, for whoever has the link.
pub(crate) async fn show(
    State(deps): State<AppState>,
    _: Anyone,
    Path(token): Path<String>,
) -> Result<Answer<Value>, ApiError> {
    let closed = || ApiError::new(Code::StoryNotFound, "This link opens no story any more.");
    let token: ShareToken = token.parse().map_err(|_| closed())?;
    let story = deps.store.shared_story(&token).await?;
    story.map(Answer::ok).ok_or_else(closed)
}
