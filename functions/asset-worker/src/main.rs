//! Lambda entry point of the asset worker.

use asset_worker::{Deps, Run, handle};
use lambda_runtime::{LambdaEvent, service_fn};
use runtime::{Aws, Deadline, Shutdown, Tick, Variables, failure, start};
use serde_json::Value;
use std::{process::ExitCode, sync::Arc, time::Duration};

/// The documented time limit, for runtimes that send no deadline.
const TIME_LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    start("asset-worker", async {
        let aws = Arc::new(Aws::default());
        let variables = Variables::load(&aws).await?;
        let deps = Deps::from_variables(&variables, aws)?;
        let shutdown = Shutdown::listen()?;
        let (deps, listening) = (&deps, &shutdown);
        let serve = service_fn(move |event: LambdaEvent<Value>| async move {
            let _at_work = listening.at_work();
            Tick::try_from(event.payload).map_err(|error| failure("BadEvent", &error))?;
            let run = Run {
                request_id: event.context.request_id,
                deadline: Deadline::from_epoch_ms(event.context.deadline, TIME_LIMIT),
                shutdown: listening.clone(),
            };
            handle(deps, run)
                .await
                .map_err(|error| failure("ClaimFailed", &error))
        });
        shutdown.serve(lambda_runtime::run(serve)).await
    })
}
