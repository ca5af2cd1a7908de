//! The files of a server: where they lie, whether they are usable, what a killed run left behind in them.

use super::{
    Tell,
    account::Account,
    address::{PASSWORD, SUPERUSER},
    installation::Installation,
    migrations::PLATFORM,
    preparing,
};
use crate::trouble::{Context as _, Trouble};
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
    ) -> Result<Self, Trouble> {
        let mut place = std::path::absolute(wanted).context(preparing(wanted))?;
        make_folder(&place, account)?;
        if !account.can_write(&place).await {
            let mut hasher = DefaultHasher::new();
            place.hash(&mut hasher);
            let name = format!("storytailor-postgres-{:016x}", hasher.finish());
            let reachable = Path::new("/var/tmp").join(name);
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

    /// Whether there is a finished cluster of this version, account and platform.
    pub(super) fn is_usable(&self) -> bool {
        let version = fs::read_to_string(self.data().join("PG_VERSION")).unwrap_or_default();
        version.trim() == self.installation.major.to_string()
            && self.account.owns(&self.data())
            && fs::read_to_string(self.marker()).is_ok_and(|text| text == PLATFORM)
    }

    /// Makes an empty cluster, in place of whatever is there.
    pub(super) async fn initialise(&self) -> Result<(), Trouble> {
        if self.marker().exists() {
            fs::remove_file(self.marker()).context(preparing(&self.place))?;
        }
        if self.data().exists() {
            fs::remove_dir_all(self.data()).context(preparing(&self.place))?;
        }
        let password_file = self.place.join("password");
        fs::write(&password_file, PASSWORD).context(preparing(&self.place))?;
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
        let rules = self.data().join("pg_hba.conf");
        fs::write(rules, HOST_RULES).context(preparing(&self.place))
    }

    pub(super) fn mark_initialised(&self) -> Result<(), Trouble> {
        fs::write(self.marker(), PLATFORM).context(preparing(&self.place))
    }

    /// Stops the server of a run that was killed. Whoever reused its process id is left alone.
    pub(super) async fn stop_leftover(&self) -> Result<(), Trouble> {
        let pid_file = self.data().join("postmaster.pid");
        let Ok(text) = fs::read_to_string(&pid_file) else {
            return Ok(());
        };
        let pid = text.lines().next().unwrap_or_default().trim();
        match self.is_our_server(pid).await {
            true => self.halt("fast").await,
            false => fs::remove_file(&pid_file).context(preparing(&self.place)),
        }
    }

    /// Stops the running server and waits until it has ended: `fast` ends sessions in order, `immediate` is a crash.
    pub(super) async fn halt(&self, mode: &str) -> Result<(), Trouble> {
        let mut command = self.account.command(self.installation.program("pg_ctl"));
        command
            .args(["stop", "--silent", "--wait", "--timeout=20", "--mode", mode])
            .arg("--pgdata")
            .arg(self.data());
        run(command, "pg_ctl").await
    }

    async fn is_our_server(&self, pid: &str) -> bool {
        let ps = Command::new("ps").args(["-o", "args=", "-p", pid]).output();
        let output = ps.await;
        let from_ps = output.map(|output| output.stdout).unwrap_or_default();
        let from_proc = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let data = self.data();
        [from_ps, from_proc]
            .iter()
            .any(|arguments| String::from_utf8_lossy(arguments).contains(&*data.to_string_lossy()))
    }
}

fn make_folder(path: &Path, account: Account) -> Result<(), Trouble> {
    let made = fs::create_dir_all(path).and_then(|()| account.take_over(path));
    made.context(preparing(path))
}

/// Runs a program to its end. What it writes is read only when it failed: a server it starts may keep the pipe open.
pub(super) async fn run(command: std::process::Command, program: &str) -> Result<(), Trouble> {
    let output = Command::from(command).stdin(Stdio::null()).output().await;
    let output = output.context(format!("could not run {program}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    Err(Trouble::new(format!("{program} failed: {}", said.trim())))
}
