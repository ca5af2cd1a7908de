//! What changes seldom and is asked for often: kept for a while, and told on while its source is away.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A value that is read anew once it is older than `fresh_for`.
pub(crate) struct Recent<T> {
    fresh_for: Duration,
    kept: Mutex<Option<(Instant, T)>>,
}

impl<T: Clone> Recent<T> {
    pub(crate) fn new(fresh_for: Duration) -> Self {
        Self {
            fresh_for,
            kept: Mutex::default(),
        }
    }

    /// The kept value while it is fresh, else what `read` gives. Where that fails, the old value serves for as long again,
    /// so that a source that is away is not waited for by every request.
    ///
    /// # Errors
    /// When `read` fails and there is no value yet.
    pub(crate) async fn get<E>(&self, read: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        if let Some((since, value)) = self.kept()
            && since.elapsed() < self.fresh_for
        {
            return Ok(value);
        }
        let value = match (read.await, self.kept()) {
            (Ok(value), _) | (Err(_), Some((_, value))) => value,
            (Err(error), None) => return Err(error),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((Instant::now(), value.clone()));
        Ok(value)
    }

    fn kept(&self) -> Option<(Instant, T)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fresh_value_is_not_read_again_and_an_old_one_serves_while_its_source_is_away() {
        let fresh = Recent::new(Duration::from_secs(3600));
        assert_eq!(fresh.get(async { Err::<u8, _>("away") }).await, Err("away"));
        assert_eq!(fresh.get(async { Ok::<_, &str>(1) }).await, Ok(1));
        assert_eq!(fresh.get(async { Ok::<_, &str>(2) }).await, Ok(1));

        let old = Recent::new(Duration::ZERO);
        for (read, told) in [(Ok(1), 1), (Ok(2), 2), (Err("away"), 2)] {
            assert_eq!(old.get(async { read }).await, Ok(told));
        }
    }
}
