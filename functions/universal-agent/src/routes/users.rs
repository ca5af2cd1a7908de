//! The user: settings, what is used of the plan, and what is left; and an end of it.

use crate::{
    answer::{Answer, Gone},
    deps::AppState,
    error::ApiError,
    extract::{Body, Checked, SignedIn, given},
    hand_off::delete_files,
};
use axum::extract::State;
use domain::request::{InvalidField, check_language};
use serde::Deserialize;
use std::time::Duration;
use store::{SettingsChange, Usage, UserSettings};

/// A request waits no longer than this for a large account; the queue deletes the rest of it.
const DELETED_WITHIN: Duration = Duration::from_secs(5);

/// The body of `PATCH /users/me`: what is there is changed; `null` makes the language that of each story.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SettingsForm {
    #[serde(deserialize_with = "given")]
    notices: Option<bool>,
    #[serde(deserialize_with = "given")]
    language: Option<Option<String>>,
}

/// A change that changes something.
pub(crate) struct Settings(SettingsChange);

impl Checked for Settings {
    type Form = SettingsForm;

    fn check(SettingsForm { notices, language }: SettingsForm) -> Result<Self, InvalidField> {
        if notices.is_none() && language.is_none() {
            return Err(InvalidField::new("body", "must change something"));
        }
        if let Some(Some(language)) = &language {
            check_language(language)?;
        }
        Ok(Self(SettingsChange { notices, language }))
    }
}

/// `GET /users/me`
pub(crate) async fn show(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
) -> Result<Answer<UserSettings>, ApiError> {
    let unchanged = SettingsChange::default();
    Ok(Answer::ok(
        deps.store.user_settings(&caller, &unchanged).await?,
    ))
}

/// `PATCH /users/me`
pub(crate) async fn change(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    Body(Settings(change)): Body<Settings>,
) -> Result<Answer<UserSettings>, ApiError> {
    Ok(Answer::ok(
        deps.store.user_settings(&caller, &change).await?,
    ))
}

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
