//! A configured function: its name and its room for instances.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::lambda::{config::FunctionConfig, naming};

pub(crate) struct Function {
    pub(crate) config: Arc<FunctionConfig>,
    /// ARN of the deployed name, without a qualifier.
    pub(crate) arn: String,
    /// One permit per invocation that may run at once.
    pub(crate) permits: Arc<Semaphore>,
}

impl Function {
    pub(crate) fn new(config: FunctionConfig, region: &str, account_id: &str) -> Self {
        Self {
            arn: naming::function_arn(region, account_id, &config.deployed_name),
            permits: Arc::new(Semaphore::new(config.max_concurrency)),
            config: Arc::new(config),
        }
    }

    pub(crate) fn answers_to(&self, bare_name: &str) -> bool {
        bare_name == self.config.name || bare_name == self.config.deployed_name
    }
}
