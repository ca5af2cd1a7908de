//! Follows the write-ahead log and brings each committed change to the subscribers who may see it.
//!
//! Real logical decoding (`pgoutput` over SQL) rather than triggers: nothing is added to the user's
//! tables, publication membership is Postgres' own business, and unchanged TOASTed values show.

mod catalog;
mod deliver;
mod payload;
mod pgoutput;
mod slot;
mod values;
mod visibility;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use pgoutput::{Action, RowChange};
pub use slot::CaptureError;
pub(crate) use slot::{Position, Slot, end_of_log};
pub(crate) use values::ValueKind;

use crate::realtime::Shared;

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
        match Slot::open(&server.pool, &server.options.publication).await {
            Ok(slot) => return slot,
            Err(error) => tracing::debug!(%error, "Realtime still has no place in the log"),
        }
    }
}

/// A string as an SQL literal, for the simple protocol, which takes no parameters. Text that
/// Postgres cannot hold (NUL) is left out.
pub(crate) fn sql_literal(text: &str) -> String {
    let text = text.replace('\0', "");
    let quoted = text.replace('\'', "''");
    if text.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// A name as an SQL identifier.
pub(crate) fn sql_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('\0', "").replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_cannot_leave_a_literal_or_an_identifier() {
        assert_eq!(sql_literal("it's"), "'it''s'");
        assert_eq!(sql_literal(r"a\'b"), r"E'a\\''b'");
        assert_eq!(sql_literal("a\0b"), "'ab'");
        assert_eq!(sql_identifier(r#"a"b"#), r#""a""b""#);
    }
}
