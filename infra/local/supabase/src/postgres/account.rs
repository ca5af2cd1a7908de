//! Under which account the server runs: our own, or an unprivileged one when we are root, whom Postgres refuses.

use super::PostgresError;
use std::{fs, io, os::unix::fs::MetadataExt, path::Path};
use tokio::process::Command;

/// A user that exists on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Who runs the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    Ourselves,
    Other(User),
}

pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Account {
    /// Ourselves, or `postgres`, else `nobody`, when we are root.
    pub(super) fn for_servers() -> Result<Self, PostgresError> {
        if !is_root() {
            return Ok(Self::Ourselves);
        }
        let table = Path::new("/etc/passwd");
        let text = fs::read_to_string(table).map_err(PostgresError::about(table))?;
        let mut names = ["postgres", "nobody"].into_iter();
        let user = names.find_map(|name| user_in(&text, name));
        let nobody = || io::Error::other("it names neither `postgres` nor `nobody`");
        let user = user.map(Self::Other).ok_or_else(nobody);
        user.map_err(PostgresError::about(table))
    }

    /// A program that will run under this account, from a folder everybody may be in.
    pub(super) fn command(self, program: impl AsRef<std::ffi::OsStr>) -> std::process::Command {
        use std::os::unix::process::CommandExt;
        let mut command = std::process::Command::new(program);
        // A group of its own: Ctrl-C in the terminal is for us, who stop things in order.
        command.current_dir("/").process_group(0);
        if let Self::Other(user) = self {
            command.uid(user.uid).gid(user.gid);
        }
        command
    }

    /// Gives a folder to this account, closed to others.
    pub(super) fn take_over(self, folder: &Path) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        if let Self::Other(user) = self {
            std::os::unix::fs::chown(folder, Some(user.uid), Some(user.gid))?;
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
    }

    /// Whether a folder belongs to this account.
    pub(super) fn owns(self, folder: &Path) -> bool {
        match self {
            Self::Ourselves => true,
            Self::Other(user) => {
                fs::metadata(folder).is_ok_and(|metadata| metadata.uid() == user.uid)
            }
        }
    }

    /// Whether this account can get to a folder and write there: it may lie below one that is closed, such as /root.
    pub(super) async fn can_write(self, folder: &Path) -> bool {
        let mut command = Command::from(self.command("test"));
        command
            .arg("-w")
            .arg(folder)
            .status()
            .await
            .is_ok_and(|status| status.success())
    }
}

fn user_in(passwd: &str, name: &str) -> Option<User> {
    let fields: Vec<_> = passwd
        .lines()
        .find(|line| line.split(':').next() == Some(name))?
        .split(':')
        .collect();
    Some(User {
        uid: fields.get(2)?.parse().ok()?,
        gid: fields.get(3)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let table = "root:x:0:0:root:/root:/bin/sh\npostgresql:x:7:7::/:\npostgres:x:101:104:PostgreSQL,,,:/var/lib:/bin/sh\n";
        assert_eq!(
            user_in(table, "postgres"),
            Some(User { uid: 101, gid: 104 })
        );
        assert_eq!(user_in(table, "nobody"), None);
    }
}
