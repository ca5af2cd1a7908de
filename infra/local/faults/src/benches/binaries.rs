//! The programs that are measured: the four functions as they are deployed, and the smallest function as their anchor.

use crate::prelude::*;
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
pub(crate) async fn release(options: TrialOptions) -> Result<PathBuf> {
    functions::build(&home::workspace(), Profile::Release, options.reporter)
        .await
        .context("build the functions for release")
}

/// Builds a function that answers what it is sent, with the same profile; its program.
pub(crate) async fn hello(release: &std::path::Path) -> Result<PathBuf> {
    let status = functions::inner_cargo()
        .current_dir(home::workspace())
        .args(["build", "--release", "--quiet"])
        .args(["--package", "runtime", "--example", "hello"])
        .status()
        .await
        .context("run cargo")?;
    if !status.success() {
        return stuck("the smallest function does not compile; cargo says why above");
    }
    Ok(release.join("examples/hello"))
}
