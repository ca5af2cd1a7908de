//! Under which account the server runs: our own, or an unprivileged one when we are root, whom Postgres refuses.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};
use tokio::process::Command;

use crate::trouble::{Context as _, Trouble};

/// Who runs the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    Ourselves,
    Other { uid: u32, gid: u32 },
}

pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Account {
    /// Ourselves, or `postgres`, else `nobody`, when we are root.
    pub(super) fn for_servers() -> Result<Self, Trouble> {
        if !is_root() {
            return Ok(Self::Ourselves);
        }
        let table = fs::read_to_string("/etc/passwd").context("could not read /etc/passwd")?;
        let mut names = ["postgres", "nobody"].into_iter();
        let found = names.find_map(|name| account_in(&table, name));
        let nobody = "/etc/passwd names neither `postgres` nor `nobody`";
        found.ok_or_else(|| Trouble::new(nobody))
    }

    /// A program that will run under this account, from a folder everybody may be in.
    pub(super) fn command(self, program: impl AsRef<std::ffi::OsStr>) -> std::process::Command {
        use std::os::unix::process::CommandExt;
        let mut command = std::process::Command::new(program);
        // A group of its own: Ctrl-C in the terminal is for us, who stop things in order.
        command.current_dir("/").process_group(0);
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Gives a folder to this account, closed to others.
    pub(super) fn take_over(self, folder: &Path) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        if let Self::Other { uid, gid } = self {
            std::os::unix::fs::chown(folder, Some(uid), Some(gid))?;
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
    }

    /// Whether a folder belongs to this account.
    pub(super) fn owns(self, folder: &Path) -> bool {
        match self {
            Self::Ourselves => true,
            Self::Other { uid, .. } => fs::metadata(folder).is_ok_and(|found| found.uid() == uid),
        }
    }

    /// Whether this account can get to a folder and write there: it may lie below one that is closed, such as /root.
    pub(super) async fn can_write(self, folder: &Path) -> bool {
        let mut command = Command::from(self.command("test"));
        let tested = command.arg("-w").arg(folder).status().await;
        tested.is_ok_and(|status| status.success())
    }
}

fn account_in(passwd: &str, name: &str) -> Option<Account> {
    let mut lines = passwd.lines().map(|line| line.split(':'));
    let mut fields = lines.find(|fields| fields.clone().next() == Some(name))?;
    Some(Account::Other {
        uid: fields.nth(2)?.parse().ok()?,
        gid: fields.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let table = "root:x:0:0:root:/root:/bin/sh\npostgresql:x:7:7::/:\npostgres:x:101:104:PostgreSQL,,,:/var/lib:/bin/sh\n";
        assert_eq!(
            account_in(table, "postgres"),
            Some(Account::Other { uid: 101, gid: 104 })
        );
        assert_eq!(account_in(table, "nobody"), None);
    }
}
