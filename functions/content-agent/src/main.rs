//! Lambda entry point of the content agent.

#![recursion_limit = "256"]

use content_agent::{Command, Config, Deps, config, handle};
use lambda_runtime::{LambdaEvent, service_fn};
use providers::{ElevenLabs, OpenAi};
use runtime::{Aws, Deadline, LambdaInvoker, Variables, env, failure, http_client, start};
use serde_json::Value;
use std::{process::ExitCode, sync::Arc, time::Duration};
use store::{AssetFiles, RestConfig, Store};
use tokio::sync::Semaphore;

/// The documented time limit, for runtimes that send no deadline.
const TIME_LIMIT: Duration = Duration::from_secs(300);
/// Pictures decoded at once; 16 fit into 512 MB beside everything else.
const DECODING_MAX: usize = 4;

fn main() -> ExitCode {
    start("content-agent", async {
        let aws = Arc::new(Aws::default());
        let variables = Variables::load(&aws).await?;
        let http = http_client();
        let rest = RestConfig {
            supabase_url: variables.parsed(env::SUPABASE_URL)?,
            service_role_key: variables
                .required(env::SUPABASE_SERVICE_ROLE_KEY)?
                .to_owned(),
        };
        let openai = Arc::new(OpenAi::new(config::openai(&variables)?, http.clone()));
        let deps = Arc::new(Deps {
            store: Store::new(&rest, http.clone())?,
            files: AssetFiles::new(
                aws.config().await,
                variables.optional(env::AWS_ENDPOINT_URL_S3).is_some(),
                variables.required(env::ASSETS_BUCKET)?.to_owned(),
                variables.parsed(env::ASSETS_CDN_URL)?,
            ),
            text: openai.clone(),
            pictures: openai,
            speech: Arc::new(ElevenLabs::new(config::elevenlabs(&variables)?, http)),
            invoker: Arc::new(LambdaInvoker::new(aws)),
            config: Config::from_variables(&variables)?,
            decoding: Semaphore::new(DECODING_MAX),
        });
        lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
            let deps = Arc::clone(&deps);
            async move {
                let command = Command::try_from(&event.payload)
                    .map_err(|error| failure("BadEvent", &error))?;
                let deadline = Deadline::from_epoch_ms(event.context.deadline, TIME_LIMIT);
                handle(deps, command, deadline)
                    .await
                    .map_err(|error| failure("StartFailed", &error))
            }
        }))
        .await
    })
}
