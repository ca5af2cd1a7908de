//! The developer loop: the functions under `cargo lambda watch`, which builds them anew after every change.
//!
//! It answers an invocation only when the function has, and knows neither events nor schedules. So the emulator stays in
//! front of it, queues and ticks as ever, and only leaves the running of functions to it.

use crate::environment;
use std::{ffi::OsStr, path::Path, process::Stdio, time::Duration};
use supabase::trouble::{Context as _, Trouble};
use tokio::process::{Child, Command};

/// `cargo lambda watch`, killed when dropped.
pub struct Watch {
    process: Child,
    /// Where it listens, as an address.
    pub address: String,
}

/// Invocations of one function at a time; with one, a function that waits for another would wait for ever.
const CONCURRENCY: &str = "16";

impl Watch {
    /// Starts this `cargo_lambda`; the functions get their variables from the dotenv file `env`.
    pub fn start(workspace: &Path, cargo_lambda: &Path, env: &Path) -> Result<Self, Trouble> {
        let failed = "could not start `cargo lambda watch`";
        let port = crate::postgres::free_port().context(failed)?.to_string();
        // What is installed with it is found beside it.
        let beside = cargo_lambda.parent().map(OsStr::new).into_iter();
        let path = environment::variable("PATH").unwrap_or_default();
        let path = beside.map(Into::into).chain(std::env::split_paths(&path));
        let mut watch = Command::new(cargo_lambda);
        watch
            .args(["lambda", "watch", "--invoke-address", "127.0.0.1"])
            .args(["--invoke-port", &port, "--concurrency", CONCURRENCY])
            .arg("--env-file")
            .arg(env)
            .env("PATH", std::env::join_paths(path).context(failed)?)
            .current_dir(workspace)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(Self {
            process: watch.spawn().context(failed)?,
            address: format!("http://127.0.0.1:{port}"),
        })
    }

    /// Interrupts it, so that it ends the functions it started; what does not end is killed.
    pub async fn stop(mut self) {
        if let Some(pid) = self.process.id() {
            let mut kill = Command::new("kill");
            let _ = kill.args(["-INT", &pid.to_string()]).status().await;
            let _ = tokio::time::timeout(Duration::from_secs(3), self.process.wait()).await;
        }
        let _ = self.process.kill().await;
    }
}
