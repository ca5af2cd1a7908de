//! Where heavy answers are made: off the async threads, two at a time, and kept for the next
//! identical request.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

/// More than two at once would only fight over the two cores of a small machine.
const MAKERS_MAX: usize = 2;
/// About 60 MB of pictures and speech: some eight stories.
const KEPT_MAX: usize = 48;

/// The key under which a made thing is kept: a digest of all that determines it.
pub(crate) type WorkKey = [u8; 32];

#[derive(Debug)]
pub(crate) struct Workbench {
    permits: Semaphore,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    things: HashMap<WorkKey, Arc<Vec<u8>>>,
    oldest_first: VecDeque<WorkKey>,
}

impl Default for Workbench {
    fn default() -> Self {
        Workbench {
            permits: Semaphore::new(MAKERS_MAX),
            kept: Mutex::default(),
        }
    }
}

impl Workbench {
    /// The thing kept under the key, else makes and keeps it.
    ///
    /// # Errors
    /// When the maker panics; the message says so.
    pub(crate) async fn make(
        &self,
        key: WorkKey,
        maker: impl FnOnce() -> Vec<u8> + Send + 'static,
    ) -> Result<Arc<Vec<u8>>, String> {
        if let Some(thing) = self.kept(&key) {
            return Ok(thing);
        }
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|_| "the workbench was closed".to_owned())?;
        // Another request for the same thing may have made it while this one waited.
        if let Some(thing) = self.kept(&key) {
            return Ok(thing);
        }
        let made = tokio::task::spawn_blocking(maker)
            .await
            .map_err(|cause| cause.to_string())?;
        Ok(self.keep(key, made))
    }

    fn kept(&self, key: &WorkKey) -> Option<Arc<Vec<u8>>> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .things
            .get(key)
            .cloned()
    }

    fn keep(&self, key: WorkKey, made: Vec<u8>) -> Arc<Vec<u8>> {
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
        let bench = Workbench::default();
        assert_eq!(*bench.make([1; 32], || vec![7]).await.unwrap(), vec![7]);
        let again = bench.make([1; 32], || panic!("made twice")).await.unwrap();
        assert_eq!(*again, vec![7]);
    }

    #[tokio::test]
    async fn the_oldest_things_are_forgotten_first() {
        let bench = Workbench::default();
        for number in 0..=KEPT_MAX as u8 {
            bench
                .make([number; 32], move || vec![number])
                .await
                .unwrap();
        }
        assert!(bench.kept(&[0; 32]).is_none());
        assert!(bench.kept(&[1; 32]).is_some());
    }
}
