//! The ports of the stack: those of the Supabase CLI where it has one, or free ones for tests.

use std::{fs, io};
use supabase::trouble::{Context as _, Trouble};
use tokio::net::TcpListener;

/// A port of the stack, by what listens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// `/rest/v1`, `/realtime/v1`, `/auth/v1`.
    pub gateway: u16,
    pub postgres: u16,
    /// The Lambda API and the Function URL.
    pub lambda: u16,
    /// S3 and the CDN.
    pub files: u16,
    pub openai: u16,
    pub elevenlabs: u16,
    /// SES.
    pub mail: u16,
}

impl Ports {
    /// The documented ones.
    pub const FIXED: Self = Self {
        gateway: 54321,
        postgres: 54322,
        lambda: 9000,
        files: 54325,
        openai: 54326,
        elevenlabs: 54327,
        mail: 54328,
    };

    /// Ports nobody listens on now.
    pub fn free() -> io::Result<Self> {
        // All are held at once, so that no two are the same.
        let mut held = Vec::new();
        let mut next = || -> io::Result<u16> {
            held.push(std::net::TcpListener::bind(("127.0.0.1", 0))?);
            Ok(held[held.len() - 1].local_addr()?.port())
        };
        Ok(Self {
            gateway: next()?,
            postgres: next()?,
            lambda: next()?,
            files: next()?,
            openai: next()?,
            elevenlabs: next()?,
            mail: next()?,
        })
    }
}

/// Listens on the loopback address.
pub async fn listen(port: u16, purpose: &str) -> Result<TcpListener, Trouble> {
    let bound = TcpListener::bind(("127.0.0.1", port)).await;
    if let Err(error) = &bound
        && error.kind() == io::ErrorKind::AddrInUse
    {
        let by = holder(port).map_or(String::new(), |who| format!(" by {who}"));
        return Err(Trouble::new(format!(
            "port {port} ({purpose}) is in use{by}: stop that process, or the stack that is up already, and try again"
        )));
    }
    bound.context(format!("could not listen on port {port} ({purpose})"))
}

/// The process that listens on a port, as `name (pid 12)`, where /proc tells (Linux).
fn holder(port: u16) -> Option<String> {
    let listening = "0A";
    let sockets = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    let sockets: String = sockets.into_iter().flatten().collect();
    let inode = sockets.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let is_it =
            fields.get(1)?.ends_with(&format!(":{port:04X}")) && *fields.get(3)? == listening;
        is_it.then(|| format!("socket:[{}]", fields.get(9).unwrap_or(&"")))
    })?;
    let processes = fs::read_dir("/proc").ok()?;
    processes.flatten().find_map(|process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        let mut files = fs::read_dir(process.path().join("fd")).ok()?.flatten();
        let holds = files.any(|file| {
            fs::read_link(file.path()).is_ok_and(|target| target.to_string_lossy() == inode)
        });
        let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        holds.then(|| format!("{} (pid {pid})", name.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_named_with_its_process() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let problem = listen(port, "the gateway").await.unwrap_err().to_string();
        assert!(problem.contains(&port.to_string()), "{problem}");
        if cfg!(target_os = "linux") {
            assert!(
                problem.contains(&std::process::id().to_string()),
                "{problem}"
            );
        }
    }
}
