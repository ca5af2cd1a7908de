//! Query strings: `?limit=…&offset=…` and other small wishes.

use crate::error::ApiError;
use axum::{extract::FromRequestParts, http::request::Parts};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer, de::value::StrDeserializer};
use std::str::FromStr;
use store::{Page, Place, StoryColumns};
use url::form_urlencoded;

const LIMIT_DEFAULT: usize = 20;
const LIMIT_MAX: usize = 100;
const OFFSET_MAX: usize = 1_000_000;

/// The members of a query string, each at most once. What nobody asks for is passed over: proxies and browsers add some.
#[derive(Clone, Debug)]
pub(crate) struct Query(Vec<(String, String)>);

/// Where a page of a list begins, in one word that means nothing to whoever sends it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor(pub(crate) Place);

impl FromStr for Cursor {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        let (micros, id) = word.split_once('.').ok_or(())?;
        let micros = micros.parse().map_err(drop)?;
        let moment = Timestamp::from_microsecond(micros).map_err(drop)?;
        Ok(Self(Place {
            created_at: moment.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string(),
            id: id.parse().map_err(drop)?,
        }))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Place { created_at, id } = &self.0;
        let moment: Timestamp = created_at.parse().map_err(serde::ser::Error::custom)?;
        serializer.collect_str(&format_args!("{}.{id}", moment.as_microsecond()))
    }
}

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

    /// One of the words that `T` knows.
    pub(crate) fn word<T: for<'de> Deserialize<'de>>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, ApiError> {
        let parse = |text| {
            let parsed = T::deserialize(StrDeserializer::<serde::de::value::Error>::new(text));
            parsed.map_err(|_| ApiError::invalid(name, format!("{name} is none of those known")))
        };
        self.value(name)?.map(parse).transpose()
    }

    /// Where the page begins, as an earlier one told.
    pub(crate) fn cursor(&self) -> Result<Option<Cursor>, ApiError> {
        let parse = |text: &str| {
            let problem = "cursor must be the nextCursor of an earlier page";
            text.parse()
                .map_err(|()| ApiError::invalid("cursor", problem))
        };
        self.value("cursor")?.map(parse).transpose()
    }

    /// Those of `all` that `fields` names; all where it is left out.
    pub(crate) fn fields(&self, all: StoryColumns) -> Result<StoryColumns, ApiError> {
        // One after the other, or each by itself: clients are generated that send it so.
        let named = self.0.iter().filter(|(name, _)| name == "fields");
        let named: Vec<_> = named.map(|(_, names)| names.as_str()).collect();
        if named.is_empty() {
            return Ok(all);
        }
        all.only(&named.join(",")).map_err(|_| {
            let known = all.known().collect::<Vec<_>>().join(",");
            ApiError::invalid("fields", format!("fields must be some of {known}"))
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went_and_what_is_none_is_refused() {
        let word = "1767225600123456.01234567-89ab-cdef-0123-456789abcdef";
        let cursor: Cursor = word.parse().unwrap();
        assert_eq!(cursor.0.created_at, "2026-01-01T00:00:00.123456+00:00");
        assert_eq!(serde_json::to_value(&cursor).unwrap(), word);
        for none in [
            "",
            "1",
            "x.y",
            "1.",
            "1.0),or(id.gt.0",
            "99999999999999999999.a",
        ] {
            assert!(none.parse::<Cursor>().is_err(), "{none}");
        }
    }
}
