//! How many requests a question took: those that were refused or repeated count against a provider's pace as well.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// A count of requests; clones share it.
#[derive(Clone, Debug, Default)]
pub struct CallCount(Arc<AtomicU32>);

impl CallCount {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests sent so far.
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}
