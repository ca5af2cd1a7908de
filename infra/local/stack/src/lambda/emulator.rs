//! The emulator as its owner sees it: start, invoke, look inside, stop.

use std::{
    net::SocketAddr,
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use serde_json::Value;
use supabase::trouble::{Context as _, Trouble};
use tokio::{
    net::TcpListener,
    sync::broadcast,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::lambda::{
    api,
    config::{EmulatorConfig, Faults},
    error::InvokeError,
    instance::{Current, InstanceView, Order},
    invocation::Invocation,
    logs::LogLine,
    metrics::{InvocationRecord, Metrics},
    state::Core,
};

/// Longest wait for the processes at [`Emulator::stop`]; SIGKILL leaves them no choice before.
const PROCESSES_GONE_WAIT: Duration = Duration::from_secs(5);
/// Longest wait for open connections after that.
const CONNECTIONS_CLOSED_WAIT: Duration = Duration::from_secs(1);
const HOUSEKEEPING_EVERY_MAX: Duration = Duration::from_secs(5);

/// A running Lambda. Dropping it kills the functions; [`stop`](Self::stop) lets them end well.
pub struct Emulator {
    core: Arc<Core>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Emulator {
    /// Serves Lambda on `listener`, which should be bound to 127.0.0.1: nothing is authenticated.
    ///
    /// # Errors
    /// When the configuration contradicts itself, or a file it names cannot be opened.
    pub async fn start(config: EmulatorConfig, listener: TcpListener) -> Result<Self, Trouble> {
        let unreadable = "could not read the address of the Lambda listener";
        let address = listener.local_addr().context(unreadable)?;
        let core = Arc::new(Core::open(config, address)?);
        core.check_names()?;
        for function in &core.functions {
            // So that a function that was never called is still listed.
            core.ledger.change(&function.config.name, |_| ());
        }

        let app =
            api::router(Arc::clone(&core)).into_make_service_with_connect_info::<SocketAddr>();
        let stopping = Arc::clone(&core);
        let server = tokio::spawn(async move {
            let served = axum::serve(listener, app)
                // The children must still be able to talk until they are gone.
                .with_graceful_shutdown(async move {
                    stopping.stopping().await;
                    stopping.deserted().await;
                })
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "The Lambda server ended");
            }
        });
        core.start_schedules();
        core.warm_up();
        tokio::spawn(keep_house(Arc::downgrade(&core), core.config.idle_timeout));
        Ok(Self {
            core,
            address,
            server,
        })
    }

    /// Where it listens; `http://ADDRESS` is the value of `AWS_ENDPOINT_URL_LAMBDA`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Queues an event and returns its request id, as `InvocationType: Event` does.
    ///
    /// # Errors
    /// When the event was not accepted; what becomes of it later is seen in
    /// [`metrics`](Self::metrics) and [`dead_letters`](Self::dead_letters).
    pub fn invoke_event(&self, function: &str, payload: Bytes) -> Result<String, InvokeError> {
        let limit = api::invoke::EVENT_BYTES_MAX;
        if payload.len() > limit {
            return Err(InvokeError::RequestTooLarge { limit });
        }
        let invocation = Invocation::new(api::invoke::checked_payload(payload)?);
        self.core.accept(self.core.function(function)?, invocation)
    }

    /// Sends the scheduled event of a rule now, whether or not schedules are paused. Returns the
    /// request id.
    ///
    /// # Errors
    /// When no schedule has that rule name.
    pub fn tick(&self, rule: &str) -> Result<String, Trouble> {
        self.core.tick(rule)
    }

    /// Paused schedules skip their ticks.
    pub fn pause_schedules(&self, paused: bool) {
        self.core.schedules_paused.store(paused, Ordering::Relaxed);
    }

    /// Changes what goes wrong on purpose, for events accepted from now on.
    pub fn set_faults(&self, faults: Faults) {
        *self.core.faults.lock() = faults;
    }

    /// Totals since the start.
    pub fn metrics(&self) -> Metrics {
        self.core.ledger.totals()
    }

    /// The last 50,000 invocations, oldest first, in the order in which they ended.
    pub fn invocations(&self) -> Vec<InvocationRecord> {
        self.core.ledger.records()
    }

    /// The processes that exist now.
    pub fn instances(&self) -> Vec<InstanceView> {
        self.core.instance_views()
    }

    /// The process of a function (by its short name) whose invocation's payload contains this text.
    pub fn pid_working_on(&self, function: &str, text: &str) -> Option<u32> {
        let mentions = |work: &Current| {
            let mut windows = work.payload.windows(text.len().max(1));
            windows.any(|window| window == text.as_bytes())
        };
        let mut at_work = self.core.at_work(mentions).into_iter();
        at_work.find(|(of, _)| of == function).map(|(_, pid)| pid)
    }

    /// Events given up on, oldest first.
    pub fn dead_letters(&self) -> Vec<Value> {
        self.core.dead_letters.all()
    }

    /// Every line the functions print from now on.
    pub fn log_lines(&self) -> broadcast::Receiver<LogLine> {
        self.core.logs.subscribe()
    }

    /// Ends every process of a function as a new version does: SIGTERM, then SIGKILL. Invocations from now on get new
    /// processes. Returns the pids of those that were ended.
    ///
    /// # Errors
    /// When there is no such function.
    pub fn replace_instances(&self, function: &str) -> Result<Vec<u32>, InvokeError> {
        let function = self.core.function(function)?;
        let instances = self.core.instances_of(function);
        for instance in &instances {
            instance.orders.send_replace(Order::Terminate);
        }
        Ok(instances
            .iter()
            .filter_map(|instance| instance.pid())
            .collect())
    }

    /// The process that works on the invocation of this request id.
    pub fn pid_of_request(&self, request_id: &str) -> Option<u32> {
        let is_it = |work: &Current| work.request_id == request_id;
        self.core.at_work(is_it).pop().map(|(_, pid)| pid)
    }

    /// Ends the functions (SIGTERM, then SIGKILL: after half a second, or two for a process at work) and then the server. Events still
    /// unsettled are lost. Returns when no process is left.
    pub async fn stop(mut self) {
        self.core.order_all(Order::Terminate);
        if timeout(PROCESSES_GONE_WAIT, self.core.deserted())
            .await
            .is_err()
        {
            tracing::error!("Some functions survived SIGKILL for five seconds");
        }
        // A client that keeps its connection open must not keep us.
        let _ = timeout(CONNECTIONS_CLOSED_WAIT, &mut self.server).await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if !self.core.is_stopping() {
            self.core.order_all(Order::Kill);
        }
        self.server.abort();
    }
}

impl Core {
    /// Whether every function that the configuration names is there.
    fn check_names(&self) -> Result<(), Trouble> {
        let url_function = self.config.url_function.iter();
        let url_function = url_function.map(|name| ("the Function URL", name));
        let schedules = self.config.schedules.iter();
        let targets = schedules.map(|schedule| ("a schedule", &schedule.function));
        let destinations = self.config.functions.iter().filter_map(|function| {
            Some(("an on-failure destination", function.on_failure.as_ref()?))
        });
        for (place, name) in url_function.chain(targets).chain(destinations) {
            let unknown = format!("{place} names a function that is not configured");
            self.function(name).context(unknown)?;
        }
        Ok(())
    }

    /// Starts the instances that are wanted ahead of the first call.
    fn warm_up(self: &Arc<Self>) {
        let ours = self
            .functions
            .iter()
            .filter(|_| self.config.runner.is_none());
        for function in ours {
            for _ in 0..function.config.warm.min(function.config.max_concurrency) {
                match self.start_instance(function) {
                    Ok(instance) => self.idle.give_back(instance),
                    Err(why) => tracing::warn!(
                        "`{}` could not be started ahead: {why}",
                        function.config.name
                    ),
                }
            }
        }
    }
}

/// Stops instances that nobody needed for long.
async fn keep_house(core: Weak<Core>, idle_timeout: Duration) {
    let period = (idle_timeout / 2).clamp(Duration::from_millis(10), HOUSEKEEPING_EVERY_MAX);
    let mut ticker = interval(period);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticker.tick().await;
        let Some(core) = core.upgrade().filter(|core| !core.is_stopping()) else {
            return;
        };
        for function in &core.functions {
            for instance in core.idle.take_expired(&function.config, idle_timeout) {
                instance.orders.send_replace(Order::Terminate);
            }
        }
    }
}
