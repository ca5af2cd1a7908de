//! Following a story over Realtime, as the documents' front end does: subscribe, wait for the subscription, read the row,
//! then take every change as it comes.

mod feed;

pub use feed::{FeedCounts, StoryFeed};

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;
use tokio_tungstenite::{connect_async, tungstenite::Message};

/// The channel could not be followed to the end.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error("could not connect to Realtime")]
    Connect(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    #[error("the Realtime connection broke")]
    Broken(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    #[error("Realtime closed the connection")]
    Closed,
    #[error("Realtime refused the subscription: {0}")]
    Refused(String),
    #[error("nothing was heard of the story for {} seconds", SILENCE_MAX.as_secs())]
    Silent,
    #[error("could not read the story's row")]
    Fetch(#[source] reqwest::Error),
    #[error("the story is not there, or not this user's")]
    NotThere,
}

/// What came over the channel.
enum Heard {
    /// A change as the server sends it: `record`, `errors`.
    Change(Value),
    /// The subscription was made anew on the server's side: whatever happened before may be lost.
    SubscribedAnew,
    /// Nothing for the length of a heartbeat.
    Silence,
}

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Changes of one story.
pub struct Follower {
    socket: Socket,
    topic: String,
    next_beat: Instant,
}

const SILENCE_MAX: Duration = Duration::from_secs(300);
const HEARTBEAT: Duration = Duration::from_secs(25);

impl Follower {
    /// Subscribes as the owner of `token` and returns once the subscription really exists.
    pub async fn subscribe(
        supabase_url: &str,
        anon_key: &str,
        token: &str,
        story: &str,
    ) -> Result<Self, FollowError> {
        let host = supabase_url.replacen("http", "ws", 1);
        let url = format!("{host}/realtime/v1/websocket?apikey={anon_key}&vsn=2.0.0");
        let (socket, _) = connect_async(url)
            .await
            .map_err(|error| FollowError::Connect(Box::new(error)))?;
        let mut follower = Self {
            socket,
            topic: format!("realtime:story-{story}"),
            next_beat: Instant::now() + HEARTBEAT,
        };
        let join = json!({"config": {"broadcast": {"ack": false, "self": false}, "presence": {"key": "", "enabled": false},
            "postgres_changes": [{"event": "UPDATE", "schema": "public", "table": "stories", "filter": format!("id=eq.{story}")}],
            "private": false}, "access_token": token});
        follower.send("phx_join", &join).await?;
        loop {
            let Some((event, payload)) = follower.next_event().await? else {
                return Err(FollowError::Silent);
            };
            match event.as_str() {
                // SUBSCRIBED is the join's answer; changes flow only after this message.
                "system" if payload["status"] == "ok" => return Ok(follower),
                "system" => return Err(FollowError::Refused(payload["message"].to_string())),
                "phx_reply" if payload["status"] == "error" => {
                    return Err(FollowError::Refused(
                        payload["response"]["reason"].to_string(),
                    ));
                }
                _ => {}
            }
        }
    }

    /// The story's row after its next change. Columns that did not change may be missing.
    pub async fn next_change(&mut self) -> Result<Value, FollowError> {
        let mut silent_for = Duration::ZERO;
        loop {
            match self.hear().await? {
                Heard::Change(mut change) => return Ok(change["record"].take()),
                Heard::SubscribedAnew => {}
                Heard::Silence => silent_for += HEARTBEAT,
            }
            if silent_for > SILENCE_MAX {
                return Err(FollowError::Silent);
            }
        }
    }

    async fn hear(&mut self) -> Result<Heard, FollowError> {
        loop {
            let Some((event, mut payload)) = self.next_event().await? else {
                return Ok(Heard::Silence);
            };
            match event.as_str() {
                "postgres_changes" => return Ok(Heard::Change(payload["data"].take())),
                "system" if payload["status"] == "ok" => return Ok(Heard::SubscribedAnew),
                "system" => return Err(FollowError::Refused(payload["message"].to_string())),
                _ => {}
            }
        }
    }

    async fn send(&mut self, event: &str, payload: &Value) -> Result<(), FollowError> {
        let frame = json!(["1", "1", self.topic, event, payload]).to_string();
        self.socket
            .send(Message::text(frame))
            .await
            .map_err(|error| FollowError::Broken(Box::new(error)))
    }

    /// The next message of the channel, or nothing when a heartbeat was due without one.
    async fn next_event(&mut self) -> Result<Option<(String, Value)>, FollowError> {
        loop {
            let message = match tokio::time::timeout_at(self.next_beat, self.socket.next()).await {
                Ok(message) => message
                    .ok_or(FollowError::Closed)?
                    .map_err(|error| FollowError::Broken(Box::new(error)))?,
                Err(_) => {
                    self.beat().await?;
                    return Ok(None);
                }
            };
            let Message::Text(text) = message else {
                continue;
            };
            let Ok(Value::Array(mut frame)) = serde_json::from_str(&text) else {
                continue;
            };
            if frame.len() == 5 && frame[2] == self.topic.as_str() {
                let payload = frame.pop().unwrap_or_default();
                let event = frame[3].as_str().unwrap_or_default().to_owned();
                return Ok(Some((event, payload)));
            }
        }
    }

    async fn beat(&mut self) -> Result<(), FollowError> {
        self.next_beat = Instant::now() + HEARTBEAT;
        let beat = json!([null, "2", "phoenix", "heartbeat", {}]).to_string();
        self.socket
            .send(Message::text(beat))
            .await
            .map_err(|error| FollowError::Broken(Box::new(error)))
    }
}
