//! SIGTERM: what is at work hands its leases back, then the process ends.
//!
//! Lambda itself sends SIGTERM only to an environment with a registered extension, never to one that is working, and
//! leaves it 300 to 500 ms. An idle environment holds no lease, so an extension (which every cold start would pay for)
//! is not worth registering here; this is for the local stack, for containers, and for whatever else ends processes politely.

use std::{future::Future, sync::Arc, time::Duration};
use tokio::sync::watch;

/// For the runtime to send the last answer, which it does after the handler has returned and tells nobody about.
const LAST_ANSWER_WAIT: Duration = Duration::from_millis(100);

/// Whether this process was asked to end, and how many invocations it is still working on. Clones share it.
#[derive(Clone, Debug)]
pub struct Shutdown {
    asked: watch::Receiver<bool>,
    at_work: Arc<watch::Sender<usize>>,
}

/// An invocation at work, until dropped.
#[derive(Debug)]
pub struct AtWork(Arc<watch::Sender<usize>>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Shutdown {
    /// Listens for SIGTERM from now on, which no longer ends the process by itself. Must be called inside a runtime.
    ///
    /// # Errors
    /// When the operating system refuses the handler.
    pub fn listen() -> std::io::Result<Self> {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        let (ask, shutdown) = Self::by_hand();
        tokio::spawn(async move {
            if terminate.recv().await.is_some() {
                tracing::info!("Asked to end: taking nothing on, handing back what is unfinished");
                ask.send_replace(true);
            }
            ask.closed().await;
        });
        Ok(shutdown)
    }

    /// One that the returned sender triggers, for tests and programs with a signal of their own.
    pub fn by_hand() -> (watch::Sender<bool>, Self) {
        let (ask, asked) = watch::channel(false);
        let at_work = Arc::new(watch::Sender::new(0));
        (ask, Self { asked, at_work })
    }

    pub fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Resolves when the process is asked to end.
    pub async fn asked(&self) {
        let mut asked = self.asked.clone();
        if asked.wait_for(|asked| *asked).await.is_err() {
            // Nobody is left who could ask.
            std::future::pending().await
        }
    }

    /// Counts an invocation in for as long as the answer lives.
    pub fn at_work(&self) -> AtWork {
        self.at_work.send_modify(|count| *count += 1);
        AtWork(Arc::clone(&self.at_work))
    }

    /// Serves until the serving ends by itself, or until the process was asked to end and the last invocation was answered.
    pub async fn serve(&self, serving: impl Future<Output = crate::Boot>) -> crate::Boot {
        let idle = async {
            self.asked().await;
            let mut at_work = self.at_work.subscribe();
            let worked = at_work.wait_for(|count| *count == 0).await.is_ok();
            if worked {
                tokio::time::sleep(LAST_ANSWER_WAIT).await;
            }
        };
        tokio::select! {
            served = serving => served,
            () = idle => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn serving_ends_when_the_last_invocation_has_ended_and_not_before() {
        let (ask, shutdown) = Shutdown::by_hand();
        let work = shutdown.at_work();
        let serving = shutdown.serve(std::future::pending());
        tokio::pin!(serving);
        ask.send_replace(true);
        let waiting = tokio::time::timeout(LAST_ANSWER_WAIT * 2, &mut serving);
        assert!(waiting.await.is_err(), "somebody is still at work");
        drop(work);
        tokio::time::timeout(LAST_ANSWER_WAIT * 50, serving)
            .await
            .expect("nobody is at work")
            .unwrap();
    }

    #[tokio::test]
    async fn nobody_is_asked_before_the_signal() {
        let (ask, shutdown) = Shutdown::by_hand();
        assert!(!shutdown.is_asked());
        ask.send_replace(true);
        shutdown.asked().await;
        assert!(shutdown.is_asked());
    }
}
