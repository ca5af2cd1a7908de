//! Supabase Realtime, as far as database changes go: under row-level security, over the protocol
//! unmodified clients speak. Broadcasts and presence are not served.

mod attempt;
mod channel;
mod delivery;
mod faults;
mod filter;
mod frame;
mod joins_in_flight;
mod outbox;
mod registry;
mod resolve;
mod session;
mod socket;

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use axum::{Router, routing::get};
use faults::RealtimeFaults;
use parking_lot::Mutex;
use registry::{Identity, Subscriptions};
use sqlx::PgPool;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    auth::{Claims, Keys},
    capture::{Position, Slot},
    trouble::Trouble,
};

pub use crate::chance::Share;

/// The publication whose tables can be subscribed to.
const PUBLICATION: &str = "supabase_realtime";

/// How the server behaves in time.
#[derive(Debug, Clone)]
pub struct RealtimeOptions {
    /// How often the write-ahead log is looked at while somebody listens. A change reaches its
    /// subscribers after half of this on average.
    pub poll_interval: Duration,
    /// From a join to its reply. A token a client learns of in this time is not pushed by supabase-js
    /// 2.109.0, which leaves the channel anonymous; with no latency that bug of callers would not show.
    pub join_latency: Duration,
    /// From the join reply to the database subscription. Changes committed in between are lost, as
    /// with the real server; clients wait for the `system` message.
    pub subscription_delay: Duration,
}

impl Default for RealtimeOptions {
    fn default() -> Self {
        Self {
            poll_interval: Duration::from_millis(20),
            join_latency: Duration::from_millis(50),
            subscription_delay: Duration::from_millis(100),
        }
    }
}

/// The running server. The change capture stops when the last clone is dropped.
#[derive(Clone)]
pub struct RealtimeServer {
    shared: Arc<Shared>,
    _capture: Arc<AbortOnDrop>,
}

/// What sockets and change capture have in common.
pub(crate) struct Shared {
    pub(crate) pool: PgPool,
    pub(crate) keys: Arc<Keys>,
    pub(crate) options: RealtimeOptions,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) faults: Arc<RealtimeFaults>,
    /// How far the log has been looked at, and its changes delivered.
    pub(crate) delivered_until: watch::Sender<Position>,
    identities: Mutex<Vec<Weak<Identity>>>,
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl RealtimeServer {
    /// Opens a temporary logical replication slot and starts following it.
    ///
    /// `pool` must belong to a superuser (it reads the log and acts as every role) of a server with
    /// `wal_level=logical`.
    ///
    /// # Errors
    /// When the slot cannot be made.
    pub async fn start(pool: PgPool, keys: Arc<Keys>) -> Result<Self, Trouble> {
        Self::start_with(pool, keys, RealtimeOptions::default()).await
    }

    /// [`Self::start`] with other timing.
    ///
    /// # Errors
    /// When the slot cannot be made.
    pub async fn start_with(
        pool: PgPool,
        keys: Arc<Keys>,
        options: RealtimeOptions,
    ) -> Result<Self, Trouble> {
        let slot = Slot::open(&pool, PUBLICATION).await?;
        let shared = Arc::new(Shared {
            pool,
            keys,
            options,
            subscriptions: Subscriptions::default(),
            faults: Arc::default(),
            delivered_until: watch::Sender::default(),
            identities: Mutex::default(),
        });
        let capture = tokio::spawn(delivery::follow(slot, shared.clone()));
        Ok(Self {
            shared,
            _capture: Arc::new(AbortOnDrop(capture)),
        })
    }

    /// Everything below `/realtime/v1`. Requests carry a token in `x-api-key` or `apikey`; the
    /// gateway swaps opaque keys before.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/websocket", get(socket::upgrade))
            .with_state(self.shared.clone())
    }

    /// Fault hook: this share of changes is lost on the way to each subscriber.
    pub fn lose_deliveries(&self, share: Share) {
        *self.shared.faults.lost.write() = share;
    }

    /// Fault hook: this share of changes is overtaken by the next one to the same subscriber.
    pub fn reorder_deliveries(&self, share: Share) {
        *self.shared.faults.overtaken.write() = share;
    }

    /// Fault hook: every open socket is cut, without a goodbye.
    pub fn cut_all_sockets(&self) {
        self.shared.faults.cut_all_sockets();
    }
}

impl Shared {
    /// One identity for all channels with these claims, so that each row is checked once for all of them.
    pub(crate) fn identity(&self, claims: &Claims) -> Arc<Identity> {
        let wanted = Identity::from(claims);
        let mut known = self.identities.lock();
        known.retain(|identity| identity.strong_count() > 0);
        if let Some(identity) = known
            .iter()
            .filter_map(Weak::upgrade)
            .find(|identity| **identity == wanted)
        {
            return identity;
        }
        let identity = Arc::new(wanted);
        known.push(Arc::downgrade(&identity));
        identity
    }
}
