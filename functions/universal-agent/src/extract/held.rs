//! What the asker holds already: the tags of `If-None-Match`.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use std::convert::Infallible;

/// The tags of answers that the asker still has; none where it names none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held(String);

impl<S: Send + Sync> FromRequestParts<S> for Held {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let lists = parts.headers.get_all(header::IF_NONE_MATCH).iter();
        let lists: Vec<_> = lists.filter_map(|list| list.to_str().ok()).collect();
        Ok(Self(lists.join(",")))
    }
}

impl Held {
    /// Compared weakly, for whoever compresses an answer on its way marks its tag as weak (RFC 9110, 13.1.2). Our tags hold
    /// no comma.
    pub(crate) fn has(&self, tag: &str) -> bool {
        let mut tags = self.0.split(',').map(str::trim);
        tags.any(|held| held == "*" || held.trim_start_matches("W/") == tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list_weak_or_not_and_no_other_is() {
        for held in ["\"a\"", "W/\"a\"", "\"b\", W/\"a\"", "*", " \"a\" ,\"c\""] {
            assert!(Held(held.to_owned()).has("\"a\""), "{held}");
        }
        for other in ["", "a", "\"b\"", "\"aa\"", "w/\"a\""] {
            assert!(!Held(other.to_owned()).has("\"a\""), "{other}");
        }
    }
}
