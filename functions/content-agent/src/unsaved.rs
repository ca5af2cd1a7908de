//! When what stands of a text is saved, while it is written here.

use crate::{
    attempt::Attempt,
    telling::{Changes, Telling},
};
use domain::story::Manuscript;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Between two savings of what stands of a text: readers see it grow at most once a second.
const MANUSCRIPT_PAUSE: Duration = Duration::from_secs(1);

/// What stands of the text and is not saved yet.
pub(crate) struct Unsaved {
    changes: Changes,
    /// The outline and the beats that are saved, or on their way.
    pub(crate) parts: usize,
    pub(crate) last: Option<Instant>,
    pub(crate) is_under_way: bool,
    /// The job that writes it.
    pub(crate) writer: Option<Arc<Attempt>>,
}

impl Unsaved {
    pub(crate) fn of(telling: &Telling) -> Self {
        Self {
            changes: telling.changes(),
            parts: 0,
            last: None,
            is_under_way: false,
            writer: None,
        }
    }

    /// Waits until more of it stands than was saved, and the last saving is long enough ago.
    pub(crate) async fn due(&mut self) -> Arc<Manuscript> {
        if self.is_under_way || self.writer.is_none() {
            std::future::pending::<()>().await;
        }
        self.changes.more_than(self.parts).await;
        if let Some(last) = self.last {
            tokio::time::sleep_until((last + MANUSCRIPT_PAUSE).into()).await;
        }
        // More of it may have come meanwhile.
        self.changes.more_than(self.parts).await
    }
}
