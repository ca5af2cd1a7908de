//! The temporary replication slot and its one connection.

use std::time::Duration;

use sqlx::{ConnectOptions as _, PgExecutor, PgPool, postgres::PgConnection};
use uuid::Uuid;

use super::pgoutput;
use crate::{
    change::RowChange,
    sql,
    trouble::{Context as _, Trouble},
};

/// Changes per look at the log; a transaction is never split.
const CHANGES_PER_POLL: i32 = 1_000;
/// Making a slot waits for the transactions then running.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

const READING: &str = "could not read changes from the log";

/// A place in the log. Temporary: it ends with its connection.
pub(crate) struct Slot {
    connection: PgConnection,
    name: String,
    publication: String,
    position: Option<Position>,
}

/// A place in the log: bytes since its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Position(i64);

/// Where the log ends for everyone: later commits are later in it.
pub(crate) async fn end_of_log<'c>(executor: impl PgExecutor<'c>) -> Result<Position, sqlx::Error> {
    sqlx::query_scalar("select (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint")
        .fetch_one(executor)
        .await
        .map(Position)
}

impl Slot {
    /// # Errors
    /// No slot: is `wal_level` `logical`, is the role a superuser, is `max_replication_slots` reached, is a transaction left
    /// open, so that no consistent starting point comes?
    pub(crate) async fn open(pool: &PgPool, publication: &str) -> Result<Self, Trouble> {
        let name = format!("realtime_{}", Uuid::new_v4().simple());
        let opening = async {
            // A connection of its own: a temporary slot belongs to the session that made it.
            let mut connection = pool.connect_options().connect().await?;
            sqlx::query("select pg_create_logical_replication_slot($1, 'pgoutput', true)")
                .bind(&name)
                .execute(&mut connection)
                .await?;
            Ok::<_, sqlx::Error>(connection)
        };
        let making = "could not make a temporary logical replication slot";
        let connection = tokio::time::timeout(OPEN_TIMEOUT, opening)
            .await
            .context(format!("{making}: is a transaction left open?"))?
            .context(format!(
                "{making} (needs wal_level=logical and a superuser)"
            ))?;
        Ok(Self {
            connection,
            name,
            publication: publication.to_owned(),
            position: None,
        })
    }

    /// Everything committed before this has been returned by [`Self::poll`].
    pub(crate) fn position(&self) -> Option<Position> {
        self.position
    }

    /// The changes committed since the last call, in commit order.
    pub(crate) async fn poll(&mut self) -> Result<Vec<RowChange>, Trouble> {
        let end = end_of_log(&mut self.connection).await.context(READING)?;
        // Decoding has a price even when there is nothing to decode.
        if self.position == Some(end) {
            return Ok(Vec::new());
        }
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "select (lsn - '0/0'::pg_lsn)::bigint, data from pg_logical_slot_get_binary_changes(
                 $1, null, $2, 'proto_version', '1', 'publication_names', $3)",
        )
        .bind(&self.name)
        .bind(CHANGES_PER_POLL)
        // `publication_names` is itself a list of identifiers.
        .bind(sql::identifier(&self.publication))
        .fetch_all(&mut self.connection)
        .await
        .context(READING)?;
        let all_read = rows.len() < CHANGES_PER_POLL as usize;
        self.position = rows
            .last()
            .filter(|_| !all_read)
            .map(|(last, _)| Position(*last))
            .or(Some(end));
        let messages: Vec<Vec<u8>> = rows.into_iter().map(|(_, message)| message).collect();
        pgoutput::decode(&messages).context(READING)
    }
}
