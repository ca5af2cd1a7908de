//! Lambda entry point of the content agent: several invocations at once where the environment allows it.

#![recursion_limit = "256"]

use content_agent::{Deps, Invocation, handle};
use events::Command;
use lambda_runtime::{LambdaEvent, service_fn};
use runtime::{Aws, Deadline, Shutdown, Variables, env, failure, invoked, report_errors, start};
use serde_json::Value;
use std::{process::ExitCode, sync::Arc, time::Duration};

/// The documented time limit, for runtimes that send no deadline.
const TIME_LIMIT: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    start("content-agent", async {
        let aws = Arc::new(Aws::default());
        let variables = Variables::load(&aws, env::parameters::CONTENT_AGENT).await?;
        report_errors("content-agent", &variables)?;
        let deps = Arc::new(Deps::from_variables(&variables, aws)?);
        let shutdown = Shutdown::listen()?;
        let listening = shutdown.clone();
        let serve = service_fn(move |event: LambdaEvent<Value>| {
            let (deps, shutdown) = (Arc::clone(&deps), listening.clone());
            let LambdaEvent { payload, context } = event;
            let request_id = context.request_id.clone();
            let work = async move {
                let _at_work = shutdown.at_work();
                let command =
                    Command::try_from(&payload).map_err(|error| failure("BadEvent", &error))?;
                let deadline = Deadline::from_epoch_ms(context.deadline, TIME_LIMIT);
                let invocation = Invocation::new(&context.request_id, deadline, shutdown);
                let report = handle(deps, command, invocation).await;
                report.map_err(|error| failure("StartFailed", &error))
            };
            invoked(request_id, work)
        });
        shutdown.serve(lambda_runtime::run_concurrent(serve)).await
    })
}
