//! The files of a server: where they lie, whether they are usable, what a killed run left behind in them.

use super::{
    PostgresError, Tell,
    account::Account,
    address::{PASSWORD, SUPERUSER},
    installation::Installation,
    migrations::PLATFORM,
};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::process::Command;

/// Who may log in how. `password` and not `scram-sha-256`: it is checked in microseconds, and the wire is the loopback.
const HOST_RULES: &str =
    "host all all 127.0.0.1/32 password\nhost replication all 127.0.0.1/32 password\n";

/// A folder with the files of one server, and who may run it with what.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    place: PathBuf,
    pub(super) installation: Installation,
    pub(super) account: Account,
}

impl Cluster {
    /// Makes the folder, at `wanted` or, where the account cannot reach that, in `/var/tmp`.
    pub(super) async fn prepare(
        wanted: &Path,
        installation: Installation,
        account: Account,
        tell: Tell<'_>,
    ) -> Result<Self, PostgresError> {
        let mut place = std::path::absolute(wanted).map_err(PostgresError::about(wanted))?;
        make_folder(&place, account)?;
        if !account.can_write(&place).await {
            let mut hasher = DefaultHasher::new();
            place.hash(&mut hasher);
            let reachable = PathBuf::from(format!(
                "/var/tmp/storytailor-postgres-{:016x}",
                hasher.finish()
            ));
            tell(&format!(
                "\n  The server's account cannot reach {}: its files are in {}",
                place.display(),
                reachable.display()
            ));
            make_folder(&reachable, account)?;
            place = reachable;
        }
        Ok(Self {
            place,
            installation,
            account,
        })
    }

    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    pub(super) fn data(&self) -> PathBuf {
        self.place.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.place.join("server.log")
    }

    /// The platform script this cluster was initialised with; written last, so its presence says that all went well.
    fn marker(&self) -> PathBuf {
        self.place.join("platform.sql")
    }

    fn trouble(&self) -> impl FnOnce(std::io::Error) -> PostgresError {
        PostgresError::about(&self.place)
    }

    /// Whether there is a finished cluster of this version, account and platform.
    pub(super) fn is_usable(&self) -> bool {
        let version = fs::read_to_string(self.data().join("PG_VERSION")).unwrap_or_default();
        version.trim() == self.installation.major.to_string()
            && self.account.owns(&self.data())
            && fs::read_to_string(self.marker()).is_ok_and(|text| text == PLATFORM)
    }

    /// Makes an empty cluster, in place of whatever is there.
    pub(super) async fn initialise(&self) -> Result<(), PostgresError> {
        for path in [self.marker(), self.data()] {
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            match removed {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(self.trouble()(error));
                }
                _ => {}
            }
        }
        let password_file = self.place.join("password");
        fs::write(&password_file, PASSWORD).map_err(self.trouble())?;
        let initdb = self.installation.program("initdb");
        let mut command = self.account.command(&initdb);
        command
            .args([
                "--no-locale",
                "--encoding=UTF8",
                "--no-sync",
                "--auth=password",
                "--username",
                SUPERUSER,
            ])
            .arg("--pwfile")
            .arg(&password_file)
            .arg("--pgdata")
            .arg(self.data());
        run(command, "initdb").await?;
        fs::write(self.data().join("pg_hba.conf"), HOST_RULES).map_err(self.trouble())
    }

    pub(super) fn mark_initialised(&self) -> Result<(), PostgresError> {
        fs::write(self.marker(), PLATFORM).map_err(self.trouble())
    }

    /// Stops the server of a run that was killed. Whoever reused its process id is left alone.
    pub(super) async fn stop_leftover(&self) -> Result<(), PostgresError> {
        let pid_file = self.data().join("postmaster.pid");
        let Ok(text) = fs::read_to_string(&pid_file) else {
            return Ok(());
        };
        let pid: Option<u32> = text
            .lines()
            .next()
            .and_then(|line| line.trim().parse().ok());
        if let Some(pid) = pid
            && self.is_our_server(pid).await
        {
            self.halt("fast").await
        } else {
            fs::remove_file(&pid_file).map_err(self.trouble())
        }
    }

    /// Stops the running server and waits until it has ended: `fast` ends sessions in order, `immediate` is a crash.
    pub(super) async fn halt(&self, mode: &str) -> Result<(), PostgresError> {
        let mut command = self.account.command(self.installation.program("pg_ctl"));
        command
            .args(["stop", "--silent", "--wait", "--timeout=20", "--mode", mode])
            .arg("--pgdata")
            .arg(self.data());
        run(command, "pg_ctl").await
    }

    async fn is_our_server(&self, pid: u32) -> bool {
        let output = Command::new("ps")
            .args(["-o", "args=", "-p", &pid.to_string()])
            .output()
            .await;
        let from_ps = output.map(|output| output.stdout).unwrap_or_default();
        let from_proc = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let data = self.data();
        [from_ps, from_proc]
            .iter()
            .any(|arguments| String::from_utf8_lossy(arguments).contains(&*data.to_string_lossy()))
    }
}

fn make_folder(path: &Path, account: Account) -> Result<(), PostgresError> {
    fs::create_dir_all(path)
        .and_then(|()| account.take_over(path))
        .map_err(PostgresError::about(path))
}

/// Runs a program to its end. What it writes is read only when it failed: a server it starts may keep the pipe open.
pub(super) async fn run(
    command: std::process::Command,
    program: &str,
) -> Result<(), PostgresError> {
    let mut command = Command::from(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|source| PostgresError::Run {
            program: program.to_owned(),
            source,
        })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(PostgresError::Failed {
        program: program.to_owned(),
        output: String::from_utf8_lossy(&said).trim().to_owned(),
    })
}
