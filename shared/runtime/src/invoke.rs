//! Asynchronous calls between functions: `Event` invocations, of whatever the crate `events` writes.

use aws_sdk_lambda::{Client, primitives::Blob, types::InvocationType};
use serde_json::Value;
use std::sync::{Arc, OnceLock};

/// The event was not accepted.
#[derive(Debug, thiserror::Error)]
#[error("could not invoke {function}")]
pub struct InvokeError {
    pub function: String,
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Hands an event to a function and does not wait for it to be worked on.
#[async_trait::async_trait]
pub trait Invoke: Send + Sync {
    async fn invoke(&self, function: &str, event: Value) -> Result<(), InvokeError>;
}

/// Lambda's own asynchronous invocation.
#[derive(Debug, Default)]
pub struct LambdaInvoker {
    aws: Arc<crate::Aws>,
    client: OnceLock<Client>,
}

impl LambdaInvoker {
    pub fn new(aws: Arc<crate::Aws>) -> Self {
        Self {
            aws,
            client: OnceLock::new(),
        }
    }
}

#[async_trait::async_trait]
impl Invoke for LambdaInvoker {
    async fn invoke(&self, function: &str, event: Value) -> Result<(), InvokeError> {
        let failed = |source| InvokeError {
            function: function.to_owned(),
            source,
        };
        let client = self.client.get_or_init(|| Client::new(self.aws.config()));
        client
            .invoke()
            .function_name(function)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(event.to_string()))
            .send()
            .await
            .map_err(|error| failed(error.into()))?;
        Ok(())
    }
}
