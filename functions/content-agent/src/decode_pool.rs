//! Where pictures and sound are decoded: few pictures at once, as each costs some 15 MB, and those first for which somebody
//! waits; of sound one recording at a time, for nobody waits for its measure.

use crate::failure::StepError;
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit, watch};

/// Pictures held decoded at once: 4 fit into 256 MB beside everything else.
const PERMITS: usize = 4;

/// One per process, shared by all stories in it.
pub struct DecodePool {
    permits: Semaphore,
    sound: Semaphore,
    /// How many pieces of work are under way that a provider call waits for.
    urgent: watch::Sender<usize>,
}

/// Permission to hold one decoded picture, or to listen to one recording, until it is dropped.
pub(crate) struct DecodePermit<'a> {
    pool: &'a DecodePool,
    _permit: SemaphorePermit<'a>,
}

/// Counts while urgent work lasts, also when it is given up.
struct Urgent<'a>(&'a DecodePool);

impl Default for DecodePool {
    fn default() -> Self {
        Self {
            permits: Semaphore::new(PERMITS),
            sound: Semaphore::new(1),
            urgent: watch::Sender::new(0),
        }
    }
}

impl DecodePool {
    /// Waits until another picture may be decoded.
    pub(crate) async fn acquire(&self) -> DecodePermit<'_> {
        self.acquire_many(1).await
    }

    /// Waits until another recording may be listened to; no picture waits for that.
    pub(crate) async fn acquire_for_sound(&self) -> DecodePermit<'_> {
        self.permit(self.sound.acquire().await)
    }

    /// Waits until nothing else is: for a picture of a user's, which may be as large as all others together.
    pub(crate) async fn acquire_all(&self) -> DecodePermit<'_> {
        self.acquire_many(PERMITS).await
    }

    async fn acquire_many(&self, permits: usize) -> DecodePermit<'_> {
        self.permit(self.permits.acquire_many(permits as u32).await)
    }

    fn permit<'a>(
        &'a self,
        acquired: Result<SemaphorePermit<'a>, AcquireError>,
    ) -> DecodePermit<'a> {
        DecodePermit {
            pool: self,
            _permit: acquired.expect("the semaphore is never closed"),
        }
    }
}

impl DecodePermit<'_> {
    /// Work that a provider call waits for.
    pub(crate) async fn run_urgent<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StepError> {
        let urgent = &self.pool.urgent;
        urgent.send_modify(|count| *count += 1);
        let _urgent = Urgent(self.pool);
        run_on_own_thread(work).await
    }

    /// Work that has time: it begins when nothing urgent is under way. What is urgent holds a permit already, so it ends.
    pub(crate) async fn run_background<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StepError> {
        let mut urgent = self.pool.urgent.subscribe();
        // The sender lives as long as the pool.
        let _ = urgent.wait_for(|count| *count == 0).await;
        run_on_own_thread(work).await
    }
}

impl Drop for Urgent<'_> {
    fn drop(&mut self) {
        self.0.urgent.send_modify(|count| *count -= 1);
    }
}

/// A busy core would hold up everything else that this thread drives.
async fn run_on_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StepError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| StepError::Panicked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Mutex, mpsc};

    #[tokio::test]
    async fn what_has_time_waits_for_what_is_urgent_and_both_are_done() {
        let pool = DecodePool::default();
        let (release, released) = mpsc::channel::<()>();
        let done = std::sync::Arc::new(Mutex::new(Vec::new()));
        let (urgent, patient) = (pool.acquire().await, pool.acquire().await);
        let note = |what: &'static str| {
            let done = std::sync::Arc::clone(&done);
            move || done.lock().expect("no holder panics").push(what)
        };
        let (noted_first, noted_second) = (note("urgent"), note("background"));
        let first = urgent.run_urgent(move || {
            released.recv().expect("released");
            noted_first();
        });
        let second = patient.run_background(noted_second);
        let release = async {
            tokio::task::yield_now().await;
            release.send(()).expect("somebody waits");
        };
        let (first, second, ()) = tokio::join!(first, second, release);
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(
            *done.lock().expect("no holder panics"),
            ["urgent", "background"]
        );
    }

    #[tokio::test]
    async fn urgent_work_that_panics_or_is_given_up_holds_nobody_up() {
        let pool = DecodePool::default();
        let permit = pool.acquire().await;
        let panicked = permit.run_urgent(|| panic!("on purpose")).await;
        assert!(matches!(panicked, Err(StepError::Panicked)));
        drop(permit.run_urgent(|| ()));
        assert_eq!(permit.run_background(|| 7).await.ok(), Some(7));
    }
}
