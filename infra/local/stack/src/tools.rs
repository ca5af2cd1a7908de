//! Tools that are no Rust crates of this workspace: found, or installed below `.local/tools` by `tools.sh`.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use supabase::trouble::{Context as _, Trouble};
use tokio::process::Command;

/// Sees to it that these are there: `python` (sam, cfn-lint, moto and the AWS command line), `supabase`, `cargo-deny`,
/// `cargo-lambda`, `openapi-nexus`.
///
/// # Errors
/// When one is missing and cannot be installed; the script has said what to do.
pub async fn ensure(workspace: &Path, tools: &[&str]) -> Result<(), Trouble> {
    let mut script = Command::new("bash");
    script.arg(workspace.join("infra/local/stack/tools.sh"));
    script.args(tools).stdin(Stdio::null()).kill_on_drop(true);
    let status = script.status().await.context("could not run bash")?;
    let missing = || Trouble::new("a tool is missing; the line above says which");
    status.success().then_some(()).ok_or_else(missing)
}

/// Where `tools.sh` puts programs.
pub fn folders(workspace: &Path) -> [PathBuf; 3] {
    ["python/bin", "node/node_modules/.bin", "bin"]
        .map(|folder| workspace.join(".local/tools").join(folder))
}

/// A program of ours, else the one on the PATH.
pub fn program(workspace: &Path, name: &str) -> PathBuf {
    let mut ours = folders(workspace)
        .map(|folder| folder.join(name))
        .into_iter();
    let ours = ours.find(|candidate| candidate.is_file());
    ours.or_else(|| on_path(name))
        .unwrap_or_else(|| name.into())
}

/// Where a program is, if it is on the PATH.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = crate::environment::variable("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}
