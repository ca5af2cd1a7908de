//! The ports of the stack: those of the Supabase CLI where it has one, or free ones for tests.

use std::{fs, io};
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

/// The port belongs to somebody else.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    #[error(
        "port {port} ({purpose}) is in use{by}: stop that process, or the stack that is up already, and try again"
    )]
    InUse {
        port: u16,
        purpose: &'static str,
        by: String,
    },
    #[error("could not listen on port {port} ({purpose})")]
    Bind {
        port: u16,
        purpose: &'static str,
        #[source]
        source: io::Error,
    },
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
pub async fn listen(port: u16, purpose: &'static str) -> Result<TcpListener, PortError> {
    TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => PortError::InUse {
                port,
                purpose,
                by: holder(port).map_or(String::new(), |who| format!(" by {who}")),
            },
            _ => PortError::Bind {
                port,
                purpose,
                source,
            },
        })
}

/// Whether anybody listens there, for a port that another process will bind.
pub async fn require_unused(port: u16, purpose: &'static str) -> Result<(), PortError> {
    listen(port, purpose).await.map(drop)
}

/// The process that listens on a port, as `name (pid 12)`, where /proc tells (Linux).
fn holder(port: u16) -> Option<String> {
    let listening = "0A";
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .find_map(|table| {
            table.lines().skip(1).find_map(|line| {
                let fields: Vec<_> = line.split_whitespace().collect();
                let is_it = fields.get(1)?.ends_with(&format!(":{port:04X}"))
                    && *fields.get(3)? == listening;
                is_it.then(|| format!("socket:[{}]", fields.get(9).unwrap_or(&"")))
            })
        })?;
    let processes = fs::read_dir("/proc").ok()?;
    processes.flatten().find_map(|process| {
        let pid = process
            .file_name()
            .into_string()
            .ok()
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))?;
        let holds = fs::read_dir(process.path().join("fd"))
            .ok()?
            .flatten()
            .any(|fd| {
                fs::read_link(fd.path()).is_ok_and(|target| target.to_string_lossy() == inode)
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
