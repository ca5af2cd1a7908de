//! Who is on which topic: broadcasts to them, and who of them is present.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use uuid::Uuid;

use super::broadcast::Broadcast;
use super::frame::{Head, write};
use super::outbox::{Frame, Outbox, SocketId};

#[derive(Default)]
pub(crate) struct Hub {
    topics: Mutex<HashMap<String, BTreeMap<SocketId, Member>>>,
}

/// One channel of one socket.
pub(crate) struct Member {
    pub(crate) outbox: Outbox,
    pub(crate) receive_own_broadcasts: bool,
    /// Set when the channel asked for presence.
    pub(crate) presence_key: Option<String>,
    pub(crate) presence: Option<Presence>,
}

/// What a member said about itself with `track`.
#[derive(Clone)]
pub(crate) struct Presence {
    meta: Value,
}

impl Presence {
    /// Phoenix marks each version of a presence, so that the client can tell an update from a second device.
    fn new(payload: &Value) -> Self {
        let mut meta = if payload.is_object() {
            payload.clone()
        } else {
            json!({})
        };
        meta["phx_ref"] = json!(Uuid::new_v4().simple().to_string());
        Self { meta }
    }
}

impl Hub {
    pub(crate) fn join(&self, topic: &str, member: Member) {
        let socket = member.outbox.socket;
        self.lock()
            .entry(topic.to_owned())
            .or_default()
            .insert(socket, member);
    }

    pub(crate) fn leave(&self, topic: &str, socket: SocketId) {
        let mut topics = self.lock();
        let Some(members) = topics.get_mut(topic) else {
            return;
        };
        if let Some(Member {
            presence: Some(left),
            presence_key: Some(key),
            ..
        }) = members.remove(&socket)
        {
            announce(topic, members, None, Some((&key, &left)));
        }
        if members.is_empty() {
            topics.remove(topic);
        }
    }

    /// `from` is the sender, who hears itself only if it asked to.
    pub(crate) fn publish(&self, topic: &str, from: Option<SocketId>, broadcast: &Broadcast) {
        let topics = self.lock();
        for (&socket, member) in topics.get(topic).into_iter().flatten() {
            if from == Some(socket) && !member.receive_own_broadcasts {
                continue;
            }
            if let Some(frame) = broadcast.frame(member.outbox.version, topic) {
                member.outbox.deliver(frame);
            }
        }
    }

    /// `track` (`Some`) or `untrack` (`None`); false when the channel has no presence.
    pub(crate) fn set_presence(
        &self,
        topic: &str,
        socket: SocketId,
        payload: Option<&Value>,
    ) -> bool {
        let mut topics = self.lock();
        let Some(members) = topics.get_mut(topic) else {
            return false;
        };
        let Some(member) = members.get_mut(&socket) else {
            return false;
        };
        let Some(key) = member.presence_key.clone() else {
            return false;
        };
        let now = payload.map(Presence::new);
        let before = std::mem::replace(&mut member.presence, now.clone());
        announce(
            topic,
            members,
            now.as_ref().map(|now| (&key, now)),
            before.as_ref().map(|before| (&key, before)),
        );
        true
    }

    /// The payload of `presence_state`.
    pub(crate) fn presence_state(&self, topic: &str) -> Value {
        let topics = self.lock();
        let mut state = json!({});
        for member in topics.get(topic).into_iter().flat_map(BTreeMap::values) {
            if let (Some(key), Some(presence)) = (&member.presence_key, &member.presence) {
                let metas = &mut state[key]["metas"];
                match metas.as_array_mut() {
                    Some(metas) => metas.push(presence.meta.clone()),
                    None => *metas = json!([presence.meta]),
                }
            }
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, BTreeMap<SocketId, Member>>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Keyed<'a> = (&'a String, &'a Presence);

fn announce(
    topic: &str,
    members: &BTreeMap<SocketId, Member>,
    joined: Option<Keyed<'_>>,
    left: Option<Keyed<'_>>,
) {
    if joined.is_none() && left.is_none() {
        return;
    }
    let side = |change: Option<Keyed<'_>>| match change {
        Some((key, presence)) => json!({key: {"metas": [presence.meta]}}),
        None => json!({}),
    };
    let payload = json!({"joins": side(joined), "leaves": side(left)}).to_string();
    for member in members
        .values()
        .filter(|member| member.presence_key.is_some())
    {
        let text = write(
            member.outbox.version,
            Head::push(topic, "presence_diff"),
            &payload,
        );
        member.outbox.deliver(Frame::Text(text));
    }
}
