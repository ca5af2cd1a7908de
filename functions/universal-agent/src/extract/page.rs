//! Query strings: `?limit=…&offset=…` and other small wishes.

use crate::error::ApiError;
use axum::{extract::FromRequestParts, http::request::Parts};
use std::str::FromStr;
use store::Page;
use url::form_urlencoded;

const LIMIT_DEFAULT: usize = 20;
const LIMIT_MAX: usize = 100;
const OFFSET_MAX: usize = 1_000_000;

/// The members of a query string, each at most once. What nobody asks for is passed over: proxies and browsers add some.
#[derive(Clone, Debug)]
pub(crate) struct Query(Vec<(String, String)>);

/// Which part of a list was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageQuery {
    pub(crate) limit: usize,
    pub(crate) offset: usize,
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        ))
    }
}

impl Query {
    fn value(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        let mut given = self.0.iter().filter(|(given, _)| given == name);
        match (given.next(), given.next()) {
            (_, Some(_)) => Err(ApiError::invalid(name, format!("{name} is given twice"))),
            (first, None) => Ok(first.map(|(_, value)| value.as_str())),
        }
    }

    fn number(&self, name: &'static str) -> Result<Option<usize>, ApiError> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|_| ApiError::invalid(name, format!("{name} must be a whole number")))
        };
        self.value(name)?.map(parse).transpose()
    }

    /// A UUID, where there is one.
    pub(crate) fn id<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, ApiError> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|_| ApiError::invalid(name, format!("{name} must be a UUID")))
        };
        self.value(name)?.map(parse).transpose()
    }

    /// `true` or `false`; left out it is `false`.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, ApiError> {
        match self.value(name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(ApiError::invalid(
                name,
                format!("{name} must be true or false"),
            )),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::from_request_parts(parts, state).await?;
        let limit = query.number("limit")?.unwrap_or(LIMIT_DEFAULT);
        let offset = query.number("offset")?.unwrap_or(0);
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

impl PageQuery {
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
