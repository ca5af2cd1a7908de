//! What comes in, believed piece by piece: who asks, ids, pages, bodies, idempotency keys.

mod body;
mod ids;
mod page;
mod posted;
mod signed_in;

pub(crate) use body::{BODY_BYTES_MAX, Body, Checked};
pub(crate) use ids::{InPath, StoryInPath};
pub(crate) use page::{Asked, PageAsked};
pub(crate) use posted::Posted;
pub(crate) use signed_in::SignedIn;
