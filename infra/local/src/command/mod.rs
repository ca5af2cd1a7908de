//! The commands of `cargo local`, and how a failed one says so: one sentence, exit status 1.

mod doctor;
mod progress;
mod shelf;
mod story;
mod test;
mod timing;
mod trial;
mod up;

use stack::{
    report::Reporter,
    stack::{Stack, StackError, StackOptions},
};
use std::{error::Error, process::ExitCode};

const USAGE: &str = "cargo local COMMAND

  story [\"a shy dragon who fears the dark\"] [--out DIR]
             makes a whole story with the real functions and writes the book to DIR (out/<story id>)
  up [--watch]
             starts the stack and stays: URLs, keys, a demo token; Ctrl-C stops it
  test       format, lints, unit, database and black-box tests, template checks
  fault [NAME | --all] [--short | --full] [--seed N]
             what must survive: each prints its figures and fails when a goal is missed; no name lists them
  bench [NAME | --all] [--short | --full] [--seed N]
             what it costs: figures beside their anchors
  doctor     checks tools, variables, database, queue, storage and providers
";

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

pub(crate) fn main() -> ExitCode {
    stack::report::init_logging();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match runtime.block_on(run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(error.as_ref()),
    }
}

async fn run(arguments: &[String]) -> Outcome {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["story", rest @ ..] => interruptible(story::run(story::Wish::parse(rest)?)).await,
        ["up"] => up::run(false).await,
        ["up", "--watch"] => up::run(true).await,
        ["test", rest @ ..] => test::run(rest).await,
        [kind @ ("fault" | "bench"), rest @ ..] => trial::run(kind, rest),
        ["doctor"] => doctor::run().await,
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        [unknown, ..] => Err(format!(
            "`{unknown}` is no command of cargo local; `cargo local help` lists them"
        )
        .into()),
    }
}

/// Runs until done or interrupted; what was started is dropped, and so stopped, in either case.
async fn interruptible(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::select! {
        done = work => done,
        () = interrupted() => Err("stopped by a signal before it was done".into()),
    }
}

/// Resolves at Ctrl-C, or when the process is asked to end.
async fn interrupted() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// The stack that is up in this workspace, or one of our own.
enum Running {
    Elsewhere(std::collections::BTreeMap<String, String>),
    Ours(Box<Stack>),
}

impl Running {
    async fn ensure(options: &StackOptions) -> Result<Self, StackError> {
        let home = stack::home::Home::open(options.home.clone())?;
        if let Some(variables) = home.running() {
            Reporter::Terminal.line("Using the stack that is up.");
            return Ok(Self::Elsewhere(variables));
        }
        Ok(Self::Ours(Box::new(Stack::start(options).await?)))
    }

    fn variable(&self, name: &str) -> &str {
        let variables = match self {
            Self::Elsewhere(variables) => variables,
            Self::Ours(stack) => stack.variables(),
        };
        variables.get(name).map_or("", String::as_str)
    }

    async fn stop(self) {
        if let Self::Ours(stack) = self {
            stack.stop().await;
        }
    }
}

fn failed(error: &(dyn Error + 'static)) -> ExitCode {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    eprintln!("\n✗ {line}");
    ExitCode::FAILURE
}
