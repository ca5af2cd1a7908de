//! Lambda entry point of the timeout handler.

use lambda_runtime::{LambdaEvent, service_fn};
use runtime::{Aws, Deadline, Variables, failure, start};
use serde_json::Value;
use std::{process::ExitCode, sync::Arc, time::Duration};
use timeout_handler::{Call, Deps, handle};

/// The time limit of the template, for runtimes that send no deadline.
const TIME_LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    start("timeout-handler", async {
        let aws = Arc::new(Aws::default());
        let variables = Variables::load(&aws).await?;
        let deps = Deps::from_variables(&variables, aws)?;
        let deps = &deps;
        lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
            let call =
                Call::try_from(event.payload).map_err(|error| failure("BadEvent", &error))?;
            let deadline = Deadline::from_epoch_ms(event.context.deadline, TIME_LIMIT);
            handle(deps, &call, deadline)
                .await
                .map_err(|error| failure("ExpireFailed", &error))
        }))
        .await
    })
}
