//! The way to one socket: a bounded queue of frames, written by whoever has news for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::ws::Message;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::faults::RealtimeFaults;
use super::frame::{Head, Version, write};

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

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(String),
    Binary(Bytes),
}

impl From<Frame> for Message {
    fn from(frame: Frame) -> Self {
        match frame {
            Frame::Text(text) => Self::Text(text.into()),
            Frame::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

/// Cheap to clone; frames of all clones arrive in the order they were queued.
#[derive(Clone)]
pub(crate) struct Outbox {
    pub(crate) socket: SocketId,
    pub(crate) version: Version,
    queue: mpsc::Sender<Frame>,
    faults: Arc<RealtimeFaults>,
}

impl Outbox {
    pub(crate) fn new(
        version: Version,
        faults: Arc<RealtimeFaults>,
    ) -> (Self, mpsc::Receiver<Frame>) {
        let (queue, receiver) = mpsc::channel(FRAMES_WAITING_MAX);
        (
            Self {
                socket: SocketId::next(),
                version,
                queue,
                faults,
            },
            receiver,
        )
    }

    /// A protocol message: never dropped by the fault hook.
    pub(crate) fn send(&self, head: Head<'_>, payload: &Value) {
        self.queue_frame(Frame::Text(write(self.version, head, &payload.to_string())));
    }

    /// A delivery (change or broadcast), which the fault hook may lose.
    pub(crate) fn deliver(&self, frame: Frame) {
        if !self.faults.loses_this_one() {
            self.queue_frame(frame);
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

    fn queue_frame(&self, frame: Frame) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.queue.try_send(frame) {
            tracing::warn!(
                socket = self.socket.0,
                "a Realtime client is too slow: a frame was dropped"
            );
        }
    }
}
