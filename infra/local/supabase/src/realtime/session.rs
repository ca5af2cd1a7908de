//! The protocol of one socket: joins, leaves, tokens, heartbeats.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};

use super::{
    Shared,
    attempt::{self, Attempt, HeldReply},
    channel::{Binding, JoinRequest, TOPIC_PREFIX},
    frame::{ClientFrame, Head},
    outbox::Outbox,
    resolve::Subscriber,
};
use crate::auth::{Claims, TokenError};

/// Channels one socket may join (the limit of every hosted plan).
const CHANNELS_MAX: usize = 100;

/// What a front end that broadcasts or tracks presence is told.
pub(crate) const NOT_SERVED: &str = "the local Realtime serves postgres_changes alone";

/// Whose socket this is: the API key of the upgrade, as a token.
pub(crate) struct Upgrade {
    pub(crate) token: String,
    pub(crate) claims: Claims,
}

pub(crate) struct Session {
    server: Arc<Shared>,
    outbox: Outbox,
    upgrade: Upgrade,
    channels: HashMap<String, Channel>,
}

struct Channel {
    topic: Arc<str>,
    join_ref: Option<String>,
    token: String,
    expires_at_unix: i64,
    bindings: Arc<[Binding]>,
    /// Grows with every (re)subscription; an attempt that is not the latest changes nothing.
    attempts: Arc<AtomicU64>,
}

impl Session {
    pub(crate) fn new(server: Arc<Shared>, outbox: Outbox, upgrade: Upgrade) -> Self {
        Self {
            server,
            outbox,
            upgrade,
            channels: HashMap::new(),
        }
    }

    pub(crate) fn handle(&mut self, frame: ClientFrame) {
        match frame.event.as_str() {
            "heartbeat" if frame.topic == "phoenix" => self.reply_ok(&frame, json!({})),
            "phx_join" => self.join(&frame),
            "phx_leave" => self.leave(&frame),
            _ if !self.channels.contains_key(&frame.topic) => {
                self.reply_error(&frame, "unmatched topic")
            }
            _ if self.is_stale(&frame) => {}
            "access_token" => self.refresh_token(&frame),
            "broadcast" | "presence" => self.reply_error(&frame, NOT_SERVED),
            other => tracing::debug!(event = other, "ignored an unexpected Realtime message"),
        }
    }

    /// When the next token of a channel expires, seconds since 1970.
    pub(crate) fn next_expiry_unix(&self) -> Option<i64> {
        self.channels
            .values()
            .map(|channel| channel.expires_at_unix)
            .min()
    }

    /// Closes the channels whose token has expired, saying so.
    pub(crate) fn close_expired(&mut self, now_unix: i64) {
        let expired: Vec<(String, i64)> = self
            .channels
            .iter()
            .filter(|(_, channel)| channel.expires_at_unix <= now_unix)
            .map(|(topic, channel)| (topic.clone(), now_unix - channel.expires_at_unix))
            .collect();
        for (topic, seconds_ago) in expired {
            self.shut_down(&topic, &TokenError::Expired { seconds_ago }.to_string());
        }
    }

    pub(crate) fn leave_everything(&mut self) {
        let topics: Vec<String> = self.channels.keys().cloned().collect();
        for topic in topics {
            self.forget(&topic);
        }
    }

    fn join(&mut self, frame: &ClientFrame) {
        let request = JoinRequest::parse(&frame.payload);
        let (token, claims) = match self.admit(frame, &request) {
            Ok(admitted) => admitted,
            Err(reason) => return self.reply_error(frame, &reason),
        };
        if let Some(earlier) = self.forget(&frame.topic) {
            self.send_close(&frame.topic, earlier.join_ref.as_deref());
        }

        let channel = Channel {
            topic: frame.topic.as_str().into(),
            join_ref: frame.join_ref.clone(),
            token,
            expires_at_unix: claims.expires_at_unix(),
            bindings: request.bindings.into(),
            attempts: Arc::default(),
        };
        let echoes: Vec<Value> = channel.bindings.iter().map(Binding::echo).collect();
        let response = json!({"postgres_changes": echoes});
        let held = if request.waits && !channel.bindings.is_empty() {
            Some(HeldReply {
                join_ref: frame.join_ref.clone(),
                reference: frame.reference.clone(),
                response,
            })
        } else {
            self.reply_ok(frame, response);
            None
        };

        self.subscribe(&channel, &claims, held);
        self.channels.insert(frame.topic.clone(), channel);
    }

