//! The real Postgres behind the local stack: found, initialised, migrated, run as an unprivileged user, and gone when we
//! are gone, however we end.

mod account;
mod address;
mod cluster;
mod installation;
mod migrations;
mod server;

pub use address::DatabaseAddress;
pub use installation::require_installed;

use account::Account;
use cluster::Cluster;
use installation::Installation;
use migrations::Standing;
use server::{AtTheEnd, Server};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{io, path::Path};

use crate::trouble::{Context as _, Trouble};

/// What a file or folder was wanted for, for people.
fn preparing(path: &Path) -> String {
    format!(
        "could not prepare {} for the local Postgres",
        path.display()
    )
}

/// Who hears what a boot does beyond starting a server: a line for a person.
pub type Tell<'a> = &'a (dyn Fn(&str) + Sync);

/// Does something in a session of its own, and ends that.
async fn in_session<T>(
    url: &str,
    attempted: &str,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
) -> Result<T, Trouble> {
    let done = async {
        let mut session = PgConnection::connect(url).await?;
        let done = work(&mut session).await?;
        session.close().await?;
        Ok::<T, sqlx::Error>(done)
    };
    let sentence = format!("could not {attempted} on the local Postgres");
    done.await.context(sentence)
}

/// A running server with every migration applied. Dropping it stops the server.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    cluster: Cluster,
    address: DatabaseAddress,
}

/// How a server in use is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Sessions are ended and everything is written, as for an upgrade.
    InOrder,
    /// At once, as in a crash: the next start recovers from the log.
    Crash,
}

impl Postgres {
    /// Boots the server kept in `data_dir` on `127.0.0.1:port` and applies what `migrations` has new.
    ///
    /// The first boot initialises it. A database that cannot be brought up to date, because a migration it has was
    /// changed, is thrown away and made anew, and `tell` hears of it: this is for development. When started by root
    /// the server runs as `postgres` or `nobody`, and its files move to `/var/tmp` where that user cannot reach
    /// `data_dir`. The caller sees to it that no two processes use one `data_dir`.
    pub async fn start(
        data_dir: &Path,
        port: u16,
        migrations: &Path,
        tell: Tell<'_>,
    ) -> Result<Self, Trouble> {
        Self::boot(data_dir, port, migrations, AtTheEnd::Keep, tell).await
    }

    /// Boots a server of its own on a free port for tests; its files vanish with it, even when this process is killed.
    pub async fn start_temporary(migrations: &Path) -> Result<Self, Trouble> {
        let data_dir =
            std::env::temp_dir().join(format!("storytailor-postgres-{}", uuid::Uuid::new_v4()));
        let port = free_port().context("no port is free for Postgres")?;
        Self::boot(&data_dir, port, migrations, AtTheEnd::Remove, &|_| ()).await
    }

    /// Stops what a killed run may have left behind in `data_dir`, so that its port is free again.
    pub async fn stop_leftover(data_dir: &Path) -> Result<(), Trouble> {
        if let Some(installation) = Installation::find().await {
            let account = Account::for_servers()?;
            let cluster = Cluster::prepare(data_dir, installation, account, &|_| ()).await?;
            cluster.stop_leftover().await?;
        }
        Ok(())
    }

    async fn boot(
        data_dir: &Path,
        port: u16,
        migrations: &Path,
        at_the_end: AtTheEnd,
        tell: Tell<'_>,
    ) -> Result<Self, Trouble> {
        let installation = Installation::find_or_install(tell).await?;
        let account = Account::for_servers()?;
        let cluster = Cluster::prepare(data_dir, installation, account, tell).await?;
        let migrations = &*migrations::read(migrations)?;
        cluster.stop_leftover().await?;
        let address = DatabaseAddress::new(port, "postgres");
        let mut kept = None;
        if cluster.is_usable() {
            let server = Server::start(&cluster, &address, at_the_end).await?;
            match migrations::standing(&address, migrations).await? {
                Standing::Behind(new) => kept = Some((server, new)),
                Standing::Diverged(reason) => {
                    tell(&format!(
                        "\n  {reason}: the local database is made anew, its data is gone"
                    ));
                    server.stop().await;
                }
            }
        }
        let (server, new) = match kept {
            Some(kept) => kept,
            None => {
                cluster.initialise().await?;
                let server = Server::start(&cluster, &address, at_the_end).await?;
                migrations::apply_platform(&address).await?;
                cluster.mark_initialised()?;
                (server, migrations)
            }
        };
        migrations::apply(&address, new).await?;
        Ok(Self {
            server,
            cluster,
            address,
        })
    }

    /// Stops the server under whoever is connected, and waits until it has ended; [`Self::resume`] starts it again.
    pub async fn halt(&self, how: Halt) -> Result<(), Trouble> {
        let mode = match how {
            Halt::InOrder => "fast",
            Halt::Crash => "immediate",
        };
        self.cluster.halt(mode).await
    }

    /// Starts a halted server again with its data, and waits until it answers.
    pub async fn resume(&self) -> Result<(), Trouble> {
        self.server.start_again(&self.cluster, &self.address).await
    }

    /// Where the migrated database is.
    pub fn address(&self) -> &DatabaseAddress {
        &self.address
    }

    /// Copies the migrated database, for a test to have to itself. Nobody may be connected to the original.
    pub async fn copy_database(&self) -> Result<DatabaseAddress, Trouble> {
        let name = format!("copy_{}", uuid::Uuid::new_v4().simple());
        let statement = format!("create database {name} template postgres owner postgres");
        let url = self.address.beside("template1").superuser_url();
        in_session(&url, "copy the migrated database", async |admin| {
            let copying = sqlx::raw_sql(AssertSqlSafe(statement));
            copying.execute(admin).await.map(drop)
        })
        .await?;
        Ok(self.address.beside(&name))
    }

    /// Stops the server and waits until it is gone.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// A port of the loopback address on which nobody listens now.
///
/// # Errors
/// When the system has none.
pub fn free_port() -> io::Result<u16> {
    std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()
        .map(|address| address.port())
}

#[cfg(test)]
mod tests;
