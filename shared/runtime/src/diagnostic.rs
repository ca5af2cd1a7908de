//! Starting a function and telling what went wrong: one sentence with its causes, exit status 1.

use lambda_runtime::Diagnostic;
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
    crate::panics::log();
    let (version, commit) = (crate::release::VERSION, crate::release::COMMIT);
    tracing::info!(function, version, commit, "Process started");
    let serve = async {
        let outcome = serve.await;
        if let Err(error) = &outcome {
            tracing::error!(
                function,
                error = chain(error.as_ref()),
                "Function could not start"
            );
            crate::errors_sent().await;
        }
        outcome
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(serve),
        Err(error) => Err(error.into()),
    };
    outcome.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

/// An invocation's error with a stable name, its chain logged once. What Lambda shows the caller is the message alone.
pub fn failure(error_type: &'static str, error: &(dyn Error + 'static)) -> Diagnostic {
    tracing::error!(
        errorType = error_type,
        error = chain(error),
        "Invocation failed"
    );
    Diagnostic {
        error_type: error_type.to_owned(),
        error_message: error.to_string(),
    }
}
