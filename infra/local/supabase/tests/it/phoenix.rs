//! A bare Phoenix client: says what it is told, and waits for what is expected.

use std::collections::VecDeque;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Phoenix {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    old_serializer: bool,
    next_ref: u64,
    set_aside: VecDeque<Received>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Received {
    pub(crate) join_ref: Value,
    pub(crate) reference: Value,
    pub(crate) topic: String,
    pub(crate) event: String,
    pub(crate) payload: Value,
}

impl Phoenix {
    pub(crate) async fn connect(port: u16, api_key: &str, version: &str) -> Self {
        let url =
            format!("ws://127.0.0.1:{port}/realtime/v1/websocket?apikey={api_key}&vsn={version}");
        let (socket, _) = connect_async(url).await.unwrap();
        Self {
            socket,
            old_serializer: version == "1.0.0",
            next_ref: 1,
            set_aside: VecDeque::new(),
        }
    }

    /// Sends and returns the ref.
    pub(crate) async fn send(
        &mut self,
        join_ref: Option<&str>,
        topic: &str,
        event: &str,
        payload: Value,
    ) -> String {
        let reference = self.next_ref.to_string();
        self.next_ref += 1;
        let join_ref = if event == "phx_join" {
            Some(reference.as_str())
        } else {
            join_ref
        };
        let message = if self.old_serializer {
            json!({"topic": topic, "event": event, "payload": payload, "ref": reference, "join_ref": join_ref})
        } else {
            json!([join_ref, reference, topic, event, payload])
        };
        self.socket
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
        reference
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn send_binary(&mut self, frame: Vec<u8>) {
        self.socket.send(Message::binary(frame)).await.unwrap();
    }

    /// Joins, and waits until changes arrive; returns the join ref.
    pub(crate) async fn subscribe(
        &mut self,
        topic: &str,
        token: Option<&str>,
        changes: Value,
    ) -> String {
        let reference = self.join(topic, token, changes).await;
        let system = self.expect("system").await;
        assert_eq!(system.payload["status"], "ok", "{system:?}");
        reference
    }

    /// Joins successfully; returns the join ref.
    pub(crate) async fn join(
        &mut self,
        topic: &str,
        token: Option<&str>,
        changes: Value,
    ) -> String {
        let payload = json!({"config": {"postgres_changes": changes}, "access_token": token});
        let reference = self.send(None, topic, "phx_join", payload).await;
        let reply = self.reply_to(&reference).await;
        assert_eq!(reply["status"], "ok", "{reply}");
        reference
    }

    pub(crate) async fn reply_to(&mut self, reference: &str) -> Value {
        let reply = self
            .expect_that(|message| message.event == "phx_reply" && message.reference == reference)
            .await;
        reply.payload
    }

    /// The next message with this event; others are kept for later.
    pub(crate) async fn expect(&mut self, event: &str) -> Received {
        self.expect_that(|message| message.event == event).await
    }

    /// The `data` of the next database change.
    pub(crate) async fn change(&mut self) -> Value {
        self.expect("postgres_changes").await.payload["data"].clone()
    }

    pub(crate) async fn expect_that(&mut self, wanted: impl Fn(&Received) -> bool) -> Received {
        if let Some(at) = self.set_aside.iter().position(&wanted) {
            return self.set_aside.remove(at).unwrap();
        }
        loop {
            let next = tokio::time::timeout(PATIENCE, self.receive()).await;
            let message = next
                .unwrap_or_else(|_| panic!("nothing more came; set aside: {:?}", self.set_aside));
            let message = message.expect("the socket was closed");
            if wanted(&message) {
                return message;
            }
            self.set_aside.push_back(message);
        }
    }

    /// True when the server ends the connection.
    pub(crate) async fn is_cut(&mut self) -> bool {
        loop {
            match tokio::time::timeout(PATIENCE, self.receive()).await {
                Ok(Some(message)) => self.set_aside.push_back(message),
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    /// Everything with this event that came before a heartbeat sent now was answered.
    pub(crate) async fn so_far(&mut self, event: &str) -> Vec<Received> {
        let beat = self.send(None, "phoenix", "heartbeat", json!({})).await;
        self.reply_to(&beat).await;
        self.set_aside
            .iter()
            .filter(|message| message.event == event)
            .cloned()
            .collect()
    }

    async fn receive(&mut self) -> Option<Received> {
        loop {
            match self.socket.next().await?.ok()? {
                Message::Text(text) => return Some(self.parse(&text)),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    fn parse(&self, text: &str) -> Received {
        let message: Value = serde_json::from_str(text).unwrap();
        let part = |at: usize, name: &str| {
            if self.old_serializer {
                message[name].clone()
            } else {
                message[at].clone()
            }
        };
        Received {
            join_ref: part(0, "join_ref"),
            reference: part(1, "ref"),
            topic: part(2, "topic").as_str().unwrap().to_owned(),
            event: part(3, "event").as_str().unwrap().to_owned(),
            payload: part(4, "payload"),
        }
    }
}
