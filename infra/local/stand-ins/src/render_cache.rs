//! Where heavy answers are made: off the async threads, two at a time, and kept for the next
//! identical request.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

/// More than two at once would only fight over the two cores of a small machine.
const RENDERERS_MAX: usize = 2;
/// About 60 MB of pictures and speech: some eight stories.
const KEPT_MAX: usize = 48;

/// The key under which a made thing is kept: a digest of all that determines it.
pub(crate) type RenderKey = [u8; 32];

#[derive(Debug)]
pub(crate) struct RenderCache {
    permits: Semaphore,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    things: HashMap<RenderKey, Arc<Vec<u8>>>,
    oldest_first: VecDeque<RenderKey>,
}

impl Default for RenderCache {
    fn default() -> Self {
        RenderCache {
            permits: Semaphore::new(RENDERERS_MAX),
            kept: Mutex::default(),
        }
    }
}

impl RenderCache {
    /// What is kept under the key, else renders and keeps it.
    ///
    /// # Errors
    /// When `render` panics; the message says so.
    pub(crate) async fn get_or_render(
        &self,
        key: RenderKey,
        render: impl FnOnce() -> Vec<u8> + Send + 'static,
    ) -> Result<Arc<Vec<u8>>, String> {
        if let Some(thing) = self.kept(&key) {
            return Ok(thing);
        }
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|_| "the render cache was closed".to_owned())?;
        // Another request for the same thing may have made it while this one waited.
        if let Some(thing) = self.kept(&key) {
            return Ok(thing);
        }
        let made = tokio::task::spawn_blocking(render)
            .await
            .map_err(|cause| cause.to_string())?;
        Ok(self.keep(key, made))
    }

    fn kept(&self, key: &RenderKey) -> Option<Arc<Vec<u8>>> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .things
            .get(key)
            .cloned()
    }

    fn keep(&self, key: RenderKey, made: Vec<u8>) -> Arc<Vec<u8>> {
        let thing = Arc::new(made);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thing_is_made_once_per_key() {
        let cache = RenderCache::default();
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
        let cache = RenderCache::default();
        for number in 0..=KEPT_MAX as u8 {
            cache
                .get_or_render([number; 32], move || vec![number])
                .await
                .unwrap();
        }
        assert!(cache.kept(&[0; 32]).is_none());
        assert!(cache.kept(&[1; 32]).is_some());
    }
}
