//! `cargo local look`: a picture of every page in every state, three widths, to leaf through.

use super::{Outcome, running::Running};
use stack::{
    page::{self, Packages},
    report::Reporter,
    stack::StackOptions,
};
use tokio::process::Command;

pub(super) async fn run() -> Outcome {
    let options = StackOptions::from_environment(Reporter::Terminal)?;
    page::build(&options.workspace, Packages::ToTest).await?;
    let running = Running::ensure(&options).await?;
    let folder = options.workspace.join("out/look");
    let status = Command::new("node")
        .arg("tests/look.mjs")
        .arg(&folder)
        .current_dir(options.workspace.join("web"))
        .envs(running.variables())
        .kill_on_drop(true)
        .status()
        .await;
    running.stop().await;
    if status.is_ok_and(|status| status.success()) {
        Ok(())
    } else {
        Err("the pictures could not be taken; the lines above say why".into())
    }
}
