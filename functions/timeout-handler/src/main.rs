//! Lambda entry point of the timeout handler.

use lambda_runtime::{LambdaEvent, service_fn};
use runtime::{Aws, Deadline, LambdaInvoker, Variables, env, failure, http_client, start};
use serde_json::Value;
use std::{process::ExitCode, sync::Arc, time::Duration};
use store::{RestConfig, Store};
use timeout_handler::{Call, Deps, handle};

/// The time limit of the template, for runtimes that send no deadline.
const TIME_LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    start("timeout-handler", async {
        let aws = Arc::new(Aws::default());
        let variables = Variables::load(&aws).await?;
        let rest = RestConfig {
            supabase_url: variables.parsed(env::SUPABASE_URL)?,
            service_role_key: variables
                .required(env::SUPABASE_SERVICE_ROLE_KEY)?
                .to_owned(),
        };
        let store = Store::new(&rest, http_client())?;
        let asset_worker = variables.required(env::ASSET_WORKER_FUNCTION)?.to_owned();
        let deps = Deps {
            store,
            invoker: Arc::new(LambdaInvoker::new(aws)),
            asset_worker,
        };
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
