//! Where pictures are decoded: few at once, as each costs some 15 MB, and those first for which somebody waits.

use crate::failure::StepError;
use tokio::sync::{Semaphore, SemaphorePermit, watch};

/// Pictures held decoded at once: 4 fit into 256 MB beside everything else.
const PLACES: usize = 4;

/// The darkroom of a process, shared by all stories in it.
pub struct Darkroom {
    places: Semaphore,
    /// Places at which something is made that a provider call waits for.
    urgent: watch::Sender<usize>,
}

/// A place for one decoded picture, until it is dropped.
pub(crate) struct Place<'a> {
    darkroom: &'a Darkroom,
    _permit: SemaphorePermit<'a>,
}

/// Counts while urgent work lasts, also when it is given up.
struct Urgent<'a>(&'a Darkroom);

impl Default for Darkroom {
    fn default() -> Self {
        Self {
            places: Semaphore::new(PLACES),
            urgent: watch::Sender::new(0),
        }
    }
}

impl Darkroom {
    /// Waits for a place.
    pub(crate) async fn place(&self) -> Place<'_> {
        let permit = self.places.acquire().await;
        Place {
            darkroom: self,
            _permit: permit.expect("the semaphore is never closed"),
        }
    }
}

impl Place<'_> {
    /// Work that a provider call waits for.
    pub(crate) async fn now<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StepError> {
        let urgent = &self.darkroom.urgent;
        urgent.send_modify(|count| *count += 1);
        let _urgent = Urgent(self.darkroom);
        on_its_own_thread(work).await
    }

    /// Work that has time: it begins when nothing urgent is under way. What is urgent holds a place already, so it ends.
    pub(crate) async fn in_time<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StepError> {
        let mut urgent = self.darkroom.urgent.subscribe();
        // The sender lives as long as the darkroom.
        let _ = urgent.wait_for(|count| *count == 0).await;
        on_its_own_thread(work).await
    }
}

impl Drop for Urgent<'_> {
    fn drop(&mut self) {
        self.0.urgent.send_modify(|count| *count -= 1);
    }
}

/// A busy core would hold up everything else that this thread drives.
async fn on_its_own_thread<T: Send + 'static>(
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
        let darkroom = Darkroom::default();
        let (release, released) = mpsc::channel::<()>();
        let done = std::sync::Arc::new(Mutex::new(Vec::new()));
        let (urgent, patient) = (darkroom.place().await, darkroom.place().await);
        let note = |what: &'static str| {
            let done = std::sync::Arc::clone(&done);
            move || done.lock().expect("no holder panics").push(what)
        };
        let (noted_first, noted_second) = (note("urgent"), note("in time"));
        let first = urgent.now(move || {
            released.recv().expect("released");
            noted_first();
        });
        let second = patient.in_time(noted_second);
        let release = async {
            tokio::task::yield_now().await;
            release.send(()).expect("somebody waits");
        };
        let (first, second, ()) = tokio::join!(first, second, release);
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(
            *done.lock().expect("no holder panics"),
            ["urgent", "in time"]
        );
    }

    #[tokio::test]
    async fn urgent_work_that_panics_or_is_given_up_holds_nobody_up() {
        let darkroom = Darkroom::default();
        let place = darkroom.place().await;
        let panicked = place.now(|| panic!("on purpose")).await;
        assert!(matches!(panicked, Err(StepError::Panicked)));
        drop(place.now(|| ()));
        assert_eq!(place.in_time(|| 7).await.ok(), Some(7));
    }
}
