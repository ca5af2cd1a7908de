//! `cargo local fault` and `cargo local bench`: handed over to a program of their own, so that the other commands compile
//! without them.

use super::Outcome;
use stack::{functions::inner_cargo, home, report::Reporter};
use std::os::unix::process::CommandExt;

/// Becomes the program `faults`, which gets the signals and gives the exit status from here on; returns only when that
/// cannot be. `kind` is `fault` or `bench`.
pub(super) fn run(kind: &str, arguments: &[String]) -> Outcome {
    Reporter::Terminal.line("Building the fault tests and benchmarks, if they have changed");
    let mut cargo = inner_cargo().into_std();
    cargo
        .args(["run", "--quiet", "--package", "faults", "--bin", "faults"])
        .args([
            "--manifest-path".as_ref(),
            home::workspace().join("Cargo.toml").as_os_str(),
        ])
        .args(["--", kind])
        .args(arguments);
    Err(format!("could not run cargo: {}", cargo.exec()).into())
}
