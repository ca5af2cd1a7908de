//! Libraries: the shelves of a user's stories. Which one a story stands on is changed at the story.

use crate::{
    answer::Answer,
    deps::AppState,
    error::ApiError,
    extract::{Body, Checked, PageQuery, PathId, Posted, SignedIn},
};
use axum::extract::State;
use domain::{LibraryId, library::LibraryName, request::InvalidField};
use serde::{Deserialize, Serialize};
use store::{Created, Library};

/// `{"name": …}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LibraryForm {
    name: String,
}

/// The body of `POST /libraries` and of `PATCH /libraries/{id}`.
#[derive(Serialize)]
pub(crate) struct NewLibrary {
    name: LibraryName,
}

impl Checked for NewLibrary {
    type Form = LibraryForm;

    fn check(form: LibraryForm) -> Result<Self, InvalidField> {
        Ok(Self {
            name: form.name.parse()?,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LibraryList {
    libraries: Vec<Library>,
    limit: usize,
    offset: usize,
    has_more: bool,
}

/// `GET /libraries`: the caller's own, the oldest first.
pub(crate) async fn list(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    page: PageQuery,
) -> Result<Answer<LibraryList>, ApiError> {
    let mut libraries = deps.store.libraries(&caller, page.with_one_more()).await?;
    let has_more = page.cut(&mut libraries);
    Ok(Answer::ok(LibraryList {
        libraries,
        limit: page.limit,
        offset: page.offset,
        has_more,
    }))
}

/// `POST /libraries`
pub(crate) async fn create(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    Posted { body, idempotency }: Posted<NewLibrary>,
) -> Result<Answer<Library>, ApiError> {
    let store = &deps.store;
    let created = store
        .create_library(&caller, &body.name, &idempotency)
        .await?;
    let replayed = matches!(created, Created::Replayed(_));
    Ok(Answer::created(created.into_inner()).replayed(replayed))
}

/// `PATCH /libraries/{id}`: another name.
pub(crate) async fn rename(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<LibraryId>,
    Body(NewLibrary { name }): Body<NewLibrary>,
) -> Result<Answer<Library>, ApiError> {
    let renamed = deps.store.rename_library(caller.user_id, id, &name).await?;
    Ok(Answer::ok(renamed))
}
