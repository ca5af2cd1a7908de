//! Sharing a finished book by a link: its owner makes it and takes it back, whoever has it reads.

use crate::{
    answer::{Answer, Gone},
    deps::{AppState, Deps},
    error::{ApiError, Code},
    extract::{Anyone, Keyed, PathStoryId, SignedIn},
};
use axum::{
    extract::{Path, State},
    response::Redirect,
};
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
    let url = reader(&deps, &share.token);
    Ok(Answer::created(ShareLink { url, share }))
}

fn reader(deps: &Deps, token: &ShareToken) -> Option<String> {
    let page = deps.config.page.as_deref()?;
    Some(format!("{page}read.html#share={}", token.as_ref()))
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
    let (story, _) = opened(&deps, &token).await?;
    Ok(Answer::ok(story))
}

/// `GET /shared/{token}/book`: to the book's page, which needs no script; to the reader while no book is bound.
pub(crate) async fn book(
    State(deps): State<AppState>,
    _: Anyone,
    Path(token): Path<String>,
) -> Result<Redirect, ApiError> {
    let (story, token) = opened(&deps, &token).await?;
    let page = story.pointer("/asset_generation_status/assets/pdf/metadata/htmlUrl");
    let page = page.and_then(Value::as_str).map(str::to_owned);
    let page = page.or_else(|| reader(&deps, &token)).ok_or_else(closed)?;
    Ok(Redirect::to(&page))
}

async fn opened(deps: &Deps, token: &str) -> Result<(Value, ShareToken), ApiError> {
    let token: ShareToken = token.parse().map_err(|_| closed())?;
    let story = deps.store.shared_story(&token).await?;
    Ok((story.ok_or_else(closed)?, token))
}

fn closed() -> ApiError {
    ApiError::new(Code::StoryNotFound, "This link opens no story any more.")
}
