//! `cargo local deploy`: hands over to `infra/deploy.sh`, with the pinned tools on its path.

use super::Outcome;
use stack::{environment, tools};
use std::process::Stdio;

/// Handed over as they are: --environment staging|production [--dry-run]
#[derive(Debug, clap::Args)]
pub(super) struct Deploy {
    /// --environment staging|production [--dry-run]
    #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
    arguments: Vec<String>,
}

pub(super) async fn run(deploy: Deploy) -> Outcome {
    let workspace = stack::home::workspace();
    let mut script = tokio::process::Command::new("bash");
    script.arg(workspace.join("infra/deploy.sh"));
    script.args(&deploy.arguments).current_dir(&workspace);
    // Nothing is installed to print what would be done.
    let mut arguments = deploy.arguments.iter();
    if !arguments.any(|argument| argument == "--dry-run") {
        // The last one of Python's, for each installation makes sure of the environment.
        tools::ensure(&workspace, &["supabase", "python", "cargo-lambda"]).await?;
        let path = environment::variable("PATH").unwrap_or_default();
        let ours = tools::folders(&workspace).into_iter();
        let path = ours.chain(std::env::split_paths(&path));
        script.env("PATH", std::env::join_paths(path)?);
    }
    let status = script.stdin(Stdio::inherit()).status().await?;
    match status.success() {
        true => Ok(()),
        false => Err("not deployed: the lines above say why".into()),
    }
}
