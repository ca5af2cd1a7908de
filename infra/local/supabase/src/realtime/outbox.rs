//! The way to one socket: a bounded queue of frames, written by whoever has news for it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    faults::RealtimeFaults,
    frame::{Head, Version, write},
};

/// A client that lags by more frames than this loses the newest ones: delivery is at most once.
const FRAMES_WAITING_MAX: usize = 8_192;

/// One websocket connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SocketId(u64);

impl SocketId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Cheap to clone; frames of all clones arrive in the order they were queued.
#[derive(Clone)]
pub(crate) struct Outbox {
    pub(crate) socket: SocketId,
    pub(crate) version: Version,
    queue: mpsc::Sender<String>,
    faults: Arc<RealtimeFaults>,
    /// A delivery that the fault hook lets the next one overtake.
    held_back: Arc<Mutex<Option<String>>>,
}

impl Outbox {
    pub(crate) fn new(
        version: Version,
        faults: Arc<RealtimeFaults>,
    ) -> (Self, mpsc::Receiver<String>) {
        let (queue, receiver) = mpsc::channel(FRAMES_WAITING_MAX);
        (
            Self {
                socket: SocketId::next(),
                version,
                queue,
                faults,
                held_back: Arc::default(),
            },
            receiver,
        )
    }

    /// A protocol message: never dropped by the fault hook.
    pub(crate) fn send(&self, head: Head<'_>, payload: &Value) {
        self.queue_frame(write(self.version, head, &payload.to_string()));
    }

    /// A change, which the fault hook may lose or let the next one overtake.
    pub(crate) fn deliver(&self, frame: String) {
        if self.faults.hits(&self.faults.lost) {
            return;
        }
        let mut held_back = self.held_back.lock();
        if held_back.is_none() && self.faults.hits(&self.faults.overtaken) {
            *held_back = Some(frame);
            return;
        }
        self.queue_frame(frame);
        if let Some(overtaken) = held_back.take() {
            self.queue_frame(overtaken);
        }
    }

    /// `system` with `extension`, as the client's `.on('system', …)` sees it.
    pub(crate) fn system(&self, topic: &str, extension: &str, status: &str, message: &str) {
        let channel = topic
            .strip_prefix(super::channel::TOPIC_PREFIX)
            .unwrap_or(topic);
        let payload = json!({"extension": extension, "status": status, "message": message, "channel": channel});
        self.send(Head::push(topic, "system"), &payload);
    }

    fn queue_frame(&self, frame: String) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.queue.try_send(frame) {
            tracing::warn!(
                socket = self.socket.0,
                "a Realtime client is too slow: a frame was dropped"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_that_is_held_back_comes_after_the_next_one() {
        let faults = Arc::new(RealtimeFaults::default());
        let (outbox, mut sent) = Outbox::new(Version::V2, Arc::clone(&faults));
        *faults.overtaken.write() = 1.0.into();
        outbox.deliver("first".into());
        outbox.deliver("second".into());
        assert_eq!(sent.try_recv(), Ok("second".into()));
        assert_eq!(sent.try_recv(), Ok("first".into()));
        assert!(sent.try_recv().is_err());
    }
}
