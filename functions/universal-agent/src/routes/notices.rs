//! Mails switched off by the link that each of them has, without a sign-in (RFC 8058). Whom a link is for, its signature says;
//! whether there still is such a user, nobody is told.

use crate::{
    answer::Answer,
    deps::AppState,
    error::{ApiError, Code},
    extract::Anyone,
};
use axum::{
    extract::{Path, State},
    response::Redirect,
};
use domain::UserId;
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct SwitchedOff {
    notices: bool,
}

/// `POST /notices/unsubscribe/{token}`: what a mail program sends at one click. What it sends along says nothing more.
pub(crate) async fn unsubscribe(
    State(deps): State<AppState>,
    _: Anyone,
    Path(token): Path<String>,
) -> Result<Answer<SwitchedOff>, ApiError> {
    deps.store.switch_off_notices(user(&deps, &token)?).await?;
    Ok(Answer::ok(SwitchedOff { notices: false }))
}

/// `GET /notices/unsubscribe/{token}`: for whoever opens the link in a browser. Nothing is switched off by looking, for
/// programs that check links look as well; it leads to the page.
pub(crate) async fn look(
    State(deps): State<AppState>,
    _: Anyone,
    Path(token): Path<String>,
) -> Result<Redirect, ApiError> {
    user(&deps, &token)?;
    let page = deps.config.page.as_deref().ok_or_else(no_link)?;
    Ok(Redirect::to(&format!("{page}index.html")))
}

fn user(deps: &AppState, token: &str) -> Result<UserId, ApiError> {
    let user = deps.unsubscribing.user_of(token);
    user.and_then(|user| user.parse().ok()).ok_or_else(no_link)
}

fn no_link() -> ApiError {
    ApiError::new(Code::NotFound, "This is no link of a mail of ours.")
}
