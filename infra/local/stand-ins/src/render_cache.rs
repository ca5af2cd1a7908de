//! Where heavy answers are made: off the async threads, two at a time, and kept for the next
//! identical request.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OnceCell, Semaphore};

/// About 60 MB of pictures: some eight stories.
const KEPT_MAX: usize = 48;

/// The key under which a made thing is kept: a digest of all that determines it.
pub(crate) type RenderKey = [u8; 32];

/// A thing that is made once, by whoever asks first.
type Cell<T> = Arc<OnceCell<Arc<T>>>;

/// What is rendered, by its key, the oldest first; all caches of one account share their permits.
#[derive(Debug)]
pub(crate) struct RenderCache<T> {
    permits: Arc<Semaphore>,
    kept: Mutex<VecDeque<(RenderKey, Cell<T>)>>,
}

impl<T: Send + Sync + 'static> RenderCache<T> {
    pub(crate) fn new(permits: Arc<Semaphore>) -> Self {
        RenderCache {
            permits,
            kept: Mutex::default(),
        }
    }

    /// What is kept under the key, else renders and keeps it.
    ///
    /// # Errors
    /// When `render` panics; the message says so.
    pub(crate) async fn get_or_render(
        &self,
        key: RenderKey,
        render: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Arc<T>, String> {
        let cell = self.cell(key);
        let make = async || {
            let permit = self.permits.acquire().await;
            let _permit = permit.map_err(|cause| cause.to_string())?;
            let made = tokio::task::spawn_blocking(render).await;
            made.map(Arc::new).map_err(|cause| cause.to_string())
        };
        cell.get_or_try_init(make).await.cloned()
    }

    fn cell(&self, key: RenderKey) -> Cell<T> {
        let mut kept = self.kept.lock();
        if let Some((_, cell)) = kept.iter().find(|(known, _)| *known == key) {
            return Arc::clone(cell);
        }
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        let cell = Cell::default();
        kept.push_back((key, Arc::clone(&cell)));
        cell
    }
}

/// How many renderers may work at once: more would only fight over the two cores of a small machine.
pub(crate) fn permits() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thing_is_made_once_per_key() {
        let cache = RenderCache::new(permits());
        assert_eq!(
            *cache.get_or_render([1; 32], || vec![7]).await.unwrap(),
            vec![7]
        );
        let again = cache
            .get_or_render([1; 32], || panic!("made twice"))
            .await
            .unwrap();
        assert_eq!(*again, vec![7]);
    }

    #[tokio::test]
    async fn the_oldest_things_are_forgotten_first() {
        let cache = RenderCache::new(permits());
        for number in 0..=KEPT_MAX as u8 {
            cache
                .get_or_render([number; 32], move || vec![number])
                .await
                .unwrap();
        }
        assert!(cache.cell([1; 32]).initialized());
        assert!(!cache.cell([0; 32]).initialized());
    }
}
