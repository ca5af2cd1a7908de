//! The real Postgres behind the local stack: found, initialised, migrated, run as an unprivileged user, and gone when we
//! are gone, however we end.

mod account;
mod address;
mod cluster;
mod installation;
mod migrations;
mod server;

pub use address::DatabaseAddress;
pub use installation::MissingPostgres;

use account::Account;
use cluster::Cluster;
use installation::Installation;
use migrations::Standing;
use server::{AtTheEnd, Server};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Postgres could not be started, or not brought to where the migrations are.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    #[error(transparent)]
    Missing(#[from] MissingPostgres),
    #[error("could not prepare {} for the local Postgres", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not run {program}")]
    Run {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("{program} failed: {output}")]
    Failed { program: String, output: String },
    #[error("the local Postgres did not start; the end of its log {} says: {tail}", log.display())]
    NotStarted { log: PathBuf, tail: String },
    #[error("could not {attempted} on the local Postgres")]
    Sql {
        attempted: String,
        #[source]
        source: sqlx::Error,
    },
    #[error("could not read the migrations in {}", path.display())]
    Migrations {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("migration {file} could not be applied")]
    Migration {
        file: String,
        #[source]
        source: sqlx::Error,
    },
}

impl PostgresError {
    /// For `map_err`: says which folder or file it was.
    fn about(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Folder { path, source }
    }
}

/// Who hears what a boot does beyond starting a server: a line for a person.
pub type Tell<'a> = &'a (dyn Fn(&str) + Sync);

/// Does something in a session of its own, and ends that.
async fn in_session<T>(
    url: &str,
    attempted: &str,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
) -> Result<T, PostgresError> {
    let done = async {
        let mut session = PgConnection::connect(url).await?;
        let done = work(&mut session).await?;
        session.close().await?;
        Ok(done)
    };
    done.await.map_err(|source| PostgresError::Sql {
        attempted: attempted.to_owned(),
        source,
    })
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
    ) -> Result<Self, PostgresError> {
        Self::boot(data_dir, port, migrations, AtTheEnd::Keep, tell).await
    }

    /// Boots a server of its own on a free port for tests; its files vanish with it, even when this process is killed.
    pub async fn start_temporary(migrations: &Path) -> Result<Self, PostgresError> {
        let data_dir =
            std::env::temp_dir().join(format!("storytailor-postgres-{}", uuid::Uuid::new_v4()));
        let port = free_port().map_err(PostgresError::about(&data_dir))?;
        Self::boot(&data_dir, port, migrations, AtTheEnd::Remove, &|_| ()).await
    }

    /// Stops what a killed run may have left behind in `data_dir`, so that its port is free again.
    pub async fn stop_leftover(data_dir: &Path) -> Result<(), PostgresError> {
        if let Some(installation) = Installation::find().await {
            let account = Account::for_servers()?;
            Cluster::prepare(data_dir, installation, account, &|_| ())
                .await?
                .stop_leftover()
                .await?;
        }
        Ok(())
    }

    async fn boot(
        data_dir: &Path,
        port: u16,
        migrations: &Path,
        at_the_end: AtTheEnd,
        tell: Tell<'_>,
    ) -> Result<Self, PostgresError> {
        let installation = Installation::find_or_install(tell).await?;
        let account = Account::for_servers()?;
        let cluster = Cluster::prepare(data_dir, installation, account, tell).await?;
        let migrations = &*migrations::read(migrations)?;
        cluster.stop_leftover().await?;
        let address = DatabaseAddress::new(port, "postgres");
        if cluster.is_usable() {
            let server = Server::start(&cluster, &address, at_the_end).await?;
            match migrations::standing(&address, migrations).await? {
                Standing::Behind(new) => {
                    migrations::apply(&address, new).await?;
                    return Ok(Self {
                        server,
                        cluster,
                        address,
                    });
                }
                Standing::Diverged(reason) => {
                    tell(&format!(
                        "\n  {reason}: the local database is made anew, its data is gone"
                    ));
                    server.stop().await;
                }
            }
        }
        cluster.initialise().await?;
        let server = Server::start(&cluster, &address, at_the_end).await?;
        migrations::apply_platform(&address).await?;
        cluster.mark_initialised()?;
        migrations::apply(&address, migrations).await?;
        Ok(Self {
            server,
            cluster,
            address,
        })
    }

    /// Stops the server under whoever is connected, and waits until it has ended; [`Self::resume`] starts it again.
    pub async fn halt(&self, how: Halt) -> Result<(), PostgresError> {
        self.cluster
            .halt(match how {
                Halt::InOrder => "fast",
                Halt::Crash => "immediate",
            })
            .await
    }

    /// Starts a halted server again with its data, and waits until it answers.
    pub async fn resume(&self) -> Result<(), PostgresError> {
        self.server.start_again(&self.cluster, &self.address).await
    }

    /// Where the migrated database is.
    pub fn address(&self) -> &DatabaseAddress {
        &self.address
    }

    /// Copies the migrated database, for a test to have to itself. Nobody may be connected to the original.
    pub async fn copy_database(&self) -> Result<DatabaseAddress, PostgresError> {
        let copy = self
            .address
            .beside(&format!("copy_{}", uuid::Uuid::new_v4().simple()));
        let statement = format!(
            "create database {} template postgres owner postgres",
            copy.database()
        );
        let url = self.address.beside("template1").superuser_url();
        in_session(&url, "copy the migrated database", async |admin| {
            let copying = sqlx::raw_sql(AssertSqlSafe(statement));
            copying.execute(admin).await.map(drop)
        })
        .await?;
        Ok(copy)
    }

    /// Stops the server and waits until it is gone.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// Whether a server that is new enough is installed.
pub async fn require_installed() -> Result<(), MissingPostgres> {
    Installation::find().await.map(drop).ok_or(MissingPostgres)
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
