//! Lambda entry point of the asset worker.

use asset_worker::{Config, Deps, Run, handle};
use lambda_runtime::{LambdaEvent, service_fn};
use runtime::{
    Aws, Deadline, LambdaInvoker, Shutdown, Tick, Variables, env, failure, http_client, start,
};
use serde_json::Value;
use std::{process::ExitCode, sync::Arc, time::Duration};
use store::{RestConfig, Store};

/// The documented time limit, for runtimes that send no deadline.
const TIME_LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    start("asset-worker", async {
        let aws = Arc::new(Aws::default());
        let variables = Variables::load(&aws).await?;
        let rest = RestConfig {
            supabase_url: variables.parsed(env::SUPABASE_URL)?,
            service_role_key: variables
                .required(env::SUPABASE_SERVICE_ROLE_KEY)?
                .to_owned(),
        };
        let store = Store::new(&rest, http_client())?;
        let deps = Deps {
            store,
            invoker: Arc::new(LambdaInvoker::new(aws)),
            config: Config::from_variables(&variables)?,
        };
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
