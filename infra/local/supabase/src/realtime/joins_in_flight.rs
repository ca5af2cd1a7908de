//! Joins take their time, as on the real server: what a client does meanwhile is where its bugs are.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::frame::ClientFrame;

/// Joins not answered yet, and whatever came after them for the same topics.
pub(crate) struct JoinsInFlight {
    latency: Duration,
    waiting: VecDeque<(Instant, ClientFrame)>,
}

impl JoinsInFlight {
    pub(crate) fn new(latency: Duration) -> Self {
        Self {
            latency,
            waiting: VecDeque::new(),
        }
    }

    /// Gives the frame back if it can be handled at once.
    pub(crate) fn hold_back(&mut self, frame: ClientFrame) -> Option<ClientFrame> {
        let due = if frame.event == "phx_join" && !self.latency.is_zero() {
            Instant::now() + self.latency
        } else if self
            .waiting
            .iter()
            .any(|(_, join)| join.topic == frame.topic)
        {
            self.waiting.back()?.0
        } else {
            return Some(frame);
        };
        self.waiting.push_back((due, frame));
        None
    }

    /// The next frame whose time has come; pending for ever when there is none.
    pub(crate) async fn next(&mut self) -> ClientFrame {
        if let Some((due, _)) = self.waiting.front() {
            tokio::time::sleep_until(*due).await;
            if let Some((_, frame)) = self.waiting.pop_front() {
                return frame;
            }
        }
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn frame(topic: &str, event: &str) -> ClientFrame {
        ClientFrame {
            join_ref: None,
            reference: None,
            topic: topic.to_owned(),
            event: event.to_owned(),
            payload: Value::Null,
        }
    }

    #[tokio::test]
    async fn a_topic_waits_for_its_join_in_order_and_others_do_not() {
        let mut joins = JoinsInFlight::new(Duration::from_millis(1));
        assert!(joins.hold_back(frame("a", "phx_join")).is_none());
        assert!(joins.hold_back(frame("a", "phx_leave")).is_none());
        assert!(joins.hold_back(frame("phoenix", "heartbeat")).is_some());
        assert_eq!(joins.next().await.event, "phx_join");
        assert_eq!(joins.next().await.event, "phx_leave");
        assert!(joins.hold_back(frame("a", "phx_leave")).is_some());
    }
}
