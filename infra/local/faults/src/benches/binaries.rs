//! The programs that are measured: the four functions as they are deployed, and the smallest function as their anchor.

use crate::{Order, TrialError};
use stack::{
    functions::{self, Profile},
    home,
};
use std::path::PathBuf;

/// The four functions, by the names of their binaries.
pub(crate) const FUNCTIONS: [&str; 4] = [
    "universal-agent",
    "content-agent",
    "asset-worker",
    "timeout-handler",
];

/// Builds the release binaries, and answers the folder they are in.
pub(crate) async fn release(order: Order) -> Result<PathBuf, TrialError> {
    functions::build(&home::workspace(), Profile::Release, order.reporter)
        .await
        .map_err(TrialError::while_trying("build the functions for release"))
}

/// Builds a function that answers what it is sent, with the same profile; its program.
pub(crate) async fn hello(release: &std::path::Path) -> Result<PathBuf, TrialError> {
    let status = functions::inner_cargo()
        .current_dir(home::workspace())
        .args(["build", "--release", "--quiet"])
        .args(["--package", "runtime", "--example", "hello"])
        .status()
        .await
        .map_err(TrialError::while_trying("run cargo"))?;
    if !status.success() {
        return Err(TrialError::Stuck(
            "the smallest function does not compile; cargo says why above".to_owned(),
        ));
    }
    Ok(release.join("examples/hello"))
}
