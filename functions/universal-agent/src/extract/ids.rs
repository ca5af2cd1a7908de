//! Ids in paths: a UUID, or 400 before anything is asked of the database.

use crate::{error::ApiError, request_log::note_story};
use axum::{
    RequestPartsExt,
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use domain::StoryId;
use std::str::FromStr;

/// The `{id}` of the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathId<T>(pub(crate) T);

/// The `{id}` of a path below `/stories`; the request's log line carries it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathStoryId(pub(crate) StoryId);

/// The `{id}` of the path and the `{delivery}` below it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathIds<A, B>(pub(crate) A, pub(crate) B);

impl<S: Send + Sync, A: FromStr, B: FromStr> FromRequestParts<S> for PathIds<A, B> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let invalid = |name: &str| ApiError::invalid(name, format!("{name} must be a UUID"));
        let texts = parts.extract::<Path<(String, String)>>().await;
        let Path((first, second)) = texts.map_err(|_| invalid("id"))?;
        Ok(Self(
            first.parse().map_err(|_| invalid("id"))?,
            second.parse().map_err(|_| invalid("delivery"))?,
        ))
    }
}

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for PathId<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let text = parts.extract::<Path<String>>().await;
        text.ok()
            .and_then(|Path(text)| text.parse().ok())
            .map(Self)
            .ok_or_else(|| ApiError::invalid("id", "id must be a UUID"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathStoryId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let PathId(id) = PathId::from_request_parts(parts, state).await?;
        note_story(id);
        Ok(Self(id))
    }
}
