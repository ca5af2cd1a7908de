//! What comes in, believed piece by piece: who asks, ids, pages, bodies, idempotency keys.

mod anyone;
mod body;
mod complaints;
mod held;
mod ids;
mod json;
mod page;
mod posted;
mod signed_in;

pub(crate) use anyone::Anyone;
pub(crate) use body::{BODY_BYTES_MAX, Body, Checked};
pub(crate) use complaints::check;
pub(crate) use held::Held;
pub(crate) use ids::{PathId, PathIds, PathStoryId};
pub(crate) use page::{Cursor, PageQuery, Query};
pub(crate) use posted::{Keyed, Posted};
pub(crate) use signed_in::SignedIn;

use serde::{Deserialize, Deserializer};

/// For a field that may be left out and must not be `null`: what is there is read as `T` itself.
pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}
