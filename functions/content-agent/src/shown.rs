//! What readers are to see of an asset that is being made, on its way to the row: it goes with the next heartbeat.

use domain::reason::Reason;
use serde_json::{Map, Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::Notify;

const PREVIEW: &str = "previewUrl";

/// Members of an asset's `metadata` that the database has not been told of yet.
pub(crate) struct Shown {
    untold: Mutex<Map<String, Value>>,
    has_preview: AtomicBool,
    /// Brings the next heartbeat forward.
    news: Arc<Notify>,
}

impl Shown {
    pub(crate) fn new(news: Arc<Notify>) -> Self {
        Self {
            untold: Mutex::default(),
            has_preview: AtomicBool::new(false),
            news,
        }
    }

    fn note(&self, name: &str, value: Value) {
        let mut untold = self.untold.lock().expect("no holder panics");
        untold.insert(name.to_owned(), value);
    }

    /// Why it is not what it would have been.
    pub(crate) fn note_reason(&self, reason: Reason) {
        self.note("reason", json!(reason));
    }

    /// Where a glimpse of it lies, which is worth a heartbeat of its own.
    pub(crate) fn show_preview(&self, url: &str) {
        self.has_preview.store(true, Ordering::Relaxed);
        self.note(PREVIEW, json!(url));
        self.news.notify_one();
    }

    /// Nobody is to see the glimpse any more.
    pub(crate) fn hide_preview(&self) {
        if self.has_preview.load(Ordering::Relaxed) {
            self.note(PREVIEW, Value::Null);
        }
    }

    /// The picture is there, and the database forgets the glimpse with it. Answers the address of one that it never heard of.
    pub(crate) fn end_preview(&self) -> Option<String> {
        let mut untold = self.untold.lock().expect("no holder panics");
        untold.remove(PREVIEW)?.as_str().map(str::to_owned)
    }

    /// What is to be told; it stays until [`Self::forget`].
    pub(crate) fn untold(&self) -> Option<Value> {
        let untold = self.untold.lock().expect("no holder panics");
        (!untold.is_empty()).then(|| untold.clone().into())
    }

    /// Forgets what the database has now. What came up meanwhile stays.
    pub(crate) fn forget(&self, told: Option<&Value>) {
        let mut untold = self.untold.lock().expect("no holder panics");
        untold.retain(|name, value| told.and_then(|told| told.get(name)) != Some(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_up_while_a_heartbeat_was_under_way_goes_with_the_next() {
        let shown = Shown::new(Arc::default());
        shown.hide_preview();
        assert_eq!(shown.untold(), None, "what nobody saw needs no hiding");
        shown.show_preview("https://a");
        let told = shown.untold();
        shown.hide_preview();
        shown.forget(told.as_ref());
        assert_eq!(shown.untold(), Some(json!({ PREVIEW: null })));
        shown.forget(shown.untold().as_ref());
        assert_eq!(shown.untold(), None);
        shown.show_preview("https://b");
        assert_eq!(shown.end_preview().as_deref(), Some("https://b"));
        assert_eq!(shown.untold(), None);
    }
}
