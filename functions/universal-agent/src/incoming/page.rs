//! Query strings: `?limit=…&offset=…` and other small wishes.

use crate::error::ApiError;
use axum::{
    RequestPartsExt,
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use serde::{Deserialize, de::DeserializeOwned};
use store::Page;

const LIMIT_DEFAULT: usize = 20;
const LIMIT_MAX: usize = 100;
const OFFSET_MAX: usize = 1_000_000;

/// A query string, or 400.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

/// Which part of a list was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageAsked {
    pub(crate) limit: usize,
    pub(crate) offset: usize,
}

#[derive(Deserialize)]
struct PageForm {
    limit: Option<usize>,
    offset: Option<usize>,
}

impl<S: Send + Sync, T: DeserializeOwned + 'static> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Query(asked) = parts
            .extract::<Query<T>>()
            .await
            .map_err(|rejection| ApiError::invalid("query", rejection.body_text()))?;
        Ok(Self(asked))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageAsked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Asked(form) = Asked::<PageForm>::from_request_parts(parts, state).await?;
        let limit = form.limit.unwrap_or(LIMIT_DEFAULT);
        let offset = form.offset.unwrap_or(0);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(ApiError::invalid(
                "limit",
                "limit must be between 1 and 100",
            ));
        }
        if offset > OFFSET_MAX {
            return Err(ApiError::invalid(
                "offset",
                "offset must be at most 1000000",
            ));
        }
        Ok(Self { limit, offset })
    }
}

impl PageAsked {
    /// The page with one row more, whose presence tells that the list goes on.
    pub(crate) const fn with_one_more(self) -> Page {
        Page {
            limit: self.limit + 1,
            offset: self.offset,
        }
    }

    /// Takes that row away again; true when the list goes on.
    pub(crate) fn cut<T>(self, rows: &mut Vec<T>) -> bool {
        let has_more = rows.len() > self.limit;
        rows.truncate(self.limit);
        has_more
    }
}
