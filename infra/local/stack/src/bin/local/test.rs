//! `cargo local test`: everything that must hold, in one go; the last lines say what ran.

use super::Outcome;
use stack::{
    functions::{self, Profile},
    ports::Ports,
    postgres::Postgres,
    report::Reporter,
    stack::{Stack, StackOptions},
    tools,
    trouble::{Context as _, Trouble},
};
use std::{path::Path, process::Stdio, time::Instant};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    process::Command,
};

/// Tests that ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
}

/// What is checked beside the tests stands on these.
const TOOLS: [&str; 3] = ["python", "supabase", "cargo-deny"];
/// What makes a client of openapi.json, in the full proofs.
const GENERATOR: &str = "openapi-nexus";

/// `filter` narrows the tests and leaves everything else out; `proofs` runs those of the deployment alone, with `--full` all
/// that they can show.
pub(super) async fn run(filter: &[String]) -> Outcome {
    let began = Instant::now();
    let workspace = stack::home::workspace();
    let reporter = Reporter::Terminal;
    let mut ran = Vec::new();
    // Where the tests are compiled this file is written anew, and whoever asks then is told of one that is gone.
    let program = std::env::current_exe()?;

    if let [proofs_alone, full @ ..] = filter
        && proofs_alone == "proofs"
    {
        functions::build(&workspace, Profile::Dev, reporter).await?;
        tools::ensure(&workspace, &TOOLS).await?;
        let is_full = full == ["--full"];
        if is_full {
            tools::ensure(&workspace, &[GENERATOR]).await?;
        }
        return proofs(&workspace, &program, is_full).await;
    }
    let check = async |what, command: &mut Command| check(&workspace, what, command).await;
    if filter.is_empty() {
        let cargo = |arguments: &str| {
            let mut command = functions::inner_cargo();
            command.args(arguments.split(' '));
            command
        };
        reporter.line("\n▸ Format");
        let what = "the format check (`cargo fmt` mends it)";
        check(what, &mut cargo("fmt --all --check")).await?;
        reporter.line("▸ Lints");
        let mut lints = cargo("clippy --quiet --workspace --all-targets -- -D warnings");
        check("the lints", &mut lints).await?;
        reporter.line("▸ Documentation comments");
        let mut documented =
            cargo("doc --quiet --workspace --lib --no-deps --document-private-items");
        documented.env("RUSTDOCFLAGS", "-D warnings");
        check("the documentation", &mut documented).await?;
        ran.extend(["format", "lints", "documentation"]);
    }

    reporter.line("▸ Building the four functions");
    functions::build(&workspace, Profile::Dev, reporter).await?;
    reporter.line("▸ Unit, database and black-box tests");
    let counts = tests(&workspace, filter).await?;
    ran.extend(["unit tests", "database tests", "black-box tests"]);

    if filter.is_empty() {
        reporter.line("▸ Template checks");
        tools::ensure(&workspace, &TOOLS).await?;
        let tool = |name| Command::new(tools::program(&workspace, name));
        check("cfn-lint", tool("cfn-lint").arg("template.yaml")).await?;
        let mut sam = tool("sam");
        check("sam validate", sam.args(["validate", "--lint"])).await?;
        ran.push("template checks");
        reporter.line("▸ Proofs of the deployment: policies, resources, runbook, migrations");
        proofs(&workspace, &program, false).await?;
        ran.push("proofs of the deployment");
        reporter.line("▸ Licences, bans and sources of dependencies");
        let mut deny = tool("cargo-deny");
        deny.args(["check", "bans", "licenses", "sources"]);
        check("cargo deny", &mut deny).await?;
        advisories(&workspace, tool("cargo-deny"), reporter).await?;
        ran.push("dependency checks");
    }
    println!("\n{} passed, {} failed", counts.passed, counts.failed);
    println!(
        "Ran {} in {} s: all good.",
        ran.join(", "),
        began.elapsed().as_secs()
    );
    Ok(())
}

/// What can be shown of a deployment without an account (`tests/deployment`): beside a stack of its own and a Postgres as
/// hosted projects have it, before their first migration.
async fn proofs(workspace: &Path, program: &Path, is_full: bool) -> Outcome {
    let options = StackOptions {
        home: workspace.join("target/tmp/stack-deployment"),
        ports: Ports::free()?,
        profile: Profile::Dev,
        latency: Some("text=60,image=120,speech=90".to_owned()),
        ..StackOptions::from_environment(Reporter::Silent)?
    };
    let stack = Stack::start(&options).await?;
    let no_migrations = options.home.join("no-migrations");
    std::fs::create_dir_all(&no_migrations)?;
    let hosted = Postgres::start_temporary(&no_migrations).await?;
    // The interpreter that finds moto and the others.
    let mut python = Command::new(tools::program(workspace, "python"));
    python
        .args(["-m", "unittest", "discover", "-s", "tests/deployment"])
        .env("STACK_ENV", stack.home().join("env"))
        .env("LOCAL", program)
        .env("PROOFS", if is_full { "full" } else { "" })
        .env("HOSTED_DATABASE_URL", hosted.address().database_url())
        .env("HOSTED_SUPERUSER_URL", hosted.address().superuser_url());
    let held = check(workspace, "the proofs of the deployment", &mut python).await;
    stack.stop().await;
    hosted.stop().await;
    Ok(held?)
}

