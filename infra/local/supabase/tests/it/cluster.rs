//! A throw-away PostgreSQL: private directory, unix socket only, gone with the value.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

const START_TIMEOUT: Duration = Duration::from_secs(60);
/// PostgreSQL refuses to run as root; any unprivileged account will do.
const UNPRIVILEGED: (&str, &str) = ("nobody", "nogroup");

pub(crate) struct Cluster {
    directory: PathBuf,
    postmaster: Child,
}

impl Cluster {
    pub(crate) async fn start() -> (Self, PgPool) {
        let directory = std::env::temp_dir().join(format!("rt-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&directory).unwrap();
        if is_root() {
            let owner = format!("{}:{}", UNPRIVILEGED.0, UNPRIVILEGED.1);
            assert!(
                Command::new("chown")
                    .arg(owner)
                    .arg(&directory)
                    .status()
                    .unwrap()
                    .success()
            );
        }
        let data = directory.join("data");
        let initialised = program("initdb")
            .arg("-D")
            .arg(&data)
            .args([
                "-A",
                "trust",
                "-U",
                "postgres",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
                "--wal-segsize=1",
            ])
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(initialised.success(), "initdb failed");
        let postmaster = program("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&directory)
            .args([
                "-c",
                "listen_addresses=",
                "-c",
                "wal_level=logical",
                "-c",
                "fsync=off",
            ])
            .args([
                "-c",
                "shared_buffers=16MB",
                "-c",
                "max_connections=40",
                "-c",
                "log_min_messages=panic",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let cluster = Self {
            directory,
            postmaster,
        };
        let pool = cluster.connect().await;
        (cluster, pool)
    }

    async fn connect(&self) -> PgPool {
        let options = PgConnectOptions::new()
            .socket(&self.directory)
            .username("postgres")
            .database("postgres");
        let started = Instant::now();
        loop {
            match PgPoolOptions::new()
                .max_connections(10)
                .connect_with(options.clone())
                .await
            {
                Ok(pool) => return pool,
                Err(error) => assert!(
                    started.elapsed() < START_TIMEOUT,
                    "PostgreSQL did not start: {error}"
                ),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A killed postmaster takes its children along; nothing here is worth an orderly shutdown.
        let _ = self.postmaster.kill();
        let _ = self.postmaster.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// The program of the newest installation, run unprivileged and killed with this process.
fn program(name: &str) -> Command {
    let path = installed(name);
    if !is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={}", UNPRIVILEGED.0))
        .arg(format!("--regid={}", UNPRIVILEGED.1));
    command
        .args(["--clear-groups", "--pdeathsig", "KILL"])
        .arg(path);
    command
}

fn installed(name: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(name)))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| Path::new(name).to_owned())
}
