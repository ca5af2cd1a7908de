//! Finds the newest PostgreSQL on this machine that will do, or installs one where that needs no question.

use super::{Tell, cluster::run};
use crate::trouble::Trouble;
use std::{
    fs,
    path::{Path, PathBuf},
};
use tokio::process::Command;

const OLDEST_MAJOR: u32 = 15;
const PROGRAMS: [&str; 3] = ["initdb", "postgres", "pg_ctl"];

/// Folders where packages put a PostgreSQL; `*` stands for a version.
const USUAL_PLACES: [&str; 5] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

const MISSING: &str = "no PostgreSQL 15 or newer was found: install one (`brew install postgresql@17`, \
    `sudo apt-get install postgresql`) or put its bin folder on the PATH";

/// Whether a server that is new enough is installed.
///
/// # Errors
/// When there is none.
pub async fn require_installed() -> Result<(), Trouble> {
    let found = Installation::find().await;
    found.map(drop).ok_or_else(|| Trouble::new(MISSING))
}

/// The programs of one PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Installation {
    pub(super) major: u32,
    bin: PathBuf,
}

impl Installation {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// The newest one that is installed; on Debian root may add one.
    pub(super) async fn find_or_install(tell: Tell<'_>) -> Result<Self, Trouble> {
        if let Some(found) = Self::find().await {
            return Ok(found);
        }
        if super::account::is_root() && Path::new("/usr/bin/apt-get").exists() {
            tell("\n  No PostgreSQL 15 or newer is here: installing it with apt-get");
            install_with_apt().await?;
        }
        Self::find().await.ok_or_else(|| Trouble::new(MISSING))
    }

    pub(super) async fn find() -> Option<Self> {
        let mut found = Vec::new();
        for bin in candidates() {
            if PROGRAMS.iter().all(|program| bin.join(program).is_file())
                && let Some(major) = major_version(&bin).await
            {
                found.push(Self { major, bin });
            }
        }
        found.retain(|installation| installation.major >= OLDEST_MAJOR);
        found.into_iter().max()
    }
}

fn candidates() -> Vec<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "PATH is where programs are looked for, no setting"
    )]
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(USUAL_PLACES.into_iter().flat_map(expand))
        .collect()
}

/// The folders a pattern with one `*` in one component stands for.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let (before, after) = pattern.split_once('*').unwrap_or((pattern, ""));
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(after.trim_start_matches('/')))
        .collect()
}

async fn major_version(bin: &Path) -> Option<u32> {
    let mut postgres = Command::new(bin.join("postgres"));
    let output = postgres.arg("--version").output().await.ok()?;
    parse_major(&String::from_utf8_lossy(&output.stdout))
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0)` is 15, `postgres (PostgreSQL) 18beta1` is 18.
fn parse_major(version: &str) -> Option<u32> {
    let is_digit = |letter: char| letter.is_ascii_digit();
    let number = version
        .split_whitespace()
        .find(|word| word.starts_with(is_digit))?;
    let end = number.find(|letter| !is_digit(letter));
    number[..end.unwrap_or(number.len())].parse().ok()
}

async fn install_with_apt() -> Result<(), Trouble> {
    // An update that fails in part may be enough for the installation, which decides.
    let mut last = Ok(());
    for arguments in [
        &["update"][..],
        &["install", "--yes", "--no-install-recommends", "postgresql"],
    ] {
        let mut command = std::process::Command::new("apt-get");
        command.args(arguments);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        last = run(command, "apt-get").await;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_way_a_server_names_itself() {
        assert_eq!(
            parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
            Some(15)
        );
        assert_eq!(
            parse_major("postgres (PostgreSQL) 17.2 (Homebrew)"),
            Some(17)
        );
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_major("no such thing"), None);
    }
}
