//! A configured function: its name, its room for instances, and those that wait for work.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;

use crate::lambda::{config::FunctionConfig, instance::Instance, lock::lock, naming};

pub(crate) struct Function {
    pub(crate) config: FunctionConfig,
    /// ARN of the deployed name, without a qualifier.
    pub(crate) arn: String,
    /// One permit per invocation that may run at once.
    pub(crate) permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    instance: Arc<Instance>,
    since: Instant,
}

impl Function {
    pub(crate) fn new(config: FunctionConfig, region: &str, account_id: &str) -> Self {
        Self {
            arn: naming::function_arn(region, account_id, &config.deployed_name),
            permits: Arc::new(Semaphore::new(config.max_concurrency)),
            idle: Mutex::default(),
            config,
        }
    }

    pub(crate) fn answers_to(&self, bare_name: &str) -> bool {
        bare_name == self.config.name || bare_name == self.config.deployed_name
    }

    /// The instance that worked last, so that those not needed grow old and are stopped.
    pub(crate) fn take_idle(&self) -> Option<Arc<Instance>> {
        let mut idle = lock(&self.idle);
        std::iter::from_fn(|| idle.pop())
            .map(|idle| idle.instance)
            .find(|instance| instance.is_alive())
    }

    pub(crate) fn give_back(&self, instance: Arc<Instance>) {
        lock(&self.idle).push(Idle {
            instance,
            since: Instant::now(),
        });
    }

    /// Removes the instances idle for longer than `idle_timeout`, oldest first, but leaves `warm`.
    pub(crate) fn take_expired(&self, idle_timeout: Duration) -> Vec<Arc<Instance>> {
        let mut idle = lock(&self.idle);
        idle.retain(|idle| idle.instance.is_alive());
        let spare = idle.len().saturating_sub(self.config.warm);
        let expired = idle
            .iter()
            .take(spare)
            .take_while(|idle| idle.since.elapsed() > idle_timeout)
            .count();
        idle.drain(..expired).map(|idle| idle.instance).collect()
    }
}
