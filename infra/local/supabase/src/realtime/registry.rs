//! All live `postgres_changes` subscriptions: those of one developer or one test, so that each change may look at all.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{
    filter::Condition,
    outbox::{Outbox, SocketId},
};
use crate::{
    auth::Claims,
    change::{Action, RowChange},
};

/// On whose behalf rows are read. Channels with the same token share one.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) role: String,
    /// For `request.jwt.claims`.
    pub(crate) claims_json: String,
}

impl From<&Claims> for Identity {
    fn from(claims: &Claims) -> Self {
        Self {
            role: claims.role().to_owned(),
            claims_json: claims.to_json(),
        }
    }
}

/// One binding of one channel, on one concrete table.
pub(crate) struct Subscription {
    pub(crate) outbox: Outbox,
    pub(crate) topic: Arc<str>,
    pub(crate) binding_id: u64,
    pub(crate) schema: String,
    pub(crate) table: String,
    /// `None` for every action.
    pub(crate) action: Option<Action>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) identity: Arc<Identity>,
}

impl Subscription {
    /// Whether table, action and filter fit. Row-level security is not asked here.
    fn wants(&self, change: &RowChange) -> bool {
        let passes = |condition: &Condition| {
            let value = change.filterable_text(&condition.column);
            value.is_some_and(|value| condition.accepts(value))
        };
        self.table == change.relation.table
            && self.schema == change.relation.schema
            && self.action.is_none_or(|action| action == change.action)
            && self.conditions.iter().all(passes)
    }
}

/// A channel of a socket.
pub(crate) type ChannelKey = (SocketId, Arc<str>);

#[derive(Default)]
pub(crate) struct Subscriptions {
    by_channel: Mutex<HashMap<ChannelKey, Vec<Arc<Subscription>>>>,
    /// Wakes the change capture, which sleeps deeply while nobody listens.
    pub(crate) wanted: Notify,
}

impl Subscriptions {
    /// Puts `new` in the place of whatever the channel had, if `still_wanted` says so under the lock.
    pub(crate) fn replace(
        &self,
        channel: ChannelKey,
        new: Vec<Subscription>,
        still_wanted: impl FnOnce() -> bool,
    ) -> bool {
        let mut by_channel = self.by_channel.lock();
        let wanted = still_wanted();
        if wanted {
            by_channel.insert(channel, new.into_iter().map(Arc::new).collect());
        }
        wanted
    }

    pub(crate) fn remove(&self, channel: &ChannelKey) {
        self.by_channel.lock().remove(channel);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_channel.lock().is_empty()
    }

    /// The subscriptions that a change is for, as far as they say so themselves.
    pub(crate) fn matching(&self, change: &RowChange) -> Vec<Arc<Subscription>> {
        let by_channel = self.by_channel.lock();
        let all = by_channel.values().flatten();
        all.filter(|one| one.wants(change)).cloned().collect()
    }

    /// One outbox and topic per subscribed channel.
    pub(crate) fn channels(&self) -> Vec<(Outbox, Arc<str>)> {
        let by_channel = self.by_channel.lock();
        let first_of_each = by_channel.values().filter_map(|all| all.first());
        first_of_each
            .map(|one| (one.outbox.clone(), one.topic.clone()))
            .collect()
    }
}
