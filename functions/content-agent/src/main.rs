//! Lambda entry point of the content agent.

#![recursion_limit = "256"]

use content_agent::{Deps, Invocation, handle};
use events::Command;
use lambda_runtime::{LambdaEvent, service_fn};
use runtime::{Aws, Deadline, Shutdown, Variables, failure, start};
use serde_json::Value;
use std::{process::ExitCode, sync::Arc, time::Duration};

/// The documented time limit, for runtimes that send no deadline.
const TIME_LIMIT: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    start("content-agent", async {
        let aws = Arc::new(Aws::default());
        let variables = Variables::load(&aws).await?;
        let deps = Arc::new(Deps::from_variables(&variables, aws)?);
        let shutdown = Shutdown::listen()?;
        let listening = shutdown.clone();
        // Several invocations at once where the environment allows it; one at a time elsewhere.
        let serve = service_fn(move |event: LambdaEvent<Value>| {
            let deps = Arc::clone(&deps);
            let shutdown = listening.clone();
            async move {
                let _at_work = shutdown.at_work();
                let command = Command::try_from(&event.payload)
                    .map_err(|error| failure("BadEvent", &error))?;
                let deadline = Deadline::from_epoch_ms(event.context.deadline, TIME_LIMIT);
                let invocation = Invocation::new(&event.context.request_id, deadline, shutdown);
                handle(deps, command, invocation)
                    .await
                    .map_err(|error| failure("StartFailed", &error))
            }
        });
        shutdown.serve(lambda_runtime::run_concurrent(serve)).await
    })
}
