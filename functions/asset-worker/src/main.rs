//! Lambda entry point of the asset worker.

use asset_worker::{Deps, Invocation, handle};
use events::Tick;
use lambda_runtime::{LambdaEvent, service_fn};
use runtime::{Aws, Deadline, Shutdown, Variables, env, failure, invoked, report_errors, start};
use serde_json::Value;
use std::{process::ExitCode, sync::Arc, time::Duration};

/// The documented time limit, for runtimes that send no deadline.
const TIME_LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    start("asset-worker", async {
        let aws = Arc::new(Aws::default());
        let variables = Variables::load(&aws, env::parameters::ASSET_WORKER).await?;
        report_errors("asset-worker", &variables)?;
        let deps = Deps::from_variables(&variables, aws)?;
        let shutdown = Shutdown::listen()?;
        let (deps, listening) = (&deps, &shutdown);
        let serve = service_fn(move |event: LambdaEvent<Value>| {
            let LambdaEvent { payload, context } = event;
            let request_id = context.request_id.clone();
            let work = async move {
                let _at_work = listening.at_work();
                Tick::try_from(payload).map_err(|error| failure("BadEvent", &error))?;
                let invocation = Invocation {
                    deadline: Deadline::from_epoch_ms(context.deadline, TIME_LIMIT),
                    request_id: context.request_id,
                    shutdown: listening.clone(),
                };
                let report = handle(deps, invocation).await;
                report.map_err(|error| failure("ClaimFailed", &error))
            };
            invoked(request_id, work)
        });
        shutdown.serve(lambda_runtime::run(serve)).await
    })
}
