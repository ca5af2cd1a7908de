//! Follows the log and brings each committed change to the subscribers who may see it.

mod catalog;
mod deliver;
mod payload;
mod rows;
mod visibility;

use std::{sync::Arc, time::Duration};

use super::{PUBLICATION, Shared};
use crate::capture::Slot;

/// How often the log is looked at while nobody listens: only so that it can be recycled.
const POLL_INTERVAL_UNWATCHED: Duration = Duration::from_millis(500);
/// After a failure, before a new slot is tried.
const REOPEN_AFTER: Duration = Duration::from_millis(500);

/// Runs until aborted.
pub(crate) async fn follow(mut slot: Slot, server: Arc<Shared>) {
    loop {
        match slot.poll().await {
            Ok(changes) => {
                let nothing_new = changes.is_empty();
                if let Err(error) = deliver::deliver(&server, changes).await {
                    tracing::warn!(%error, "The database went away while changes were delivered; some are lost");
                    announce_a_gap(&server);
                }
                server
                    .delivered_until
                    .send_replace(slot.position().unwrap_or_default());
                if nothing_new {
                    rest(&server).await;
                }
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, ?cause, "Realtime lost its place in the log; changes until it is back are lost");
                slot = reopen(&server).await;
                announce_a_gap(&server);
            }
        }
    }
}

/// As on the real server: whoever hears this takes a new snapshot.
fn announce_a_gap(server: &Shared) {
    for (outbox, topic) in server.subscriptions.channels() {
        outbox.system(&topic, "postgres_changes", "ok", "Subscribed to PostgreSQL");
    }
}

async fn rest(server: &Shared) {
    if server.subscriptions.is_empty() {
        tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL_UNWATCHED) => {}
            () = server.subscriptions.wanted.notified() => {}
        }
    } else {
        tokio::time::sleep(server.options.poll_interval).await;
    }
}

async fn reopen(server: &Shared) -> Slot {
    loop {
        tokio::time::sleep(REOPEN_AFTER).await;
        match Slot::open(&server.pool, PUBLICATION).await {
            Ok(slot) => return slot,
            Err(error) => tracing::debug!(%error, "Realtime still has no place in the log"),
        }
    }
}