/// Checks the advisories of all dependencies, where their database can be had.
async fn advisories(
    workspace: &Path,
    mut deny: Command,
    reporter: Reporter,
) -> Result<(), Trouble> {
    deny.args(["check", "advisories"]).current_dir(workspace);
    let output = deny.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.context("could not run `cargo deny`")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        reporter.line("▸ No advisory concerns a dependency");
    } else if said.contains("failed to fetch advisory database") {
        reporter.line(
            "▸ Advisories are not checked: their database cannot be fetched from here (`cargo deny check advisories`)",
        );
    } else {
        eprint!("{said}");
        return Err(failed("cargo deny check advisories"));
    }
    Ok(())
}

fn failed(what: &str) -> Trouble {
    Trouble::new(format!("{what} failed; the output above says where"))
}

async fn check(workspace: &Path, what: &str, command: &mut Command) -> Result<(), Trouble> {
    // Tools that would tell their makers about it.
    command.env("SAM_CLI_TELEMETRY", "0").current_dir(workspace);
    let status = command.stdin(Stdio::null()).kill_on_drop(true).status();
    let status = status.await.context(format!("could not run `{what}`"))?;
    status.success().then_some(()).ok_or_else(|| failed(what))
}

/// Runs every test of the workspace, shows its output as it comes and counts the results.
async fn tests(workspace: &Path, filter: &[String]) -> Result<Counts, Trouble> {
    let not_run = "could not run `cargo test`";
    let mut command = functions::inner_cargo();
    command
        .current_dir(workspace)
        .args(["test", "--workspace", "--no-fail-fast"])
        .args(filter);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().context(not_run)?;
    let output = child.stdout.take();
    let output = output.ok_or_else(|| Trouble::new(not_run))?;
    let counted = count(output, tokio::io::stdout()).await;
    let (counts, failures) = counted.context(not_run)?;
    let status = child.wait().await.context(not_run)?;
    if !failures.is_empty() {
        println!("\n▸ What failed, once more\n{}", failures.join("\n"));
    }
    match status.success() {
        false => Err(failed("the test run")),
        true if counts.passed == 0 => Err(Trouble::new("no test ran: that is a failure too")),
        true => Ok(counts),
    }
}

/// Passes the runner's output on; answers how many tests ran, and what those said that failed.
async fn count(
    output: impl AsyncRead + Unpin,
    mut terminal: impl AsyncWrite + Unpin,
) -> std::io::Result<(Counts, Vec<String>)> {
    let mut lines = BufReader::new(output).lines();
    let mut counts = Counts::default();
    let mut failures = Vec::new();
    let mut is_of_failure = false;
    while let Some(line) = lines.next_line().await? {
        is_of_failure = line.starts_with("---- ") || is_of_failure && line != "failures:";
        if is_of_failure {
            failures.push(line.clone());
        }
        if let Some(one) = result_line(&line) {
            counts = Counts {
                passed: counts.passed + one.passed,
                failed: counts.failed + one.failed,
            };
        }
        terminal.write_all(format!("{line}\n").as_bytes()).await?;
        terminal.flush().await?;
    }
    Ok((counts, failures))
}

/// `test result: ok. 3 passed; 0 failed; …`
fn result_line(line: &str) -> Option<Counts> {
    let result = line.strip_prefix("test result: ")?;
    let before = |word: &str| {
        result
            .split_once(word)?
            .0
            .split_whitespace()
            .last()?
            .parse()
            .ok()
    };
    Some(Counts {
        passed: before(" passed;")?,
        failed: before(" failed;")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_failed_is_kept_to_be_said_again_at_the_end() {
        let output = "test a ... ok\ntest b ... FAILED\n\nfailures:\n\n---- b stdout ----\nwhy\n\nfailures:\n    b\n\n\
            test result: FAILED. 1 passed; 1 failed; 0 ignored\n";
        let (counts, failures) = count(output.as_bytes(), tokio::io::sink())
            .await
            .expect("readable");
        assert_eq!((counts.passed, counts.failed), (1, 1));
        assert_eq!(failures, ["---- b stdout ----", "why", ""]);
    }

    #[test]
    fn results_of_the_test_runner_are_counted() {
        let line = "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s";
        assert_eq!(
            result_line(line),
            Some(Counts {
                passed: 12,
                failed: 0
            })
        );
        let line = "test result: FAILED. 1 passed; 2 failed; 0 ignored";
        assert_eq!(
            result_line(line),
            Some(Counts {
                passed: 1,
                failed: 2
            })
        );
        assert_eq!(result_line("test a ... ok"), None);
    }
}
