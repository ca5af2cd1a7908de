//! What the two providers and the storage do to us: refusing, failing, hanging, and running out of money.

pub(crate) mod budget;
pub(crate) mod circuit;
pub(crate) mod files;
pub(crate) mod hang;
pub(crate) mod poison;
pub(crate) mod ratelimit;
pub(crate) mod refusal;

use std::time::Duration;

/// Longest any wave of stories here may take.
const SETTLED_WITHIN: Duration = Duration::from_secs(900);
