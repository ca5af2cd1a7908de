//! Starting a function and telling what went wrong: one sentence with its causes, exit status 1.

use std::{error::Error, future::Future, process::ExitCode};

/// What a function's `main` builds before its first event, and may fail to.
pub type Boot = Result<(), Box<dyn Error + Send + Sync>>;

/// An error and its causes as one line: `what was attempted: cause: deeper cause`.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

/// Runs a function until its environment ends. An error before that is said once, in one line.
pub fn start(function: &'static str, serve: impl Future<Output = Boot>) -> ExitCode {
    crate::init_telemetry();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(serve),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(function, error = chain(error.as_ref()), "Function could not start");
            ExitCode::FAILURE
        }
    }
}
