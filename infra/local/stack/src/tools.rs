//! Tools that are no Rust crates of this workspace: found on the PATH, else installed below `.local/tools`.

use crate::report::Reporter;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::process::Command;

/// A tool is missing and could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    #[error("{tool} is missing and could not be installed: {how}")]
    Missing {
        tool: &'static str,
        how: &'static str,
    },
    #[error("could not run {tool}")]
    Run {
        tool: &'static str,
        #[source]
        source: std::io::Error,
    },
}

/// The tools of the template and dependency checks.
#[derive(Clone, Debug)]
pub struct Tools {
    python: PathBuf,
    cargo_deny: PathBuf,
}

/// Versions the template was written against; newer ones may know more rules.
const PYTHON_TOOLS: [&str; 2] = ["aws-sam-cli==1.170.0", "cfn-lint==1.58.0"];

const CARGO_LAMBDA: &str = "cargo-lambda==1.9.2";

impl Tools {
    pub async fn ensure(workspace: &Path, reporter: Reporter) -> Result<Self, ToolError> {
        let folder = workspace.join(".local/tools");
        let python = folder.join("python/bin");
        if !python.join("sam").exists() || !python.join("cfn-lint").exists() {
            reporter.begin(
                "Installing aws-sam-cli and cfn-lint into .local/tools (once, about a minute)",
            );
            let how = "install Python 3 with venv and pip (Debian: apt-get install python3-venv python3-pip)";
            install_with_pip("aws-sam-cli", how, &folder.join("python"), &PYTHON_TOOLS).await?;
        }
        let cargo_deny = match on_path("cargo-deny") {
            Some(found) => found,
            None => {
                let installed = folder.join("bin/cargo-deny");
                if !installed.exists() {
                    reporter.begin("Installing cargo-deny into .local/tools (once, some minutes)");
                    let root = folder.display().to_string();
                    let mut cargo = Command::new("cargo");
                    cargo.args(["install", "cargo-deny", "--locked", "--quiet"]);
                    let how = "install it with `cargo install cargo-deny --locked`";
                    run("cargo-deny", how, cargo.args(["--root", &root])).await?;
                }
                installed
            }
        };
        Ok(Self { python, cargo_deny })
    }

    pub fn sam(&self) -> PathBuf {
        self.python.join("sam")
    }

    pub fn cfn_lint(&self) -> PathBuf {
        self.python.join("cfn-lint")
    }

    pub fn cargo_deny(&self) -> &Path {
        &self.cargo_deny
    }
}

/// `cargo-lambda`, found or installed with the Zig it needs to build for another processor.
pub async fn cargo_lambda(workspace: &Path, reporter: Reporter) -> Result<PathBuf, ToolError> {
    if let Some(found) = on_path("cargo-lambda") {
        return Ok(found);
    }
    let environment = workspace.join(".local/tools/python");
    let program = environment.join("bin/cargo-lambda");
    if !program.exists() {
        reporter.begin("Installing cargo-lambda into .local/tools (once)");
        let how = "install it with `pip install cargo-lambda`";
        install_with_pip("cargo-lambda", how, &environment, &[CARGO_LAMBDA]).await?;
    }
    Ok(program)
}

/// Installs packages into a Python environment of our own.
async fn install_with_pip(
    tool: &'static str,
    how: &'static str,
    environment: &Path,
    packages: &[&str],
) -> Result<(), ToolError> {
    let mut python = Command::new("python3");
    run(tool, how, python.args(["-m", "venv"]).arg(environment)).await?;
    let mut pip = Command::new(environment.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    run(tool, how, pip.args(packages)).await
}

async fn run(
    tool: &'static str,
    how: &'static str,
    command: &mut Command,
) -> Result<(), ToolError> {
    let status = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(ToolError::Missing { tool, how }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(ToolError::Missing { tool, how })
        }
        Err(source) => Err(ToolError::Run { tool, source }),
    }
}

/// Where a program is, if it is on the PATH.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = crate::environment::variable("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}
