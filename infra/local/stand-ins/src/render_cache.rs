//! Where heavy answers are made: off the async threads, two at a time, and kept for the next
//! identical request.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

/// About 60 MB of pictures: some eight stories.
const KEPT_MAX: usize = 48;

/// The key under which a made thing is kept: a digest of all that determines it.
pub(crate) type RenderKey = [u8; 32];

/// What is rendered, by its key; all caches of one account share their permits.
#[derive(Debug)]
pub(crate) struct RenderCache<T> {
    permits: Arc<Semaphore>,
    kept: Mutex<Kept<T>>,
}

#[derive(Debug)]
struct Kept<T> {
    things: HashMap<RenderKey, Arc<T>>,
    oldest_first: VecDeque<RenderKey>,
}

impl<T: Send + Sync + 'static> RenderCache<T> {
    pub(crate) fn new(permits: Arc<Semaphore>) -> Self {
        let kept = Kept {
            things: HashMap::new(),
            oldest_first: VecDeque::new(),
        };
        RenderCache {
            permits,
            kept: Mutex::new(kept),
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
        if let Some(thing) = self.find(&key) {
            return Ok(thing);
        }
        let permit = self.permits.acquire().await;
        let _permit = permit.map_err(|cause| cause.to_string())?;
        // Another request for the same thing may have made it while this one waited.
        if let Some(thing) = self.find(&key) {
            return Ok(thing);
        }
        let made = tokio::task::spawn_blocking(render).await;
        Ok(self.keep(key, made.map_err(|cause| cause.to_string())?))
    }

    fn find(&self, key: &RenderKey) -> Option<Arc<T>> {
        self.kept.lock().things.get(key).cloned()
    }

    fn keep(&self, key: RenderKey, made: T) -> Arc<T> {
        let thing = Arc::new(made);
        let mut kept = self.kept.lock();
        if kept.things.insert(key, Arc::clone(&thing)).is_none() {
            kept.oldest_first.push_back(key);
        }
        if kept.oldest_first.len() > KEPT_MAX
            && let Some(oldest) = kept.oldest_first.pop_front()
        {
            kept.things.remove(&oldest);
        }
        thing
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
        assert!(cache.find(&[0; 32]).is_none());
        assert!(cache.find(&[1; 32]).is_some());
    }
}
