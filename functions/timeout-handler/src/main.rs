//! Lambda entry point of the timeout handler.

use lambda_runtime::{LambdaEvent, service_fn};
use runtime::{Aws, Deadline, Variables, env, failure, invoked, report_errors, start};
use serde_json::Value;
use std::{process::ExitCode, sync::Arc, time::Duration};
use timeout_handler::{Deps, Invocation, Trigger, handle};

/// The time limit of the template, for runtimes that send no deadline.
const TIME_LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    start("timeout-handler", async {
        let aws = Arc::new(Aws::default());
        let variables = Variables::load(&aws, env::parameters::TIMEOUT_HANDLER).await?;
        report_errors("timeout-handler", &variables)?;
        let deps = Deps::from_variables(&variables, aws)?;
        let deps = &deps;
        let serve = service_fn(move |event: LambdaEvent<Value>| {
            let LambdaEvent { payload, context } = event;
            let request_id = context.request_id.clone();
            let work = async move {
                let trigger =
                    Trigger::try_from(payload).map_err(|error| failure("BadEvent", &error))?;
                let deadline = Deadline::from_epoch_ms(context.deadline, TIME_LIMIT);
                let report = handle(deps, Invocation { trigger, deadline }).await;
                report.map_err(|error| failure("ExpireFailed", &error))
            };
            invoked(request_id, work)
        });
        lambda_runtime::run(serve).await
    })
}
