//! The processes that wait for work, by function.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::lambda::{config::FunctionConfig, instance::Instance};

#[derive(Default)]
pub(crate) struct IdlePool(Mutex<HashMap<String, Vec<Idle>>>);

struct Idle {
    instance: Arc<Instance>,
    since: Instant,
}

impl IdlePool {
    /// The instance that worked last, so that those not needed grow old and are stopped.
    pub(crate) fn take(&self, function: &FunctionConfig) -> Option<Arc<Instance>> {
        let mut pool = self.0.lock();
        let idle = pool.get_mut(&function.name)?;
        std::iter::from_fn(|| idle.pop())
            .map(|idle| idle.instance)
            .find(|instance| instance.is_alive())
    }

    pub(crate) fn give_back(&self, instance: Arc<Instance>) {
        let name = instance.function.name.clone();
        self.0.lock().entry(name).or_default().push(Idle {
            instance,
            since: Instant::now(),
        });
    }

    /// Removes the instances idle for longer than `idle_timeout`, oldest first, but leaves `warm`.
    pub(crate) fn take_expired(
        &self,
        function: &FunctionConfig,
        idle_timeout: Duration,
    ) -> Vec<Arc<Instance>> {
        let mut pool = self.0.lock();
        let Some(idle) = pool.get_mut(&function.name) else {
            return Vec::new();
        };
        idle.retain(|idle| idle.instance.is_alive());
        let spare = idle.len().saturating_sub(function.warm);
        let expired = idle
            .iter()
            .take(spare)
            .take_while(|idle| idle.since.elapsed() > idle_timeout)
            .count();
        idle.drain(..expired).map(|idle| idle.instance).collect()
    }
}
