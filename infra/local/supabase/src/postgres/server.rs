//! The server process and its guardian: a tiny child that waits for our end of a pipe to close, which it does however we
//! end, and then shuts the server down.

use super::{address::DatabaseAddress, cluster::Cluster, preparing};
use crate::trouble::{Context as _, Trouble};
use parking_lot::{Mutex, MutexGuard};
use sqlx::{Connection, PgConnection};
use std::{
    fs::{self, File},
    process::{Child, ChildStdin, Stdio},
    time::{Duration, Instant},
};

/// A crash of a big run is recovered from in seconds; this is far above.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(15);

/// What becomes of the files when the server stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtTheEnd {
    Keep,
    Remove,
}

/// The server, stopped when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    /// Behind a lock, because a server that is in use can be stopped and started again.
    postgres: Mutex<Child>,
    guardian: Child,
    /// Closing it makes the guardian stop the server.
    lifeline: Option<ChildStdin>,
}

impl Server {
    pub(super) async fn start(
        cluster: &Cluster,
        address: &DatabaseAddress,
        at_the_end: AtTheEnd,
    ) -> Result<Self, Trouble> {
        let postgres = spawn_postgres(cluster, address.port())?;
        let (guardian, lifeline) = spawn_guardian(cluster, at_the_end)?;
        let server = Self {
            postgres: Mutex::new(postgres),
            guardian,
            lifeline,
        };
        server.wait_until_it_answers(cluster, address).await?;
        Ok(server)
    }

    /// Starts the server again after it was halted; the guardian watches over its files and so over the new one too.
    pub(super) async fn start_again(
        &self,
        cluster: &Cluster,
        address: &DatabaseAddress,
    ) -> Result<(), Trouble> {
        let again = spawn_postgres(cluster, address.port())?;
        let mut before = std::mem::replace(&mut *self.process(), again);
        // It has ended by now; this only takes it off the process table.
        let _ = before.wait();
        self.wait_until_it_answers(cluster, address).await
    }

    fn process(&self) -> MutexGuard<'_, Child> {
        self.postgres.lock()
    }

    async fn wait_until_it_answers(
        &self,
        cluster: &Cluster,
        address: &DatabaseAddress,
    ) -> Result<(), Trouble> {
        let url = address.beside("template1").superuser_url();
        let began = Instant::now();
        loop {
            // Our own server first: another one may answer on a port that ours could not bind.
            let ended = matches!(self.process().try_wait(), Ok(Some(_)));
            if !ended && let Ok(connection) = PgConnection::connect(&url).await {
                // A failure to say goodbye changes nothing.
                let _ = connection.close().await;
                return Ok(());
            }
            if ended || began.elapsed() > START_TIMEOUT {
                let log = cluster.log();
                let (tail, log) = (tail_of(&log), log.display());
                return Err(Trouble::new(format!(
                    "the local Postgres did not start; the end of its log {log} says: {tail}"
                )));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    #[cfg(test)]
    pub(super) fn kill_the_guardian(&mut self) {
        self.guardian.kill().unwrap();
        self.guardian.wait().unwrap();
    }

    /// A fast shutdown: open transactions are rolled back, and no process is left.
    pub(super) async fn stop(self) {
        // Waiting for the children blocks, so it has a thread of its own.
        let dropped = tokio::task::spawn_blocking(move || drop(self));
        dropped.await.expect("dropping a server does not panic");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // Neither can fail for a child that was not waited for yet, and nobody is left to tell.
        let _ = self.guardian.wait();
        let mut postgres = self.process();
        let _ = postgres.kill();
        let _ = postgres.wait();
    }
}

fn spawn_postgres(cluster: &Cluster, port: u16) -> Result<Child, Trouble> {
    let log = cluster.log();
    let log_file = File::create(&log).context(preparing(&log))?;
    let errors = log_file.try_clone().context(preparing(&log))?;
    let program = cluster.installation.program("postgres");
    let mut command = cluster.account.command(program);
    command
        .arg("-D")
        .arg(cluster.data())
        .args(["-p", &port.to_string()]);
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "wal_level=logical",
        "max_connections=200",
        "max_replication_slots=40",
        "max_wal_senders=40",
        // A forgotten slot must not fill the disk.
        "max_slot_wal_keep_size=1GB",
        // Speed over durability: what a power cut destroys here is made anew.
        "fsync=off",
        // On, though nothing reaches a disk: Realtime reads the log up to where it was flushed, and without this the
        // flush comes up to 600 ms after the commit.
        "synchronous_commit=on",
        "full_page_writes=off",
        "jit=off",
        "timezone=UTC",
        "log_timezone=UTC",
    ] {
        command.args(["-c", setting]);
    }
    command
        .stdin(Stdio::null())
        .stdout(log_file)
        .stderr(errors)
        .spawn()
        .context("could not run postgres")
}

fn spawn_guardian(
    cluster: &Cluster,
    at_the_end: AtTheEnd,
) -> Result<(Child, Option<ChildStdin>), Trouble> {
    const SCRIPT: &str = r#"
        cat > /dev/null
        "$1" stop --silent --mode=fast --wait --timeout=20 --pgdata "$2" || "$1" stop --silent --mode=immediate --pgdata "$2"
        if [ -n "$3" ]; then rm -rf "$3"; fi
    "#;
    let remove = match at_the_end {
        AtTheEnd::Keep => std::ffi::OsString::new(),
        AtTheEnd::Remove => cluster.place().as_os_str().to_owned(),
    };
    let mut command = cluster.account.command("sh");
    let mut guardian = command
        .args(["-c", SCRIPT, "guardian"])
        .arg(cluster.installation.program("pg_ctl"))
        .arg(cluster.data())
        .arg(remove)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("could not run sh")?;
    let lifeline = guardian.stdin.take();
    Ok((guardian, lifeline))
}

fn tail_of(log: &std::path::Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join(" / ")
}
