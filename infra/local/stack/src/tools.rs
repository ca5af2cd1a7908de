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

/// Versions the template was written against; newer ones may know more rules. The last two are a simulated AWS and its
/// command line, for the proofs of the deployment.
const PYTHON_TOOLS: [&str; 4] = [
    "aws-sam-cli==1.170.0",
    "cfn-lint==1.58.0",
    "moto[server]==5.2.5",
    "awscli==1.46.2",
];

const CARGO_LAMBDA: &str = "cargo-lambda==1.9.2";
const SUPABASE_CLI: &str = "supabase@3.1.0";

impl Tools {
    pub async fn ensure(workspace: &Path, reporter: Reporter) -> Result<Self, ToolError> {
        let folder = workspace.join(".local/tools");
        let python = python_tools(workspace, reporter).await?;
        supabase_cli(workspace, reporter).await?;
        let cargo_deny = match on_path("cargo-deny") {
            Some(found) => found,
            None => {
                let installed = folder.join("bin/cargo-deny");
                if !installed.exists() {
                    reporter.begin("Installing cargo-deny into .local/tools (once, some minutes)");
                    let root = folder.display().to_string();
                    let mut cargo = Command::new("cargo");
                    // Its own release profile compiles for many minutes, and nobody waits for its second of work.
                    cargo.args(["install", "cargo-deny", "--locked", "--quiet"]);
                    cargo
                        .args(["--profile", "dev"])
                        .env("CARGO_PROFILE_DEV_DEBUG", "false");
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

    /// The interpreter that finds them all.
    pub fn python(&self) -> PathBuf {
        self.python.join("python")
    }

    pub fn cfn_lint(&self) -> PathBuf {
        self.python.join("cfn-lint")
    }

    pub fn cargo_deny(&self) -> &Path {
        &self.cargo_deny
    }
}

/// The folder of sam, cfn-lint, moto and the AWS command line.
async fn python_tools(workspace: &Path, reporter: Reporter) -> Result<PathBuf, ToolError> {
    let environment = workspace.join(".local/tools/python");
    let programs = environment.join("bin");
    let are_there = ["sam", "cfn-lint", "moto_server", "aws"]
        .iter()
        .all(|program| programs.join(program).exists());
    if !are_there {
        reporter.begin("Installing sam, cfn-lint, moto and the AWS command line into .local/tools (once, about a minute)");
        let how =
            "install Python 3 with venv and pip (Debian: apt-get install python3-venv python3-pip)";
        install_with_pip("aws-sam-cli", how, &environment, &PYTHON_TOOLS).await?;
    }
    Ok(programs)
}

/// The folder of the Supabase command line.
async fn supabase_cli(workspace: &Path, reporter: Reporter) -> Result<PathBuf, ToolError> {
    let folder = workspace.join(".local/tools/node");
    let programs = folder.join("node_modules/.bin");
    if !programs.join("supabase").exists() {
        reporter.begin("Installing the Supabase command line into .local/tools (once)");
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]);
        let how = "install Node.js 20 or later with npm";
        run("supabase", how, npm.arg(&folder).arg(SUPABASE_CLI)).await?;
    }
    Ok(programs)
}

/// Folders of what `cargo local deploy` needs, but for what an operator has anyway (docs/RUNBOOK.md, "Tools").
pub async fn for_deploying(
    workspace: &Path,
    reporter: Reporter,
) -> Result<Vec<PathBuf>, ToolError> {
    let supabase = supabase_cli(workspace, reporter).await?;
    let python = python_tools(workspace, reporter).await?;
    // Installed last, for each installation makes sure of the environment.
    cargo_lambda(workspace, reporter).await?;
    Ok(vec![python, supabase])
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