    /// The token the channel will run under, or the reason it may not be joined.
    fn admit(
        &self,
        frame: &ClientFrame,
        request: &JoinRequest,
    ) -> Result<(String, Claims), String> {
        let Some(name) = frame.topic.strip_prefix(TOPIC_PREFIX) else {
            return Err("unmatched topic".to_owned());
        };
        if name.is_empty() {
            return Err("TopicNameRequired: You must provide a topic name".to_owned());
        }
        if !self.channels.contains_key(&frame.topic) && self.channels.len() >= CHANNELS_MAX {
            return Err("ChannelRateLimitReached: Too many channels".to_owned());
        }
        // Private channels are authorised by policies on `realtime.messages`, which no local
        // database has; without one, nobody is allowed in on a hosted project either.
        if request.private {
            return Err(format!(
                "Unauthorized: You do not have permissions to read from this Channel topic: {name}"
            ));
        }
        match request.access_token.as_deref() {
            None => Ok((self.upgrade.token.clone(), self.upgrade.claims.clone())),
            Some(key) if key.starts_with("sb_") => {
                Ok((self.upgrade.token.clone(), self.upgrade.claims.clone()))
            }
            Some(token) => match self.server.keys.verify(token) {
                Ok(claims) => Ok((token.to_owned(), claims)),
                Err(error) => Err(format!("{}: {error}", error_code(&error))),
            },
        }
    }

    fn subscribe(&self, channel: &Channel, claims: &Claims, held: Option<HeldReply>) {
        if channel.bindings.is_empty() {
            return;
        }
        let attempt = Attempt::begin(&channel.attempts);
        let identity = self.server.identity(claims);
        let subscriber = Subscriber {
            outbox: self.outbox.clone(),
            topic: channel.topic.clone(),
            identity,
        };
        tokio::spawn(attempt::run(
            self.server.clone(),
            subscriber,
            channel.bindings.clone(),
            attempt,
            held,
        ));
    }

    /// The same token, none, or an API key changes nothing; that is why a signed-out client keeps
    /// receiving until its old token expires.
    fn refresh_token(&mut self, frame: &ClientFrame) {
        let Some(token) = frame.payload["access_token"]
            .as_str()
            .filter(|token| !token.starts_with("sb_"))
        else {
            return;
        };
        let Some(channel) = self
            .channels
            .get_mut(&frame.topic)
            .filter(|channel| channel.token != token)
        else {
            return;
        };
        match self.server.keys.verify(token) {
            Ok(claims) => {
                token.clone_into(&mut channel.token);
                channel.expires_at_unix = claims.expires_at_unix();
                if let Some(channel) = self.channels.get(&frame.topic) {
                    self.subscribe(channel, &claims, None);
                }
            }
            Err(error) => self.shut_down(&frame.topic, &error.to_string()),
        }
    }

    fn leave(&mut self, frame: &ClientFrame) {
        if !self.is_stale(frame) {
            self.forget(&frame.topic);
        }
        self.reply_ok(frame, json!({}));
        self.send_close(&frame.topic, frame.join_ref.as_deref());
    }

    /// A message meant for an earlier join of the topic.
    fn is_stale(&self, frame: &ClientFrame) -> bool {
        let joined = self
            .channels
            .get(&frame.topic)
            .and_then(|channel| channel.join_ref.as_deref());
        matches!((joined, frame.join_ref.as_deref()), (Some(joined), Some(sent)) if joined != sent)
    }

    fn shut_down(&mut self, topic: &str, message: &str) {
        self.outbox.system(topic, "system", "error", message);
        if let Some(channel) = self.forget(topic) {
            self.send_close(topic, channel.join_ref.as_deref());
        }
    }

    fn forget(&mut self, topic: &str) -> Option<Channel> {
        let channel = self.channels.remove(topic)?;
        channel.attempts.fetch_add(1, Ordering::SeqCst);
        self.server
            .subscriptions
            .remove(&(self.outbox.socket, channel.topic.clone()));
        Some(channel)
    }

    fn send_close(&self, topic: &str, join_ref: Option<&str>) {
        let head = Head {
            join_ref,
            reference: join_ref,
            topic,
            event: "phx_close",
        };
        self.outbox.send(head, &json!({}));
    }

    fn reply_ok(&self, frame: &ClientFrame, response: Value) {
        self.reply(frame, &json!({"status": "ok", "response": response}));
    }

    fn reply_error(&self, frame: &ClientFrame, reason: &str) {
        self.reply(
            frame,
            &json!({"status": "error", "response": {"reason": reason}}),
        );
    }

    fn reply(&self, frame: &ClientFrame, payload: &Value) {
        let head = Head {
            join_ref: frame.join_ref.as_deref(),
            reference: frame.reference.as_deref(),
            topic: &frame.topic,
            event: "phx_reply",
        };
        self.outbox.send(head, payload);
    }
}

/// The code the real server puts before the message (its `ERROR_CODES.md`).
fn error_code(error: &TokenError) -> &'static str {
    match error {
        TokenError::Malformed => "MalformedJWT",
        TokenError::UnknownKey | TokenError::Signature => "JwtSignatureError",
        TokenError::Expired { .. } | TokenError::MissingClaims => "InvalidJWTToken",
    }
}
