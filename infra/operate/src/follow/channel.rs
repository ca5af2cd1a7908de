//! One Realtime channel that listens for the updates of one story.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_tungstenite::{connect_async, tungstenite::Message};

use super::{FollowError, Place};

/// What came over the channel.
pub(super) enum Heard {
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
pub(super) struct Channel {
    socket: Socket,
    topic: String,
    next_beat: Instant,
}

const HEARTBEAT: Duration = Duration::from_secs(25);

impl Channel {
    /// Subscribes as the owner of the token and returns once the subscription really exists.
    pub(super) async fn subscribe(place: &Place) -> Result<Self, FollowError> {
        let Place {
            supabase_url,
            anon_key,
            token,
            story,
        } = place;
        let host = supabase_url.replacen("http", "ws", 1);
        let url = format!("{host}/realtime/v1/websocket?apikey={anon_key}&vsn=2.0.0");
        let (socket, _) = connect_async(url)
            .await
            .map_err(|error| FollowError::Connect(Box::new(error)))?;
        let mut channel = Self {
            socket,
            topic: format!("realtime:story-{story}"),
            next_beat: Instant::now() + HEARTBEAT,
        };
        let join = json!({"config": {"broadcast": {"ack": false, "self": false}, "presence": {"key": "", "enabled": false},
            "postgres_changes": [{"event": "UPDATE", "schema": "public", "table": "stories", "filter": format!("id=eq.{story}")}],
            "private": false}, "access_token": token});
        let join = json!(["1", "1", channel.topic, "phx_join", join]);
        channel.send(&join).await?;
        loop {
            let Some((event, payload)) = channel.next_event().await? else {
                return Err(FollowError::Silent);
            };
            match event.as_str() {
                // SUBSCRIBED is the join's answer; changes flow only after this message.
                "system" if payload["status"] == "ok" => return Ok(channel),
                "system" => return Err(FollowError::Refused(payload["message"].to_string())),
                "phx_reply" if payload["status"] == "error" => {
                    let reason = payload["response"]["reason"].to_string();
                    return Err(FollowError::Refused(reason));
                }
                _ => {}
            }
        }
    }

    /// What comes next. Joined channels alone are heard.
    pub(super) async fn hear(&mut self) -> Result<Heard, FollowError> {
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

    async fn send(&mut self, frame: &Value) -> Result<(), FollowError> {
        let sent = self.socket.send(Message::text(frame.to_string())).await;
        sent.map_err(|error| FollowError::Broken(Box::new(error)))
    }

    /// The next message of the channel, or nothing when a heartbeat was due without one.
    async fn next_event(&mut self) -> Result<Option<(String, Value)>, FollowError> {
        loop {
            let message = match tokio::time::timeout_at(self.next_beat, self.socket.next()).await {
                Ok(message) => message
                    .ok_or(FollowError::Closed)?
                    .map_err(|error| FollowError::Broken(Box::new(error)))?,
                Err(_) => {
                    self.next_beat = Instant::now() + HEARTBEAT;
                    let beat = json!([null, "2", "phoenix", "heartbeat", {}]);
                    self.send(&beat).await?;
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
}
