//! The text of a story while it is written here: what stands of it so far, for whatever is begun beside it.

use domain::story::{BEATS, Beat, Manuscript};
use std::sync::Arc;
use tokio::sync::watch;

/// What stands of the text.
#[derive(Clone, Debug, Default)]
struct Told {
    /// Nothing before the outline stands.
    manuscript: Option<Arc<Manuscript>>,
    /// Somebody writes it here.
    is_live: bool,
}

/// Shared by the attempt that writes and by those who read along.
#[derive(Debug, Default)]
pub(crate) struct Telling(watch::Sender<Told>);

impl Telling {
    /// An attempt begins, with what an earlier one left.
    pub(crate) fn begin(&self, manuscript: Option<Manuscript>) {
        self.0.send_replace(Told {
            manuscript: manuscript.map(Arc::new),
            is_live: true,
        });
    }

    /// More of it stands.
    pub(crate) fn add(&self, manuscript: Manuscript) {
        let told = |told: &mut Told| told.manuscript = Some(Arc::new(manuscript));
        self.0.send_modify(told);
    }

    /// The attempt is over: the database has the text, or nobody writes it here any more.
    pub(crate) fn end(&self) {
        self.0.send_modify(|told| told.is_live = false);
    }

    pub(crate) fn manuscript(&self) -> Option<Arc<Manuscript>> {
        self.0.borrow().manuscript.clone()
    }

    pub(crate) fn changes(&self) -> Changes {
        Changes(self.0.subscribe())
    }

    /// Waits for a beat, counted from 0. `None` when nobody writes it here.
    pub(crate) async fn beat(&self, index: usize) -> Option<Beat> {
        let find = |told: &Told| told.manuscript.as_ref()?.beats.get(index).cloned();
        let mut told = self.0.subscribe();
        let found = told.wait_for(|told| find(told).is_some() || !told.is_live);
        found.await.ok().and_then(|told| find(&told))
    }

    /// Waits as long as somebody writes here.
    pub(crate) async fn ended(&self) {
        let mut told = self.0.subscribe();
        // The sender is here, so that there is nothing else to be told.
        let _ = told.wait_for(|told| !told.is_live).await;
    }
}

/// What of a text stands and is not saved yet.
pub(crate) struct Changes(watch::Receiver<Told>);

impl Changes {
    /// Waits until more parts stand than these: the outline is the first, and each beat another. The last beat is not waited
    /// for, because the text follows it.
    pub(crate) async fn more_than(&mut self, parts: usize) -> Arc<Manuscript> {
        let found = self.0.wait_for(|told| {
            let manuscript = told.manuscript.as_ref();
            told.is_live && manuscript.is_some_and(|one| parts_of(one).min(BEATS) > parts)
        });
        let manuscript = match found.await {
            Ok(told) => told.manuscript.clone(),
            Err(_) => None,
        };
        match manuscript {
            Some(manuscript) => manuscript,
            None => std::future::pending().await,
        }
    }
}

/// The outline, and each beat.
pub(crate) fn parts_of(manuscript: &Manuscript) -> usize {
    1 + manuscript.beats.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manuscript(beats: usize) -> Manuscript {
        let outline = json!({"hero": "Ember", "want": "light", "obstacle": "the dark", "turn": "a lamp",
            "ending": "home", "title": "Ember", "coverScene": "Ember at a window"});
        let beat = |number| json!({"text": format!("Beat {number}.")});
        let beats: Vec<_> = (0..beats).map(beat).collect();
        serde_json::from_value(json!({"outline": outline, "beats": beats})).expect("a manuscript")
    }

    #[tokio::test]
    async fn whoever_waits_for_a_beat_gets_it_when_it_stands_or_learns_that_nobody_writes_it() {
        let telling = Telling::default();
        assert!(telling.beat(0).await.is_none(), "nobody has begun");
        telling.begin(Some(manuscript(1)));
        assert_eq!(telling.beat(0).await.expect("a beat").text, "Beat 0.");
        let (second, fourth, ()) = tokio::join!(telling.beat(1), telling.beat(3), async {
            telling.add(manuscript(2));
            tokio::task::yield_now().await;
            telling.end();
        });
        assert_eq!(second.expect("a beat").text, "Beat 1.");
        assert!(fourth.is_none());
    }

    #[tokio::test]
    async fn what_stands_is_saved_once_and_the_last_beat_with_the_text() {
        let telling = Telling::default();
        let mut changes = telling.changes();
        telling.begin(None);
        telling.add(manuscript(0));
        assert_eq!(changes.more_than(0).await.beats.len(), 0);
        telling.add(manuscript(3));
        assert_eq!(changes.more_than(1).await.beats.len(), 3);
        telling.add(manuscript(4));
        let further = changes.more_than(4);
        let soon = std::time::Duration::from_millis(10);
        assert!(tokio::time::timeout(soon, further).await.is_err());
    }
}
