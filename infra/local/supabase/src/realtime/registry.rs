//! All live `postgres_changes` subscriptions, indexed so that a change finds its own quickly.

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
    fn wants(&self, change: &RowChange) -> bool {
        self.action.is_none_or(|action| action == change.action)
            && self.conditions.iter().all(|condition| {
                change
                    .filterable_text(&condition.column)
                    .is_some_and(|value| condition.accepts(value))
            })
    }

    /// The `eq` condition it can be looked up by.
    fn key(&self) -> Option<(&str, &str)> {
        self.conditions
            .iter()
            .find_map(|condition| Some((condition.column.as_str(), condition.only_text()?)))
    }
}

/// A channel of a socket.
pub(crate) type ChannelKey = (SocketId, Arc<str>);

#[derive(Default)]
pub(crate) struct Subscriptions {
    index: Mutex<Index>,
    /// Wakes the change capture, which sleeps deeply while nobody listens.
    pub(crate) wanted: Notify,
}

#[derive(Default)]
struct Index {
    by_channel: HashMap<ChannelKey, Vec<Arc<Subscription>>>,
    by_table: HashMap<(String, String), TableIndex>,
}

#[derive(Default)]
struct TableIndex {
    /// Column, then value.
    by_value: HashMap<String, HashMap<String, Vec<Arc<Subscription>>>>,
    others: Vec<Arc<Subscription>>,
}

impl Subscriptions {
    /// Puts `new` in the place of whatever the channel had, if `still_wanted` says so under the lock.
    pub(crate) fn replace(
        &self,
        channel: ChannelKey,
        new: Vec<Subscription>,
        still_wanted: impl FnOnce() -> bool,
    ) -> bool {
        let mut index = self.index.lock();
        if !still_wanted() {
            return false;
        }
        index.remove(&channel);
        let new: Vec<_> = new.into_iter().map(Arc::new).collect();
        for subscription in &new {
            index
                .by_table
                .entry((subscription.schema.clone(), subscription.table.clone()))
                .or_default()
                .add(subscription);
        }
        index.by_channel.insert(channel, new);
        true
    }

    pub(crate) fn remove(&self, channel: &ChannelKey) {
        self.index.lock().remove(channel);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.index.lock().by_channel.is_empty()
    }

    /// The subscriptions whose table, action and filter fit. Row-level security is not asked here.
    pub(crate) fn matching(&self, change: &RowChange) -> Vec<Arc<Subscription>> {
        let table = (
            change.relation.schema.clone(),
            change.relation.table.clone(),
        );
        let index = self.index.lock();
        let Some(table) = index.by_table.get(&table) else {
            return Vec::new();
        };
        let looked_up = table
            .by_value
            .iter()
            .filter_map(|(column, values)| values.get(change.filterable_text(column)?));
        looked_up
            .flatten()
            .chain(&table.others)
            .filter(|subscription| subscription.wants(change))
            .cloned()
            .collect()
    }

    /// One outbox and topic per subscribed channel.
    pub(crate) fn channels(&self) -> Vec<(Outbox, Arc<str>)> {
        let index = self.index.lock();
        let first_of_each = index
            .by_channel
            .values()
            .filter_map(|subscriptions| subscriptions.first());
        first_of_each
            .map(|subscription| (subscription.outbox.clone(), subscription.topic.clone()))
            .collect()
    }
}

impl Index {
    fn remove(&mut self, channel: &ChannelKey) {
        for subscription in self.by_channel.remove(channel).unwrap_or_default() {
            let table = (subscription.schema.clone(), subscription.table.clone());
            if let Some(of_table) = self.by_table.get_mut(&table) {
                of_table.remove(&subscription);
                if of_table.others.is_empty() && of_table.by_value.is_empty() {
                    self.by_table.remove(&table);
                }
            }
        }
    }
}

impl TableIndex {
    fn add(&mut self, subscription: &Arc<Subscription>) {
        let list = match subscription.key() {
            Some((column, value)) => self
                .by_value
                .entry(column.to_owned())
                .or_default()
                .entry(value.to_owned())
                .or_default(),
            None => &mut self.others,
        };
        list.push(subscription.clone());
    }

    fn remove(&mut self, subscription: &Arc<Subscription>) {
        let is_another = |other: &Arc<Subscription>| !Arc::ptr_eq(other, subscription);
        let Some((column, value)) = subscription.key() else {
            self.others.retain(is_another);
            return;
        };
        let Some(values) = self.by_value.get_mut(column) else {
            return;
        };
        if let Some(list) = values.get_mut(value) {
            list.retain(is_another);
            if list.is_empty() {
                values.remove(value);
            }
        }
        if values.is_empty() {
            self.by_value.remove(column);
        }
    }
}
