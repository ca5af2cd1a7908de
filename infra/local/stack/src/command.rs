//! How a command ends: done, stopped by a signal, or failed with one sentence and exit status 1.

use std::{error::Error, process::ExitCode};
use tokio::signal::{
    ctrl_c,
    unix::{SignalKind, signal},
};

/// What a command comes to.
pub type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// Carries a command out and says why it failed, if it did.
pub fn carry_out(work: impl Future<Output = Outcome>) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new();
    let done = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(work));
    let Err(error) = done else {
        return ExitCode::SUCCESS;
    };
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    eprintln!("\n✗ {line}");
    ExitCode::FAILURE
}

/// A command line that could not be understood, or asked for help: clap's own words.
pub fn told(error: &clap::Error) -> ExitCode {
    if error.print().is_ok() && !error.use_stderr() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs until done or interrupted; what was started is dropped, and so stopped, in either case.
pub async fn interruptible(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::select! {
        done = work => done,
        () = interrupted() => Err("stopped by a signal before it was done".into()),
    }
}

/// Resolves at Ctrl-C, or when the process is asked to end.
pub async fn interrupted() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = ctrl_c() => {}
        () = terminated => {}
    }
}
