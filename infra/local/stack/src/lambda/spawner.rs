//! Starts child processes from one thread that lives as long as the emulator.
//!
//! The kernel's parent-death signal follows the *thread* that forked, and threads of an async
//! runtime may end early; children of this thread die with the emulator and not before.

use std::{io, path::Path, sync::mpsc, thread};

use tokio::{
    process::{Child, Command},
    runtime::Handle,
    sync::oneshot,
};

struct SpawnRequest {
    command: Command,
    reply: oneshot::Sender<io::Result<Child>>,
}

pub(crate) struct Spawner {
    requests: mpsc::Sender<SpawnRequest>,
    /// `setpriv` of util-linux sets the parent-death signal and then becomes the program.
    has_setpriv: bool,
}

impl Spawner {
    /// Must be called inside the runtime that will watch the children.
    pub(crate) fn start() -> io::Result<Self> {
        let (requests, incoming) = mpsc::channel::<SpawnRequest>();
        let runtime = Handle::current();
        thread::Builder::new()
            .name("lambda-spawner".to_owned())
            .spawn(move || {
                let _inside_runtime = runtime.enter();
                while let Ok(mut request) = incoming.recv() {
                    let child = request.command.spawn();
                    // A caller that went away drops the child, and a dropped child is killed.
                    let _ = request.reply.send(child);
                }
            })?;
        Ok(Self {
            requests,
            has_setpriv: has_setpriv(),
        })
    }

    /// A command for `program` that will not outlive this process, where the system can promise it.
    pub(crate) fn command(&self, program: &Path) -> Command {
        if !self.has_setpriv {
            return Command::new(program);
        }
        let mut command = Command::new(SETPRIV);
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        command
    }

    pub(crate) async fn spawn(&self, command: Command) -> io::Result<Child> {
        let (reply, spawned) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts functions has ended");
        self.requests
            .send(SpawnRequest { command, reply })
            .map_err(|_| gone())?;
        spawned.await.map_err(|_| gone())?
    }
}

const SETPRIV: &str = "/usr/bin/setpriv";

/// Tried rather than looked for: the `setpriv` of BusyBox does not know the option.
fn has_setpriv() -> bool {
    cfg!(target_os = "linux")
        && std::process::Command::new(SETPRIV)
            .args(["--pdeathsig", "KILL", "--", "true"])
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
}
